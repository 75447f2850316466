"""A sweep over init stds: one network for each, trained for one epoch, one after another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.observe.dead_units import dead_shares
from mlpviz.runs.task import FiniteTask
from mlpviz.settings import Settings
from mlpviz.snapshot import Status, SweepSnapshot
from mlpviz.trainer import Evaluation, Trainer, pixels

INIT_STDS = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
PROBE_IMAGES = 512


class Sweep(FiniteTask):
    """A task that trains the settings' network for one epoch from each init std.

    Raises:
        ValueError: the settings don't fit the dataset or the machine.
    """

    def __init__(self, settings: Settings, dataset: Dataset, owner: str = "") -> None:
        super().__init__(owner)
        self.settings = settings.replace(init="normal", epochs=1)
        self.dataset = dataset
        self._trainer = self._network(0)
        self._evaluating: Iterator[Evaluation | None] | None = None
        self._results: list[tuple[float, float, float, list[float]]] = []

    def _network(self, i: int) -> Trainer:
        return Trainer(self.settings.replace(init_std=INIT_STDS[i]), self.dataset)

    @property
    def total_steps(self) -> int:
        """Of all networks together."""
        return len(INIT_STDS) * self._trainer.steps_per_epoch

    @property
    def step(self) -> int:
        """Of all networks together."""
        return min(self.total_steps, len(self._results) * self._trainer.steps_per_epoch + self._trainer.step)

    def progress(self) -> object:
        return self.step, len(self._results)

    def has_work(self) -> bool:
        """Until the last network is trained and tested."""
        return not self.failed and len(self._results) < len(INIT_STDS)

    def advance(self) -> None:
        """Make one update of the current network, or test it on one more batch."""
        if self._evaluating is not None:
            self._evaluate_on()
        elif self._trainer.step < self._trainer.steps_per_epoch:
            self._trainer.train_one()
        else:
            self._evaluating = self._trainer.evaluate_in_parts()

    def _evaluate_on(self) -> None:
        assert self._evaluating is not None
        evaluation = next(self._evaluating)
        if evaluation is None:
            return
        self._evaluating = None
        shares = dead_shares(self._trainer.net, pixels(self._trainer.dataset.test.images[:PROBE_IMAGES]))
        self._results.append((self._trainer.settings.init_std, evaluation.loss, evaluation.accuracy, shares))
        if self.has_work():
            self._trainer = self._network(len(self._results))

    def make_snapshot(self, version: int, status: Status) -> SweepSnapshot:
        """As in `FiniteTask`, for the networks that are done."""
        shares = np.array([result[3] for result in self._results])
        return SweepSnapshot(
            version=version,
            run=self.id,
            status=status,
            message=self.message,
            step=self.step,
            total_steps=self.total_steps,
            init_stds=np.array([result[0] for result in self._results]),
            losses=np.array([result[1] for result in self._results]),
            accuracies=np.array([result[2] for result in self._results]),
            dead_shares=shares.reshape(len(self._results), len(self.settings.hidden_sizes)),
        )
