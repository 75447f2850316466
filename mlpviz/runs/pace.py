"""The pace of a run: when its next step is due."""

from __future__ import annotations

from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.speed import FULL, SPEEDS

CATCH_UP = 0.5  # seconds: a run that is late, by an evaluation for example, makes up for at most this much


class Pace:
    """Says when the next step is due. It never changes what a step computes.

    Attributes:
        speed: one of `mlpviz.speed.SPEEDS`.
    """

    def __init__(self, speed: str = FULL, clock: Clock = CLOCK) -> None:
        self.speed = speed
        self._clock = clock
        self._due = 0.0

    @property
    def interval(self) -> float:
        """The seconds between two steps; 0 at full speed."""
        return 1 / SPEEDS[self.speed]

    def set(self, speed: str) -> None:
        """Use another speed from the next step on, which is due at once."""
        self.speed = speed
        self.begin()

    def begin(self) -> None:
        """The next step is due at once: the run begins to train, or the reader asks for one step."""
        self._due = self._clock.now()

    def wait(self) -> float:
        """The seconds until the next step is due; 0 if it is due now."""
        return max(0.0, self._due - self._clock.now()) if self.interval else 0.0

    def stepped(self) -> None:
        """A step was made."""
        if self.interval:
            self._due = max(self._due, self._clock.now() - CATCH_UP) + self.interval
