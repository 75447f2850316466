"""The post-mortem: what happened to a run that fell ill, from the updates at which it did, made once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlpviz.checkpoints import Checkpoints
from mlpviz.datasets import Dataset
from mlpviz.diagnosis import LN10, PATIENCE, Diagnosis, PostMortem
from mlpviz.history import Series
from mlpviz.settings import Settings
from mlpviz.stability.replay import Replay
from mlpviz.stability.sharpness import measure_sharpness, probe_images
from mlpviz.trainer import Checkpoint, Trainer, pixels

MOST_UPDATES = 250  # that are looked at
LEAD = 60  # of them before the trouble
USUAL = 1.3  # times the median loss of the 200 steps before: nothing has happened yet
DIED = 0.3  # share of a layer's units that have lost their slope, from which on it is part of the trouble
AFTERWARDS = 2  # updates after the first that is not finite


class Inquest:
    """Makes a post-mortem, an update at a time.

    Args:
        steps: the per-step series of the run, whose first column is the loss.
        trend: what its inspections saw, as in `trend_columns`; None if there was none.
        changes: as in `Replay`.

    Attributes:
        result: None until it is over.
        before: the checkpoint at which all was well, once it is over.
    """

    def __init__(
        self,
        diagnosis: Diagnosis,
        dataset: Dataset,
        checkpoints: Checkpoints,
        steps: Series,
        trend: Series | None,
        changes: Sequence[tuple[int, Settings]],
    ) -> None:
        self.diagnosis = diagnosis
        self.result: PostMortem | None = None
        self.before: Checkpoint | None = None
        first = onset(diagnosis, steps, trend)
        self._replay = Replay(dataset, _before(checkpoints, first), changes)
        self._look_from = max(self._replay.start, min(first, diagnosis.vitals.step) - LEAD)
        self._end = min(diagnosis.vitals.step, self._look_from + MOST_UPDATES)

    def advance(self) -> None:
        """Make the next update again, or draw the conclusion."""
        replay = self._replay
        if replay.trainer.step < self._look_from:
            replay.forward()
            return
        bad = replay.first_bad
        end = self._end if bad is None else min(self._end, bad[2] + AFTERWARDS)
        if replay.trainer.step < end:
            replay.advance()
            return
        made = np.arange(replay.trainer.step - len(replay.rows) + 1, replay.trainer.step + 1)
        self.before = replay.before
        rate = stable_rate(replay.trainer, replay.before)
        self.result = PostMortem(
            diagnosis=replace(self.diagnosis, vitals=replace(self.diagnosis.vitals, stable_rate=rate)),
            steps=made,
            rows=replay.table(),
            first_bad=bad,
            back_to=replay.before.step,
            stable_rate=rate,
        )


def onset(diagnosis: Diagnosis, steps: Series, trend: Series | None) -> int:
    """A step before the trouble: the latest at which the loss was as in the 200 steps before it, and better than
    guessing, and the units were alive; the first step there is where there is no such step."""
    vitals = diagnosis.vitals
    losses, ends = steps.mean[:, 0].astype(np.float64), steps.ends()
    if vitals.not_finite_step is not None:
        losses, ends = losses[ends < vitals.not_finite_step], ends[ends < vitals.not_finite_step]
    span = max(1, PATIENCE // steps.width)
    step = steps.start
    for i in range(len(losses) - 1, -1, -1):
        if losses[i] <= min(USUAL * float(np.nanmedian(losses[max(0, i - span) : i + 1])), 0.95 * LN10):
            step = int(ends[i])
            break
    else:
        if vitals.not_finite_step is not None:
            step = max(step, vitals.not_finite_step - MOST_UPDATES // 2)
    if trend is None or vitals.died < DIED:
        return step
    seen = trend.mean.astype(np.float64)
    lost = seen[:, 1 + len(vitals.gradient_norms) :] - np.array(vitals.initial_dead)
    alive = seen[np.nan_to_num(lost, nan=1.0).max(axis=1) < DIED, 0]
    return min(step, int(alive[-1])) if len(alive) else steps.start


def _before(checkpoints: Checkpoints, step: int) -> Checkpoint:
    """The latest checkpoint before that step, so that there is something to look at; else the first."""
    return checkpoints.before(max(step - 1, checkpoints.steps()[0]))


def stable_rate(trainer: Trainer, at: Checkpoint) -> float | None:
    """2 / sharpness at a checkpoint of the trainer's run, where that can be measured; the trainer goes back there."""
    trainer.restore(at)
    count = probe_images(trainer)
    found = measure_sharpness(
        trainer.net, pixels(trainer.dataset.train_images[:count]), trainer.dataset.train_labels[:count]
    )
    return 2 / found.value if np.isfinite(found.value) and found.value > 0 else None
