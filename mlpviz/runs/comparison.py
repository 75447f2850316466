"""Two programs in lockstep: the normal one, and the same with one line changed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.history import History
from mlpviz.line_by_line.ablations import Ablation
from mlpviz.observe.steps import StepRecorder
from mlpviz.runs.task import FiniteTask
from mlpviz.settings import Settings
from mlpviz.snapshot import ComparisonSnapshot, Status
from mlpviz.trainer import Evaluation, Trainer

EVALUATIONS = 8  # of each network, besides the one at step 0


class Side:
    """One of the two networks, and its measurements."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.recorder = StepRecorder(trainer.net)
        self.history = History(self.recorder.columns)
        self.evaluations: list[tuple[int, float, float]] = []
        self.not_finite_step: int | None = None
        self.evaluating: Iterator[Evaluation | None] | None = trainer.evaluate_in_parts()

    def train_one(self) -> None:
        """Make one update."""
        self.recorder.record(*self.trainer.train_one())
        if self.recorder.full():
            self.collect()

    def collect(self) -> None:
        """Fetch the measurements since the last call."""
        rows = self.recorder.flush()
        bad = np.flatnonzero(~np.isfinite(rows[:, self.recorder.columns.index("loss")]))
        if len(bad) and self.not_finite_step is None:
            self.not_finite_step = self.history.rows + 1 + int(bad[0])
        self.history.extend(rows)

    def evaluate_on(self) -> None:
        """Continue the current evaluation by one batch."""
        assert self.evaluating is not None
        evaluation = next(self.evaluating)
        if evaluation is not None:
            self.evaluations.append((evaluation.step, evaluation.loss, evaluation.accuracy))
            for _ in self.evaluating:  # so that the generator can clean up
                pass
            self.evaluating = None


class Comparison(FiniteTask):
    """A task that trains both, step by step, with the same seed and the same mini-batches.

    Raises:
        ValueError: the settings don't fit the dataset or the machine.
    """

    def __init__(self, settings: Settings, dataset: Dataset, ablation: type[Ablation], owner: str = "") -> None:
        super().__init__(owner)
        self.settings = ablation.about.adapt(settings).replace(epochs=1)  # the number of epochs doesn't matter
        self.ablation = ablation
        leader = ablation.companion(self.settings, dataset)
        self.changed = ablation(self.settings, dataset, leader)
        self.sides = (Side(leader), Side(self.changed))
        self._evaluate_every = max(1, self.total_steps // EVALUATIONS)

    @property
    def total_steps(self) -> int:
        """Of each network."""
        return self.ablation.about.steps

    @property
    def step(self) -> int:
        """Of each network."""
        return self.changed.step

    def has_work(self) -> bool:
        """Until both are trained and tested."""
        evaluating = any(side.evaluating is not None for side in self.sides)
        return not self.failed and (evaluating or self.step < self.total_steps)

    def advance(self) -> None:
        """Make one update of both, or test one of them on one more batch."""
        for side in self.sides:
            if side.evaluating is not None:
                side.evaluate_on()
                return
        for side in self.sides:  # the leader first: the other one uses its order of images
            side.train_one()
        if self.step % self._evaluate_every == 0:
            for side in self.sides:
                side.evaluating = side.trainer.evaluate_in_parts()

    def progress(self) -> object:
        return self.step, [len(side.evaluations) for side in self.sides]

    def make_snapshot(self, version: int, status: Status) -> ComparisonSnapshot:
        """As in `FiniteTask`. The facts about the changed network come at the end."""
        for side in self.sides:
            side.collect()
        leader, changed = self.sides
        return ComparisonSnapshot(
            version=version,
            run=self.id,
            status=status,
            message=self.message,
            step=self.step,
            total_steps=self.total_steps,
            title=self.ablation.about.title,
            steps=(leader.history.series(), changed.history.series()),
            evaluations=(_rows(leader), _rows(changed)),
            not_finite_steps=(leader.not_finite_step, changed.not_finite_step),
            facts=self.changed.facts() if status == Status.FINISHED else (),
        )


def _rows(side: Side) -> np.ndarray:
    return np.array(side.evaluations, dtype=np.float64).reshape(-1, 3)
