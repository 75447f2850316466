"""The costlier looks at a run's network, now and then: when one is due, and what the latest showed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from mlpviz.network import linears
from mlpviz.observe.inspector import Inspector
from mlpviz.observe.updates import update_ratios
from mlpviz.prices import Prices
from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.snapshot import REFRESH, Inspection
from mlpviz.stability.meter import SharpnessMeter
from mlpviz.trainer import Trainer

INSPECTION_SHARE = 0.05  # of the engine's time, for the inspections of all runs together
SHARPNESS_SHARE = 0.25  # likewise, for those that ask for it
FRESH = 20  # steps for which an inspection still tells how the units are


class Inspections:
    """Inspects one trainer's network, and measures its sharpness if asked to.

    Attributes:
        every: the fewest seconds between two inspections.
        latest: the latest inspection; None before the first.
        sharpness: measures when it is asked to.
    """

    def __init__(self, trainer: Trainer, prices: Prices, clock: Clock = CLOCK) -> None:
        self._trainer = trainer
        self._prices = prices
        self._clock = clock
        self._inspector = Inspector(trainer)
        self._layers = len(linears(trainer.net))
        self.every = REFRESH
        self.latest: Inspection | None = None
        self._interval = REFRESH
        self._inspected_at = self._seconds = 0.0
        self.sharpness = SharpnessMeter(trainer)
        self._sharpness_due = self._sharpness_seconds = 0.0
        self._sharing = 1  # tasks that shared the engine when the measurement began

    def due(self) -> bool:
        """Whether enough time has passed since the latest inspection."""
        return self._clock.now() >= self._inspected_at + self._interval

    def around(self, step: Callable[[], None]) -> None:
        """Let the run make a step, measure how far it moved the weights, and inspect."""
        begun, trained = time.perf_counter(), self._prices.seconds("training", "steps")
        with update_ratios(self._trainer.net) as ratios:
            step()
        trained = self._prices.seconds("training", "steps") - trained
        self._prices.add("inspection", time.perf_counter() - begun - trained, times=0)
        self.look(ratios)

    def look(self, ratios: list[float] | None = None) -> None:
        """Inspect now; `ratios` are the update ratios of the step just made, where they were measured."""
        begun = self._clock.now()
        self.latest = self._inspector.inspect(ratios or [math.nan] * self._layers)
        self._inspected_at = self._clock.now()
        self._seconds = self._inspected_at - begun
        self._prices.add("inspection", self._seconds)

    def look_again(self, resting: bool) -> None:
        """Inspect if there is nothing to show yet, or if the run rests at a step that hasn't been inspected."""
        if self.latest is None or (resting and self.latest.step != self._trainer.step):
            self.look()

    def stale(self) -> bool:
        """Whether the latest inspection is too old to say how the units are."""
        return self.latest is None or self.latest.step < self._trainer.step - FRESH

    def share_time(self, watched: int) -> None:
        """Choose the interval such that the inspections of all watched tasks together take a bounded share of the
        engine's time."""
        self._interval = max(self.every, self._seconds * watched / INSPECTION_SHARE)

    def begin_sharpness(self, watched: int) -> None:
        """Begin to measure it if it is asked for and due; likewise within a bounded share of the time."""
        if self.sharpness.due() and self._clock.now() >= self._sharpness_due:
            self._sharpness_seconds, self._sharing = 0.0, watched
            self.sharpness.begin()

    def measuring(self) -> bool:
        """Whether the sharpness is being measured. Until it is, the run makes no step."""
        return self.sharpness.measuring()

    def measure_on(self) -> None:
        """Go on with the measurement, by one piece."""
        begun = self._clock.now()
        self.sharpness.measure_on()
        ended = self._clock.now()
        self._sharpness_seconds += ended - begun
        if not self.measuring():
            self._prices.add("sharpness", self._sharpness_seconds)
            share = self._sharpness_seconds * self._sharing / SHARPNESS_SHARE
            self._sharpness_due = ended + max(self.sharpness.every or 0.0, share)
