"""The records of a run while it trains: the per-step series, the evaluations, the changes, the prices."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from mlpviz.history import RECENT_STEPS, History
from mlpviz.keeping import Keeps
from mlpviz.observe.close_up import CloserLook
from mlpviz.observe.predictions import PredictionRecorder
from mlpviz.observe.steps import StepRecorder
from mlpviz.prices import Prices
from mlpviz.receipts import fingerprint
from mlpviz.results import Results
from mlpviz.runs.schedule import is_test_step
from mlpviz.settings import LIVE_FIELDS, Settings
from mlpviz.snapshot import CloseUp
from mlpviz.trainer import Evaluation, Trainer

MOST_CHANGES = 100  # marked in the figures


class Recording(Keeps):
    """Makes the updates and evaluations of a trainer, and keeps their results.

    Attributes:
        steps: the per-step series.
        evaluations: step, test loss and test accuracy of each evaluation so far.
        fingerprints: of the logits of each evaluation, by step, for a receipt.
        results: the results of the latest evaluation for each test image; immutable, so any thread may read them.
        changes: the changes of settings while it trained: (step, text).
        settings_log: the settings of the run, each with the step at which they began, from step 0 on.
        latest_loss: of the latest step, (), on the device.
        close_up: of the latest step, if there was time for it.
        prices: the cost of each instrument.
    """

    KEPT = (
        "steps",
        "_recent",
        "evaluations",
        "fingerprints",
        "results",
        "_predictions",
        "changes",
        "settings_log",
        "_trained_with",
        "latest_loss",
        "close_up",
        "prices",
    )

    def __init__(self, trainer: Trainer, prices: Prices) -> None:
        self._trainer = trainer
        self._recorder = StepRecorder(trainer.net)
        self.steps = History(self._recorder.columns, start=trainer.step)
        self._recent: deque[np.ndarray] = deque(maxlen=RECENT_STEPS)
        self.evaluations: list[tuple[int, float, float]] = []
        self.fingerprints: dict[int, str] = {}
        self.results: Results | None = None
        self._predictions = PredictionRecorder()
        self._evaluating: Iterator[Evaluation | None] | None = trainer.evaluate_in_parts()
        self.changes: deque[tuple[int, str]] = deque(maxlen=MOST_CHANGES)
        self.settings_log: list[tuple[int, Settings]] = [(trainer.step, trainer.settings)]
        self._trained_with = trainer.settings  # at the latest step
        self.latest_loss: Tensor | None = None
        self.close_up: CloseUp | None = None
        self.prices = prices

    def train_one(self, look_closely: bool = False) -> None:
        """Make one update. After some updates an evaluation is due. With `look_closely`, measure what each line did."""
        closer = CloserLook(self._trainer, self.latest_loss) if look_closely else None
        begun = time.perf_counter()
        logits, loss, labels = self._trainer.train_one()
        trained, self._trained_with = time.perf_counter(), self._trainer.settings
        self._recorder.record(logits, loss, labels)
        self.latest_loss = loss.detach()
        self.prices.add("training", trained - begun)
        self.prices.add("steps", time.perf_counter() - trained)
        self.close_up = closer.close_up(logits, loss, labels) if closer is not None else None
        if is_test_step(self._trainer.step, self._trainer.settings, self._trainer.steps_per_epoch):
            self._evaluating = self._trainer.evaluate_in_parts()

    def breaks(self) -> bool:
        """Whether the loss of the latest step is known to be infinite or NaN. On a GPU only every eighth step is
        checked, because each check waits for the device."""
        known = self._trainer.device.type == "cpu" or self._trainer.step % 8 == 0
        return known and self.broken()

    def broken(self) -> bool:
        """Whether the loss of the latest step is infinite or NaN."""
        return self.latest_loss is not None and not math.isfinite(self.latest_loss.item())

    def full(self) -> bool:
        """Whether so many steps are waiting that they should be collected."""
        return self._recorder.full()

    def collect(self) -> np.ndarray:
        """Collect the records since the last time, (steps, columns)."""
        begun = time.perf_counter()
        rows = self._recorder.flush()
        self.steps.extend(rows)
        self._recent.extend(rows)
        self.prices.add("steps", time.perf_counter() - begun, times=0)
        return rows

    def recent_means(self) -> tuple[float, float] | None:
        """Loss and batch accuracy, as means over the last 25 collected steps; None before the first."""
        if not self._recent:
            return None
        means = np.array(self._recent, dtype=np.float64).mean(axis=0)
        columns = self.steps.columns
        return float(means[columns.index("loss")]), float(means[columns.index("accuracy")])

    # its state, for a save

    def kept(self) -> dict[str, Any]:
        """As in `Keeps`. An evaluation under way is made again from its beginning: the weights are the same."""
        return super().kept() | {"evaluating": self.evaluating()}

    def give_back(self, kept: dict[str, Any]) -> None:
        """As in `Keeps`."""
        super().give_back(kept)
        self._evaluating = self._trainer.evaluate_in_parts() if kept["evaluating"] else None
        if self.latest_loss is not None:
            self.latest_loss = self.latest_loss.to(self._trainer.device)

    # the test set, batch by batch

    def evaluating(self) -> bool:
        """Whether an evaluation is under way."""
        return self._evaluating is not None

    def evaluate_on(self) -> None:
        """Continue the evaluation by one batch."""
        assert self._evaluating is not None
        begun = time.perf_counter()
        evaluation = next(self._evaluating)
        if evaluation is not None:
            self.evaluations.append((evaluation.step, evaluation.loss, evaluation.accuracy))
            self.fingerprints[evaluation.step] = fingerprint(evaluation.logits)
            self.results = self._predictions.record(evaluation, self._trainer.dataset.test.labels)
            self._evaluating = None
        self.prices.add("evaluation", time.perf_counter() - begun, times=int(evaluation is not None))

    def stop_evaluating(self) -> None:
        """Stop the evaluation that is under way."""
        self._evaluating = None

    # settings that change while it trains

    def note_change(self, before: Settings, after: Settings) -> bool:
        """Note that the run uses `after` from its next step on. Returns whether its steps will be different."""
        step = self._trainer.step
        if self.settings_log[-1][0] == step:
            self.settings_log.pop()  # a slider was moved again before the next step
        self.settings_log.append((step, after))
        while self.changes and self.changes[-1][0] == step:
            self.changes.pop()  # no step used this value
        for name, (old, new) in self._trained_with.differences(after).items():
            if name in LIVE_FIELDS and name != "epochs" and step > 0:
                self.changes.append((step, f"{name.replace('_', ' ')} {old:g} → {new:g}"))
        return bool(self.changes) and self.changes[-1][0] == step

    def inherit(self, other: Recording) -> None:
        """Copy from the old run, for a branch, the records from before the step at which the branch begins."""
        step = self._trainer.step
        self.evaluations += [evaluation for evaluation in other.evaluations if evaluation[0] < step]
        self.fingerprints |= {at: found for at, found in other.fingerprints.items() if at < step}
        self.settings_log = [entry for entry in other.settings_log if entry[0] < step] + self.settings_log
        self.changes.extend(change for change in other.changes if change[0] <= step)
