"""The clocks of tasks. Tests use their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Two readings, in seconds.

    Attributes:
        now: a clock that never goes back.
        worked: how long this thread has used the processor. It stands still while other threads use it.
    """

    now: Callable[[], float] = time.monotonic
    worked: Callable[[], float] = time.thread_time


CLOCK = Clock()
