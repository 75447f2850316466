"""How often a page should ask for a snapshot: often enough for the eye where few ask, and less often where many do."""

from __future__ import annotations

import time
from collections.abc import Callable

SHORTEST, LONGEST = 0.2, 2.0  # seconds between two requests of a page
MOST_REQUESTS = 200  # per second, from all pages together
WINDOW = 1.0  # seconds over which requests are counted


class Pulse:
    """Counts the requests of all pages, and says after how many seconds a page should ask again.

    Each page comes back after the time that it was told. So n requests a second, told to wait p seconds, come from n·p
    pages.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since = now()
        self._count = 0
        self.period = SHORTEST

    def asked(self) -> float:
        """Count a request. Returns the period, in seconds."""
        self._count += 1
        passed = self._now() - self._since
        if passed >= WINDOW:
            pages = self._count / passed * self.period
            self.period = min(max(pages / MOST_REQUESTS, SHORTEST), LONGEST)
            self._since, self._count = self._now(), 0
        return self.period
