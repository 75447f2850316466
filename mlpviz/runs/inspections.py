"""The costlier looks at a run's network: at which steps, and what the latest showed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from mlpviz.history import Series
from mlpviz.observe.inspector import Inspector
from mlpviz.observe.updates import update_ratios
from mlpviz.prices import Prices
from mlpviz.runs.schedule import look_steps
from mlpviz.snapshot import Inspection
from mlpviz.stability.meter import SharpnessMeter
from mlpviz.trainer import Trainer


class Inspections:
    """Looks at one trainer's network at steps that its settings decide, and measures its sharpness there if asked to.

    A look takes a sample of the update ratios and of the dead units. Where the run rests at another step, a sample is
    taken there, too; it is forgotten when the run goes on, so that the series are the same in any case.

    Attributes:
        sharpness: measures when it is asked to.
    """

    def __init__(self, trainer: Trainer, prices: Prices) -> None:
        self._trainer = trainer
        self._prices = prices
        self._inspector = Inspector(trainer)
        self._steps: Iterator[int] = iter(())
        self._next = trainer.step
        self._shown: Inspection | None = None
        self._sharpness_seconds = 0.0
        self.sharpness = SharpnessMeter(trainer)

    def begin(self) -> None:
        """The first look, at the step at which the run begins."""
        self._steps = look_steps(self._trainer.settings, start=self._trainer.step + 1)
        self._look()

    @property
    def begun(self) -> bool:
        """Whether there was a first look."""
        return self._inspector.latest is not None

    def due(self) -> bool:
        """Whether a look is due after the next step."""
        return self._trainer.step + 1 == self._next

    def around(self, step: Callable[[], None]) -> None:
        """Let the run make a step, and measure how far it moved the weights, and what it left: a look if one is due,
        or else a sample that is soon forgotten."""
        due, begun, trained = self.due(), time.perf_counter(), self._prices.seconds("training", "steps")
        with update_ratios(self._trainer.net) as ratios:
            step()
        trained = self._prices.seconds("training", "steps") - trained
        self._prices.add("inspection", time.perf_counter() - begun - trained, times=0)
        if due:
            self._look(ratios)
        else:
            self._sample(ratios, keep=False)

    def _look(self, ratios: list[float] | None = None) -> None:
        self._sample(ratios or [], keep=True)
        self._next = next(self._steps)
        if self.sharpness.on:
            self.begin_sharpness()

    def _sample(self, ratios: list[float], keep: bool) -> None:
        with self._prices.of("inspection"):
            self._inspector.sample(ratios, keep)

    def sample_here(self) -> None:
        """A sample of this step, unless there is one."""
        if not self.begun:
            self.begin()
        elif self._inspector.latest is not None and self._inspector.latest.step != self._trainer.step:
            self._sample([], keep=False)

    def dead_shares(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The hidden layers' shares of dead units at the first look and at the latest; empty before the first."""
        first, latest = self._inspector.first, self._inspector.latest
        return (first.dead_shares, latest.dead_shares) if first is not None and latest is not None else ((), ())

    def trend(self) -> Series:
        """What the looks saw, as in `trend_columns`."""
        return self._inspector.trend()

    def show(self) -> tuple[Inspection, float]:
        """All that is to be shown of this moment, and the seconds that it took."""
        if not self.begun:
            self.begin()
        begun, shown = time.perf_counter(), self._shown
        if shown is None or shown.step != self._trainer.step or shown.latest is not self._inspector.latest:
            shown = self._shown = self._inspector.inspect()
        seconds = time.perf_counter() - begun
        self._prices.add("inspection", seconds, times=0)
        return shown, seconds

    def begin_sharpness(self) -> None:
        """Begin to measure it here, unless it was measured here already."""
        if self.sharpness.due():
            self._sharpness_seconds = 0.0
            self.sharpness.begin()

    def measuring(self) -> bool:
        """Whether the sharpness is being measured. Until it is, the run makes no step."""
        return self.sharpness.measuring()

    def measure_on(self) -> None:
        """Go on with the measurement, by one piece."""
        begun = time.perf_counter()
        self.sharpness.measure_on()
        self._sharpness_seconds += time.perf_counter() - begun
        if not self.measuring():
            self._prices.add("sharpness", self._sharpness_seconds)
