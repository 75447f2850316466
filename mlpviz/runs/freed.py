"""Memory of tasks that were let go, given back to the system."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable

ENOUGH = 64 * 2**20  # bytes that are worth the time that this takes, some hundredths of a second


class Freed:
    """Counts what was let go, and gives it back when it is enough.

    A run and its parts refer to each other, so Python frees them only when it looks for such circles, which it does
    rarely. And the C library keeps what was freed for later. 24 large runs, one after another, were seen to leave
    2.6 GB.
    """

    def __init__(self) -> None:
        self._waiting = 0

    def add(self, size: int) -> None:
        """So many bytes were let go."""
        self._waiting += size

    def give_back(self) -> None:
        """Give it back, if it is enough."""
        if self._waiting >= ENOUGH:
            self._waiting = 0
            gc.collect()
            _trim()


def _no_trim(keep: int) -> int:
    return 0


def _find_trim() -> Callable[[int], int]:
    """glibc's `malloc_trim`; nothing where the C library is another."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return _no_trim
    return found


_malloc_trim = _find_trim()


def _trim() -> None:
    _malloc_trim(0)
