"""How much of its time a server spends on drawing: where very many runs are watched, each is drawn less often."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.3  # of the time, at most, for encoding figures
SAVED = 0.3  # seconds of work that can be saved up


class Thrift:
    """An allowance of time. It grows all the time, and work uses it up.

    Args:
        now: the clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._left, self._since = SAVED, now()

    def is_used_up(self) -> bool:
        """Whether there was more work than is allowed."""
        now = self._now()
        self._left, self._since = min(SAVED, self._left + SHARE * (now - self._since)), now
        return self._left <= 0

    @contextmanager
    def work(self) -> Iterator[None]:
        """What happens in this block uses up the allowance."""
        begun = self._now()
        yield
        self._left -= self._now() - begun
