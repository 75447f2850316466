"""The cost of the instruments in a run: the seconds that each has taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mlpviz.keeping import Keeps

#: The instruments, with their names on the page. All others are compared with the first.
INSTRUMENTS = {
    "training": "training: the five lines",
    "steps": "loss, accuracy and gradient norms at each step",
    "watchdog": "the watchdog, which checks each step’s loss",
    "checkpoints": "checkpoints to go back to",
    "inspection": "histograms, update ratios, dead units, images",
    "film": "the film: moments to go back to",
    "sharpness": "sharpness",
    "evaluation": "the test set, once each epoch",
}


@dataclass(frozen=True)
class Price:
    """The cost of one instrument so far.

    Attributes:
        times: how often it was used. seconds: in total.
    """

    name: str
    times: int
    seconds: float


class Prices(Keeps):
    """Adds up the seconds of each instrument."""

    KEPT = ("_seconds", "_times")

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(INSTRUMENTS, 0.0)
        self._times = dict.fromkeys(INSTRUMENTS, 0)

    def add(self, name: str, seconds: float, times: int = 1) -> None:
        self._seconds[name] += seconds
        self._times[name] += times

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure the time of one use of an instrument."""
        begun = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - begun)

    def times(self, name: str) -> int:
        """How often this instrument was used."""
        return self._times[name]

    def seconds(self, *names: str) -> float:
        """The seconds of these instruments together."""
        return sum(self._seconds[name] for name in names)

    def list(self) -> tuple[Price, ...]:
        return tuple(Price(name, self._times[name], self._seconds[name]) for name in INSTRUMENTS)
