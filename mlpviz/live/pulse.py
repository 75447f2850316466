"""How often a page should ask for a snapshot: often enough for the eye where few ask, and less often where many do."""

from __future__ import annotations

import time
from collections.abc import Callable

SHORTEST, LONGEST = 0.2, 2.0  # seconds between two requests of a page
MOST_REQUESTS = 200  # per second, from all pages together
WINDOW = 2.0  # seconds over which pages are counted
FORGOTTEN = 5.0  # a page that comes back after longer was in a hidden tab


class Pulse:
    """Counts the pages, and says after how many seconds each should ask again.

    Each request says how much time has passed since the page's request before. In one second, these times add up to one
    second for each page, however often it asks.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since = now()
        self._sum = 0.0
        self.period = SHORTEST

    def asked(self, after: float) -> float:
        """Count a request. `after` is how many seconds ago the page asked before. Returns the period, in seconds."""
        self._sum += min(after, FORGOTTEN)
        passed = self._now() - self._since
        if passed >= WINDOW:
            self.period = min(max(self._sum / passed / MOST_REQUESTS, SHORTEST), LONGEST)
            self._since, self._sum = self._now(), 0.0
        return self.period
