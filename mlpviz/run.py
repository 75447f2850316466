"""One run: a trainer, where it is bound for, and what is seen of it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator

import numpy as np
import torch

from mlpviz.datasets import Dataset
from mlpviz.history import History
from mlpviz.network import linears
from mlpviz.observe.inspector import Inspector
from mlpviz.observe.predictions import PredictionRecorder
from mlpviz.observe.steps import StepRecorder
from mlpviz.observe.updates import update_ratios
from mlpviz.settings import LIVE_FIELDS, Settings
from mlpviz.snapshot import RECENT_STEPS, Inspection, Results, Snapshot, step_columns
from mlpviz.task import REFRESH, Task
from mlpviz.trainer import Evaluation, Trainer

INSPECTION_SHARE = 0.05  # of the engine's time, for the inspections of all runs together


class Run(Task):
    """An experiment under way.

    Attributes:
        results: what the latest evaluation said of each test image; immutable, for any thread to read.
        goal: it trains until this step; `start`, `one_step`, `one_epoch` and `pause` only move the goal.
    """

    def __init__(self, settings: Settings, dataset: Dataset, owner: str = "") -> None:
        super().__init__(owner)
        self.bytes = run_bytes(settings)
        self.snapshot: Snapshot | None = None
        self.trainer = Trainer(settings, dataset)
        self.goal = 0
        self._layers = linears(self.trainer.net)
        self._recorder = StepRecorder(self.trainer.net)
        self._steps = History(len(step_columns(len(self._layers))))
        self._recent: deque[np.ndarray] = deque(maxlen=RECENT_STEPS)
        self.results: Results | None = None
        self._predictions = PredictionRecorder()
        self._evaluations: list[tuple[int, float, float]] = []
        self._evaluating: Iterator[Evaluation | None] | None = self.trainer.evaluate_in_parts()
        self._changes: deque[tuple[int, str]] = deque(maxlen=100)
        self._not_finite_step: int | None = None
        self._inspector = Inspector(self.trainer)
        self._inspection: Inspection | None = None
        self._version = 0
        self._inspected_at = self._inspection_seconds = self._next_refresh = 0.0
        self._inspect_every = REFRESH
        self._shown: tuple[object, ...] = (None,)
        self._speed = _Speed()

    # commands, each between two steps

    def start(self) -> None:
        self.message = ""
        self.goal = max(self.step, self.total_steps)

    def pause(self) -> None:
        self.goal = self.trainer.step

    def one_step(self) -> None:
        self.goal = self.step + 1

    def one_epoch(self) -> None:
        per_epoch = self.trainer.steps_per_epoch
        self.goal = (self.step // per_epoch + 1) * per_epoch

    def change(self, settings: Settings) -> None:
        """Take up other live settings at the next step."""
        before, to_the_end = self.settings, self.goal > 0 and self.goal == self.total_steps
        self.trainer.change(settings)
        if to_the_end and self.status == "training":
            self.start()
        for name, (old, new) in before.differences(settings).items():
            if name in LIVE_FIELDS and name != "epochs" and self.step > 0:
                self._changes.append((self.step, f"{name.replace('_', ' ')} {old:g} → {new:g}"))

    def fail(self, message: str) -> None:
        super().fail(message)
        self._evaluating = None
        self.pause()

    # where it stands; other threads may read these too

    @property
    def settings(self) -> Settings:
        return self.trainer.settings

    @property
    def step(self) -> int:
        return self.trainer.step

    @property
    def total_steps(self) -> int:
        return self.settings.epochs * self.trainer.steps_per_epoch

    @property
    def status(self) -> str:
        if self.failed:
            return "failed"
        if self.step < self.goal:
            return "training"
        if not self._evaluations:
            return "preparing"
        return "finished" if self.step >= self.total_steps else "paused"

    # work, in pieces

    def has_work(self) -> bool:
        return not self.failed and (self._evaluating is not None or self.step < self.goal)

    def work(self, seconds: float) -> None:
        super().work(seconds)
        if self._recorder.full() or not math.isfinite(self._recorder.latest_loss()):
            self._collect()

    def advance(self) -> None:
        if self._evaluating is not None:
            evaluation = next(self._evaluating)
            if evaluation is not None:
                self._evaluations.append((evaluation.step, evaluation.loss, evaluation.accuracy))
                self.results = self._predictions.record(evaluation, self.trainer.dataset.test_labels)
                self._evaluating = None
            return
        if self._inspection_due():
            with update_ratios(self.trainer.net) as ratios:
                self._train_one()
            self._inspect(ratios)
        else:
            self._train_one()
        if self.step % self.trainer.steps_per_epoch == 0:
            self._evaluating = self.trainer.evaluate_in_parts()

    def _train_one(self) -> None:
        self._recorder.record(*self.trainer.train_one())

    def _collect(self) -> None:
        """Fetch what was recorded since last time; a loss that is not finite pauses the run."""
        rows = self._recorder.flush()
        self._steps.extend(rows)
        self._recent.extend(rows[:, :2])
        bad = np.flatnonzero(~np.isfinite(rows[:, 0]))
        if len(bad) and self._not_finite_step is None:
            self._not_finite_step = self.step - len(rows) + 1 + int(bad[0])
            value = "NaN (not a number)" if math.isnan(rows[bad[0], 0]) else "infinite"
            self.message = f"The loss became {value} at step {self._not_finite_step:,}, so the run paused itself."
            self.pause()

    # snapshots

    def refresh(self, watched: int) -> None:
        """Publish a snapshot if one is due and would show anything new. So that looking stays cheap, the inspections
        of all `watched` tasks together take a bounded share of the engine's time."""
        now = time.monotonic()
        if now < self._next_refresh and self.status == self._shown[0]:
            return
        self._collect()
        shown = (self.status, self.step, len(self._evaluations), self.settings)
        if shown == self._shown:
            return
        resting = self.step >= self.goal
        stale = self._inspection is None or (resting and self._inspection.step != self.step)
        if stale and not self.failed:  # what failed may fail again
            self._inspect([math.nan] * len(self._layers))
        self._inspect_every = max(REFRESH, self._inspection_seconds * watched / INSPECTION_SHARE)
        self._next_refresh = now + REFRESH
        self._shown = shown
        self._version += 1
        self.snapshot = self._snapshot()

    def _inspection_due(self) -> bool:
        if self.step + 1 == self.goal:
            return True
        return self.watched() and time.monotonic() >= self._inspected_at + self._inspect_every

    def _inspect(self, ratios: list[float]) -> None:
        begun = time.monotonic()
        self._inspection = self._inspector.inspect(ratios)
        self._inspected_at = time.monotonic()
        self._inspection_seconds = self._inspected_at - begun

    def _recent_means(self) -> tuple[float, float] | None:
        if not self._recent:
            return None
        loss, accuracy = np.array(self._recent, dtype=np.float64).mean(axis=0).tolist()
        return loss, accuracy

    def _snapshot(self) -> Snapshot:
        trainer = self.trainer
        return Snapshot(
            version=self._version,
            run=self.id,
            status=self.status,
            message=self.message,
            settings=trainer.settings,
            dataset=trainer.dataset.title,
            classes=trainer.dataset.classes,
            device=trainer.device.type,
            threads=torch.get_num_threads(),
            layers=(self._layers[0].in_features, *(linear.out_features for linear in self._layers)),
            step=trainer.step,
            steps_per_epoch=trainer.steps_per_epoch,
            total_steps=self.total_steps,
            steps_per_second=self._speed.measure(trainer.step, self.status == "training"),
            not_finite_step=self._not_finite_step,
            steps=self._steps.series(),
            recent=self._recent_means(),
            evaluations=np.array(self._evaluations, dtype=np.float64).reshape(-1, 3),
            changes=tuple(self._changes),
            inspection=self._inspection,
        )


def run_bytes(settings: Settings) -> int:
    """About how much memory a run takes: weights, gradients, a copy to measure updates by, up to two moments for each
    parameter, a mini-batch's activations, and 3 MB for its history and its predictions."""
    sizes = (784, *settings.hidden_sizes, 10)
    parameters = sum((sizes[i] + 1) * sizes[i + 1] for i in range(len(sizes) - 1))
    return 4 * (5 * parameters + 3 * settings.batch_size * sum(sizes)) + 3 * 2**20


class _Speed:
    """Steps per second over the last few seconds of training."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=12)
        self._latest = 0.0

    def measure(self, step: int, training: bool) -> float:
        now = time.monotonic()
        if self._marks and now - self._marks[-1][0] > 2.0:
            self._marks.clear()  # nobody watched, so it rested
        self._marks.append((now, step))
        then, before = self._marks[0]
        if step > before:
            self._latest = (step - before) / (now - then)
        if not training:
            self._marks.clear()
        return self._latest
