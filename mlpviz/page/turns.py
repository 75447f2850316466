"""A few page scripts at a time. When a whole class clicks at once, hundreds of scripts would compete for Python, and
the live answers would wait for all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 3  # scripts at a time
PATIENCE = 5.0  # seconds until a script runs all the same: the others may be waiting for their runs

_TURNS = threading.BoundedSemaphore(MOST)


@contextmanager
def turn() -> Iterator[None]:
    """Wait until it is this script's turn."""
    mine = _TURNS.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if mine:
            _TURNS.release()
