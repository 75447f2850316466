"""One run: a trainer, where it is bound for, and what is seen of it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch

from mlpviz.checkpoints import Checkpoints, capacity, checkpoint_bytes
from mlpviz.datasets import Dataset
from mlpviz.diagnosis import ALARM, Diagnosis, PostMortem
from mlpviz.history import History
from mlpviz.network import linears
from mlpviz.observe.inspector import Inspector
from mlpviz.observe.predictions import PredictionRecorder
from mlpviz.observe.steps import StepRecorder
from mlpviz.observe.updates import update_ratios
from mlpviz.prices import Prices
from mlpviz.settings import LIVE_FIELDS, Settings
from mlpviz.snapshot import RECENT_STEPS, Inspection, Results, Snapshot, TwinComparison, step_columns
from mlpviz.stability.meter import SharpnessMeter
from mlpviz.stability.post_mortem import Inquest
from mlpviz.stability.watchdog import Watchdog
from mlpviz.task import REFRESH, Task
from mlpviz.trainer import Checkpoint, Evaluation, Trainer

INSPECTION_SHARE = 0.05  # of the engine's time, for the inspections of all runs together
FRESH = 20  # steps for which an inspection still tells how the units are
SHARPNESS_SHARE = 0.25  # likewise, for those that ask for it


class Follower(Protocol):
    """A run that goes in lockstep with another: `mlpviz.twin.Twin`."""

    token: str

    def behind(self) -> bool: ...
    def follow(self) -> None: ...
    def take_over(self, before: Settings, after: Settings) -> None: ...
    def fail(self, message: str) -> None: ...


class Run(Task):
    """An experiment under way.

    Attributes:
        results: what the latest evaluation said of each test image; immutable, for any thread to read.
        post_mortem: what was found out about the illness that stopped it; immutable, for any thread to read.
        pauses_when_ill: whether an alarm stops it.
        inspect_every: the fewest seconds between two inspections.
        sharpness: measures when it is asked to.
        twin: a run that goes in lockstep with this one.
        begun_at: the step at which it began: 0, but for a branch.
        goal: it trains until this step; `start`, `one_step`, `one_epoch` and `pause` only move the goal.
    """

    def __init__(
        self, settings: Settings, dataset: Dataset, owner: str = "", begin_at: Checkpoint | None = None
    ) -> None:
        super().__init__(owner)
        self.bytes = run_bytes(settings)
        self.snapshot: Snapshot | None = None
        self.trainer = Trainer(settings, dataset)
        self._inspector = Inspector(
            self.trainer
        )  # keeps the first weights' histograms, also of a run that begins later
        if begin_at is not None:
            self.trainer.restore(begin_at)
        self.goal = self.begun_at = self.trainer.step
        self._layers = linears(self.trainer.net)
        self._recorder = StepRecorder(self.trainer.net)
        self._steps = History(len(step_columns(len(self._layers))), start=self.trainer.step)
        self._recent: deque[np.ndarray] = deque(maxlen=RECENT_STEPS)
        self.results: Results | None = None
        self._predictions = PredictionRecorder()
        self._evaluations: list[tuple[int, float, float]] = []
        self._evaluating: Iterator[Evaluation | None] | None = self.trainer.evaluate_in_parts()
        self._changes: deque[tuple[int, str]] = deque(maxlen=100)
        self.settings_log: list[tuple[int, Settings]] = [(self.trainer.step, self.trainer.settings)]
        self.checkpoints = Checkpoints(settings)
        self.checkpoints.keep(self.trainer.checkpoint())
        self._watchdog = Watchdog(len(self._layers))
        self.pauses_when_ill = True
        self._stopped_for = ""  # the kind of illness; whoever lets it go on isn't stopped for it again
        self._diagnosis: Diagnosis | None = None
        self._inquest: Inquest | None = None
        self._well: Checkpoint | None = None  # where the post-mortem found that all was well
        self.post_mortem: PostMortem | None = None
        self.sharpness = SharpnessMeter(self.trainer)
        self._sharpness_due = 0.0
        self._prices = Prices()
        self.twin: Follower | None = None
        self.inspect_every = REFRESH
        self._inspection: Inspection | None = None
        self._version = 0
        self._inspected_at = self._inspection_seconds = self._next_refresh = 0.0
        self._inspect_every = REFRESH
        self._shown: tuple[object, ...] = (None,)
        self._speed = _Speed()
        self._latest_loss: torch.Tensor | None = None

    # commands, each between two steps

    def start(self) -> None:
        self._inquest = None  # whoever goes on doesn't wait for it
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
        self.bytes = run_bytes(settings)  # a momentum takes up some
        if self.settings_log[-1][0] == self.step:
            self.settings_log.pop()  # dragged on before the next step
        self.settings_log.append((self.step, settings))
        if to_the_end and self.status == "training":
            self.start()
        for name, (old, new) in before.differences(settings).items():
            if name in LIVE_FIELDS and name != "epochs" and self.step > 0:
                self._changes.append((self.step, f"{name.replace('_', ' ')} {old:g} → {new:g}"))
        if self.twin is not None:
            self.twin.take_over(before, settings)

    def part(self) -> None:
        """Go on without the twin."""
        self.twin = None

    def fail(self, message: str) -> None:
        super().fail(message)
        self._evaluating = self._inquest = None
        self.pause()

    def branch(self, step: int, owner: str = "") -> Run:
        """A run of its own that begins at a checkpoint of this one: the latest at `step` or before it.

        Raises:
            LookupError: no such checkpoint is kept.
        """
        checkpoint = self.before(step)
        other = Run(checkpoint.settings, self.trainer.dataset, owner, checkpoint)
        other.trainer.change(checkpoint.settings.replace(epochs=self.settings.epochs))
        other._evaluations += [evaluation for evaluation in self._evaluations if evaluation[0] < checkpoint.step]
        other.settings_log = [entry for entry in self.settings_log if entry[0] < checkpoint.step] + other.settings_log
        other._watchdog.inherit(self._watchdog)
        other._changes.extend(change for change in self._changes if change[0] <= checkpoint.step)
        return other

    def before(self, step: int) -> Checkpoint:
        """The latest checkpoint at that step or before it, that of the post-mortem among them."""
        kept = self.checkpoints.before(step)
        return self._well if self._well is not None and kept.step < self._well.step <= step else kept

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
        if self._inquest is not None:
            return "examining"
        if not self._evaluations:
            return "preparing"
        return "finished" if self.step >= self.total_steps else "paused"

    # work, in pieces

    def has_work(self) -> bool:
        twin = self.twin
        waiting = twin is not None and twin.behind()
        pending = waiting or self._evaluating is not None or self._inquest is not None
        return not self.failed and (pending or self.step < self.goal)

    def work(self, seconds: float) -> None:
        super().work(seconds)
        if self._recorder.full() or not math.isfinite(self._recorder.latest_loss()):
            self._collect()

    def advance(self) -> None:
        twin = self.twin
        if twin is not None and twin.behind():
            self._lead(twin)
            return
        if self._evaluating is not None:
            self._evaluate_on(self._evaluating)
            return
        if self._inquest is not None:
            self._inquire_on(self._inquest)
            return
        if self._inspection_due():
            begun, trained = time.perf_counter(), self._prices.seconds("training", "steps")
            with update_ratios(self.trainer.net) as ratios:
                self._train_one()
            trained = self._prices.seconds("training", "steps") - trained
            self._prices.add("inspection", time.perf_counter() - begun - trained, times=0)
            self._inspect(ratios)
        else:
            self._train_one()
        if self.checkpoints.due(self.step) and self._watchdog.not_finite_step is None:
            with self._prices.of("checkpoints"):
                self.checkpoints.keep(self.trainer.checkpoint())
        if self.step % self.trainer.steps_per_epoch == 0:
            self._evaluating = self.trainer.evaluate_in_parts()

    def _lead(self, twin: Follower) -> None:
        """Let the twin catch up; what breaks it doesn't break this run."""
        try:
            twin.follow()
        except Exception as error:
            twin.fail(f"{type(error).__name__}: {error}")

    def _inquire_on(self, inquest: Inquest) -> None:
        inquest.advance()
        if inquest.result is not None:
            self.post_mortem, self._well, self._inquest = inquest.result, inquest.before, None

    def _evaluate_on(self, evaluating: Iterator[Evaluation | None]) -> None:
        begun = time.perf_counter()
        evaluation = next(evaluating)
        if evaluation is not None:
            self._evaluations.append((evaluation.step, evaluation.loss, evaluation.accuracy))
            self.results = self._predictions.record(evaluation, self.trainer.dataset.test_labels)
            self._evaluating = None
        self._prices.add("evaluation", time.perf_counter() - begun, times=int(evaluation is not None))

    def _train_one(self) -> None:
        begun = time.perf_counter()
        made = self.trainer.train_one()
        trained = time.perf_counter()
        self._recorder.record(*made)
        self._latest_loss = made[1].detach()
        self._prices.add("training", trained - begun)
        self._prices.add("steps", time.perf_counter() - trained)

    def _collect(self) -> None:
        """Fetch what was recorded since last time, and see whether all is well."""
        begun = time.perf_counter()
        rows = self._recorder.flush()
        self._steps.extend(rows)
        self._recent.extend(rows[:, :2])
        fetched = time.perf_counter()
        self._prices.add("steps", fetched - begun, times=0)
        if len(rows):
            self._watchdog.see(rows, self.step - len(rows) + 1)
            self._diagnose()
            self._prices.add("watchdog", time.perf_counter() - fetched, times=len(rows))

    def _diagnose(self) -> None:
        """Say how it is doing; at an alarm, stop and find out why."""
        found = self._watchdog.diagnose(self.settings, self.step, self._inspection, self.sharpness.stable_rate())
        stops = found.severity == ALARM and found.kind != self._stopped_for and self.pauses_when_ill
        if stops and (self._inspection is None or self._inspection.step < self.step - FRESH):
            self._inspect([math.nan] * len(self._layers))  # before anything is said of its units
            found = self._watchdog.diagnose(self.settings, self.step, self._inspection)
        self._diagnosis = found
        if found.severity != ALARM:
            self._stopped_for = ""
        elif found.kind != self._stopped_for and self.pauses_when_ill:
            self._stopped_for = found.kind
            self.pause()
            trend = self._inspection.trend if self._inspection is not None else None
            series = self._steps.series()
            self._inquest = Inquest(found, self.trainer.dataset, self.checkpoints, series, trend, self.settings_log)
            self.post_mortem = self._well = None

    # snapshots

    def refresh(self, watched: int) -> None:
        """Publish a snapshot if one is due and would show anything new. So that looking stays cheap, the inspections
        of all `watched` tasks together take a bounded share of the engine's time."""
        now = time.monotonic()
        if now < self._next_refresh and self.status == self._shown[0]:
            return
        self._collect()
        if self.sharpness.due() and now >= self._sharpness_due:
            self._measure_sharpness(watched)
        measured = self._prices.times("sharpness")
        shown = (self.status, self.step, len(self._evaluations), self.settings, self.post_mortem, measured)
        if shown == self._shown:
            return
        resting = self.step >= self.goal
        stale = self._inspection is None or (resting and self._inspection.step != self.step)
        if stale and not self.failed:  # what failed may fail again
            self._inspect([math.nan] * len(self._layers))
        self._inspect_every = max(self.inspect_every, self._inspection_seconds * watched / INSPECTION_SHARE)
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
        self._prices.add("inspection", self._inspection_seconds)

    def _measure_sharpness(self, watched: int) -> None:
        begun = time.monotonic()
        self.sharpness.measure()
        ended = time.monotonic()
        self._prices.add("sharpness", ended - begun)
        self._sharpness_due = ended + max(self.sharpness.every or 0.0, (ended - begun) * watched / SHARPNESS_SHARE)

    def companions(self) -> list[Task]:
        return [self.twin] if isinstance(self.twin, Task) else []

    def comparison(self) -> TwinComparison | None:
        """How it differs from the run that it is a twin of."""
        return None

    @property
    def evaluations(self) -> list[tuple[int, float, float]]:
        """Step, test loss, test accuracy of each so far."""
        return self._evaluations

    @property
    def latest_loss(self) -> torch.Tensor | None:
        """Of the latest step, (), on the device."""
        return self._latest_loss

    def recent_means(self) -> tuple[float, float] | None:
        """Loss and batch accuracy, the mean of the last 25 steps that were collected; None before the first."""
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
            diagnosis=self._diagnosis,
            post_mortem=self.post_mortem,
            steps=self._steps.series(),
            recent=self.recent_means(),
            evaluations=np.array(self._evaluations, dtype=np.float64).reshape(-1, 3),
            changes=tuple(self._changes),
            inspection=self._inspection,
            checkpoints=self.checkpoints.steps(),
            sharpness=self.sharpness.series(),
            prices=self._prices.list(),
            comparison=self.comparison(),
        )


def run_bytes(settings: Settings) -> int:
    """About how much memory a run takes: weights, gradients, a copy to measure updates by, up to two moments for each
    parameter, a mini-batch's activations, its checkpoints, and 3 MB for its history and its predictions."""
    sizes = (784, *settings.hidden_sizes, 10)
    parameters = sum((sizes[i] + 1) * sizes[i + 1] for i in range(len(sizes) - 1))
    kept = capacity(settings) * checkpoint_bytes(settings)
    return 4 * (5 * parameters + 3 * settings.batch_size * sum(sizes)) + kept + 3 * 2**20


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
