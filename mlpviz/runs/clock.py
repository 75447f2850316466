"""The clocks that tasks go by. Tests give them one of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Two readings, in seconds.

    Attributes:
        now: a clock that never goes back.
        worked: how long this thread has had the processor; it stands still while others have it.
    """

    now: Callable[[], float] = time.monotonic
    worked: Callable[[], float] = time.thread_time


CLOCK = Clock()
