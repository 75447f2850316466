"""Gives the memory of removed tasks back to the system."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable

ENOUGH = 64 * 2**20  # bytes; for less it is not worth the time, some hundredths of a second


class Freed:
    """Counts the bytes of removed tasks, and gives them back when there are enough.

    A run and its parts refer to each other. Python frees such cycles only in a collection, which is rare. The C library
    also keeps freed memory for later use. Without this class, 24 large runs, one after another, left 2.6 GB.
    """

    def __init__(self) -> None:
        self._waiting = 0

    def add(self, size: int) -> None:
        """Count this many removed bytes."""
        self._waiting += size

    def give_back(self) -> None:
        """Give the memory back, if there is enough of it."""
        if self._waiting >= ENOUGH:
            self._waiting = 0
            gc.collect()
            _trim()


def _no_trim(keep: int) -> int:
    return 0


def _find_trim() -> Callable[[int], int]:
    """glibc's `malloc_trim`; with another C library, a function that does nothing."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return _no_trim
    return found


_malloc_trim = _find_trim()


def _trim() -> None:
    _malloc_trim(0)
