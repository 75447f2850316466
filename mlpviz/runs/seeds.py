"""Is the difference larger than chance? The same pair of runs again, with other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.runs.task import FiniteTask
from mlpviz.settings import Settings
from mlpviz.snapshot import SeedsSnapshot, Status
from mlpviz.trainer import Trainer

POINTS = 100  # of each curve, at most
MOST_STEPS = 3000  # of each run


class Seeds(FiniteTask):
    """A task that trains one pair after another: the run as it was, and the same with `changes` from step `at` on.

    Args:
        log: the settings that the run used, each with its first step, from step 0 on.
        seeds: how many pairs. Their seeds follow the run's own seed.
        steps: the length of each run, at most 3,000 steps.

    Raises:
        ValueError: the settings don't fit the dataset or the machine, or the change comes after the last step.
    """

    def __init__(
        self,
        log: Sequence[tuple[int, Settings]],
        changes: dict[str, Any],
        dataset: Dataset,
        seeds: int,
        steps: int,
        at: int = 0,
        owner: str = "",
    ) -> None:
        super().__init__(owner)
        self.log, self.changes, self.seeds, self.at = tuple(log), changes, seeds, at
        self.steps = min(steps, MOST_STEPS)
        if at >= self.steps:
            raise ValueError(
                f"The twin began at step {at:,}, but runs with other seeds end at step {self.steps:,}. "
                + ("Train both runs further first." if self.steps < MOST_STEPS else "Make a twin that begins earlier.")
            )
        self._dataset = dataset
        self._width = -(-self.steps // POINTS)
        self._curves: list[np.ndarray] = []  # of each run that is done, in turn: the first run, its twin, …
        self._accuracies: list[float] = []
        self._losses: list[float] = []
        self._trainer = self._next_trainer()

    @property
    def runs(self) -> int:
        """How many runs there are in all."""
        return 2 * self.seeds

    @property
    def total_steps(self) -> int:
        """Of all runs together."""
        return self.runs * self.steps

    @property
    def step(self) -> int:
        """Of all runs together."""
        return len(self._curves) * self.steps + (self._trainer.step if self.has_work() else 0)

    def has_work(self) -> bool:
        """Until the last run is done."""
        return not self.failed and len(self._curves) < self.runs

    def advance(self) -> None:
        """Make one update of the current run, or end it."""
        trainer = self._trainer
        if trainer.step == self.at or any(step == trainer.step for step, _ in self.log):
            trainer.change(self._settings(trainer.step))
        if trainer.step < self.steps:
            _, loss, _ = trainer.train_one()
            self._losses.append(loss.item())
            return
        self._accuracies.append(trainer.evaluate().accuracy)
        losses = np.array(self._losses)
        starts = np.arange(0, len(losses), self._width)
        sizes = np.diff([*starts, len(losses)])
        self._curves.append(np.add.reduceat(losses, starts) / sizes)
        self._losses = []
        if self.has_work():
            self._trainer = self._next_trainer()

    def _is_twin(self) -> bool:
        return len(self._curves) % 2 == 1

    def _settings(self, step: int, plain: bool = False) -> Settings:
        """The settings of the current run for the update after `step`. `plain` leaves out the twin's change."""
        settings = [settings for since, settings in self.log if since <= step][-1]
        changed = {} if plain or not self._is_twin() or step < self.at else self.changes
        return settings.replace(seed=self.log[0][1].seed + 1 + len(self._curves) // 2, **changed)

    def _next_trainer(self) -> Trainer:
        """The trainer of the next pair, or of the twin in the current pair, with the same mini-batches."""
        first = Trainer(self._settings(0, plain=True), self._dataset)
        if not self._is_twin() or self.at > 0:
            return first
        twin = Trainer(self._settings(0), self._dataset)
        twin.generator.set_state(first.generator.get_state())
        return twin

    def make_snapshot(self, version: int, status: Status) -> SeedsSnapshot:
        """As in `FiniteTask`, for the pairs that are done."""
        points = -(-self.steps // self._width)
        pairs = len(self._curves) // 2
        return SeedsSnapshot(
            version=version,
            run=self.id,
            status=status,
            message=self.message,
            step=self.step,
            total_steps=self.total_steps,
            ends=np.minimum(np.arange(1, points + 1) * self._width, self.steps),
            losses=np.array(self._curves[: 2 * pairs]).reshape(pairs, 2, points),
            accuracies=np.array(self._accuracies[: 2 * pairs]).reshape(pairs, 2),
        )
