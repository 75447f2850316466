"""Waiting in tests: for other threads, and for work that is done in pieces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Until it holds; fails where that takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine gives. It runs in a thread of its own: Playwright leaves an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def worked_off(pieces: Generator[float | None, None, Any]) -> Any:
    """What work in pieces comes to. If it tells how much is done, that is never less than before."""
    done = 0.0
    while True:
        try:
            share = next(pieces)
        except StopIteration as stop:
            return stop.value
        if share is not None:
            assert done <= share <= 1
            done = share
