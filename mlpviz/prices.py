"""What looking costs in this very run: the seconds that each instrument has taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: The instruments, with what people call them; the first is what all else is measured against.
INSTRUMENTS = {
    "training": "training: the five lines",
    "steps": "loss, accuracy and gradient norms at each step",
    "watchdog": "the watchdog, which checks each step’s loss",
    "checkpoints": "checkpoints to go back to",
    "inspection": "histograms, update ratios, dead units, images",
    "sharpness": "sharpness",
    "evaluation": "the test set, once each epoch",
}


@dataclass(frozen=True)
class Price:
    """What one instrument has cost so far.

    Attributes:
        times: how often it was used. seconds: in all.
    """

    name: str
    times: int
    seconds: float


class Prices:
    """Adds up seconds, by instrument."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(INSTRUMENTS, 0.0)
        self._times = dict.fromkeys(INSTRUMENTS, 0)

    def add(self, name: str, seconds: float, times: int = 1) -> None:
        self._seconds[name] += seconds
        self._times[name] += times

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Around one use of an instrument."""
        begun = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - begun)

    def times(self, name: str) -> int:
        """How often that instrument was used."""
        return self._times[name]

    def seconds(self, *names: str) -> float:
        """What those instruments have taken together."""
        return sum(self._seconds[name] for name in names)

    def list(self) -> tuple[Price, ...]:
        return tuple(Price(name, self._times[name], self._seconds[name]) for name in INSTRUMENTS)
