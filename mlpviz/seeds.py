"""Is the difference bigger than chance? The same pair of runs again, from other seeds."""

from __future__ import annotations

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.run import run_bytes
from mlpviz.settings import Settings
from mlpviz.snapshot import SeedsSnapshot
from mlpviz.task import FiniteTask
from mlpviz.trainer import Trainer

POINTS = 100  # of each curve, at most
MOST_STEPS = 3000  # of each run


class Seeds(FiniteTask):
    """A task that trains pair after pair: the settings, and the same with `changes` from step `at` on.

    Args:
        seeds: how many pairs; their seeds are those after the settings' own.
        steps: how far each run goes, at most 3,000 steps.

    Raises:
        ValueError: the settings don't fit the dataset or the machine.
    """

    def __init__(
        self,
        settings: Settings,
        changes: dict[str, object],
        dataset: Dataset,
        seeds: int,
        steps: int,
        at: int = 0,
        owner: str = "",
    ) -> None:
        super().__init__(owner)
        self.bytes = 2 * run_bytes(settings)
        self.settings, self.changes, self.seeds, self.at = settings, changes, seeds, at
        self.steps = min(steps, MOST_STEPS)
        self._dataset = dataset
        self._width = -(-self.steps // POINTS)
        self._curves: list[np.ndarray] = []  # of each run that is through, in turn: the first's, its twin's, …
        self._accuracies: list[float] = []
        self._losses: list[float] = []
        self._trainer = self._next_trainer()

    @property
    def runs(self) -> int:
        return 2 * self.seeds

    @property
    def total_steps(self) -> int:
        return self.runs * self.steps

    @property
    def step(self) -> int:
        return len(self._curves) * self.steps + (self._trainer.step if self.has_work() else 0)

    def has_work(self) -> bool:
        return not self.failed and len(self._curves) < self.runs

    def advance(self) -> None:
        trainer = self._trainer
        if trainer.step == self.at and self._is_twin() and self.at > 0:
            trainer.change(trainer.settings.replace(**self.changes))
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

    def _next_trainer(self) -> Trainer:
        """Of the next pair, or the twin of the pair under way, on the same mini-batches."""
        settings = self.settings.replace(seed=self.settings.seed + 1 + len(self._curves) // 2)
        first = Trainer(settings, self._dataset)
        if not self._is_twin() or self.at > 0:
            return first
        twin = Trainer(settings.replace(**self.changes), self._dataset)
        twin.generator.set_state(first.generator.get_state())
        return twin

    def make_snapshot(self, version: int, status: str) -> SeedsSnapshot:
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
