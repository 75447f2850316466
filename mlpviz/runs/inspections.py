"""The looks at a run's network, which are more expensive than the records of each step: when, and the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from mlpviz.history import Series
from mlpviz.keeping import Keeps
from mlpviz.observe.examples import ExampleViewer
from mlpviz.observe.inspector import Inspector
from mlpviz.observe.line_times import line_shares
from mlpviz.observe.updates import update_ratios
from mlpviz.prices import Prices
from mlpviz.runs.schedule import look_steps
from mlpviz.snapshot import Inspection
from mlpviz.stability.meter import SharpnessMeter
from mlpviz.trainer import Trainer


class Inspections(Keeps):
    """Looks at the network of one trainer, at steps that depend only on its settings. If the reader asked for it, it
    also measures the sharpness there.

    A look takes a sample of the update ratios and of the dead units. If the run rests at another step, a sample is
    taken there, too. It is dropped when the run goes on, so that the series are the same in any case.

    Attributes:
        examples: looks at the chosen images.
        sharpness: measures the sharpness, if it is on.
        line_shares: the share of a step's time that each of the five lines takes; None before it is measured.
    """

    KEPT = ("_inspector", "_next", "examples", "sharpness", "line_shares")

    def __init__(self, trainer: Trainer, prices: Prices) -> None:
        self._trainer = trainer
        self._prices = prices
        self._inspector = Inspector(trainer)
        self._steps: Iterator[int] = iter(())
        self._next = trainer.step
        self._shown: Inspection | None = None
        self._sharpness_seconds = 0.0
        self.examples = ExampleViewer(trainer)
        self.sharpness = SharpnessMeter(trainer)
        self.line_shares: tuple[float, ...] | None = None
        self._timing: Iterator[tuple[float, ...] | None] | None = None

    def begin(self) -> None:
        """Take the first look, at the step at which the run begins."""
        self._steps = look_steps(self._trainer.settings, start=self._trainer.step + 1)
        self._timing = line_shares(self._trainer)
        self._look()

    @property
    def begun(self) -> bool:
        """Whether there was a first look."""
        return self._inspector.latest is not None

    def give_back(self, kept: dict[str, Any]) -> None:
        """As in `Keeps`. A measurement of the time of the lines begins again."""
        super().give_back(kept)
        if self.begun:
            self._steps = look_steps(self._trainer.settings, start=self._next + 1)
            self._timing = line_shares(self._trainer) if self.line_shares is None else None

    def due(self) -> bool:
        """Whether a look is due after the next step."""
        return self._trainer.step + 1 == self._next

    def around(self, step: Callable[[], None]) -> None:
        """Let the run make a step, measure how far the step moved the weights, and take a look if one is due; otherwise
        a sample that is not kept."""
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
        """Take a sample at this step, unless there is one."""
        if not self.begun:
            self.begin()
        elif self._inspector.latest is not None and self._inspector.latest.step != self._trainer.step:
            self._sample([], keep=False)

    def dead_shares(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The hidden layers' shares of dead units at the first look and at the latest; empty before the first."""
        first, latest = self._inspector.first, self._inspector.latest
        return (first.dead_shares, latest.dead_shares) if first is not None and latest is not None else ((), ())

    def trend(self) -> Series:
        """The samples of the looks, with `trend_columns`."""
        return self._inspector.trend()

    def show(self) -> tuple[Inspection, float]:
        """The inspection of this moment, and the seconds that it and the look at the examples took."""
        if not self.begun:
            self.begin()
        begun, shown = time.perf_counter(), self.inspect()
        self.examples.look()
        seconds = time.perf_counter() - begun
        self._prices.add("inspection", seconds, times=0)
        return shown, seconds

    def inspect(self) -> Inspection:
        """The inspection of this moment. There must be a sample of it."""
        shown = self._shown
        if shown is None or shown.step != self._trainer.step or shown.latest is not self._inspector.latest:
            shown = self._shown = self._inspector.inspect()
        return shown

    def begin_sharpness(self) -> None:
        """Begin to measure the sharpness, unless it was already measured at this step."""
        if self.sharpness.due():
            self._sharpness_seconds = 0.0
            self.sharpness.begin()

    def measuring(self) -> bool:
        """Whether the sharpness or the time of the lines is being measured. Meanwhile the run makes no step."""
        return self._timing is not None or self.sharpness.measuring()

    def measure_on(self) -> None:
        """Continue the measurement by one piece."""
        begun = time.perf_counter()
        if self._timing is not None:
            self.line_shares = next(self._timing)
            self._timing = self._timing if self.line_shares is None else None
            self._prices.add("inspection", time.perf_counter() - begun, times=0)
            return
        self.sharpness.measure_on()
        self._sharpness_seconds += time.perf_counter() - begun
        if not self.measuring():
            self._prices.add("sharpness", self._sharpness_seconds)
