"""The post-mortem: what happened to a run that fell ill, from the updates at which it did, made once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlpviz.checkpoints import Checkpoints
from mlpviz.datasets import Dataset
from mlpviz.diagnosis import LN10, Diagnosis, PostMortem
from mlpviz.history import Series
from mlpviz.settings import Settings
from mlpviz.stability.replay import Replay
from mlpviz.stability.sharpness import PROBE_IMAGES, measure_sharpness
from mlpviz.trainer import Checkpoint, Trainer, pixels

MOST_UPDATES = 250  # that are made once more
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
        self._replay = Replay(dataset, checkpoints.before(onset(diagnosis, steps, trend)), changes)
        self._end = min(diagnosis.vitals.step, self._replay.start + MOST_UPDATES)

    def advance(self) -> None:
        """Make the next update again, or draw the conclusion."""
        replay = self._replay
        bad = replay.first_bad
        end = self._end if bad is None else min(self._end, bad[2] + AFTERWARDS)
        if replay.trainer.step < end:
            replay.advance()
            return
        made = np.arange(replay.start + 1, replay.trainer.step + 1)
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
    """A step before the trouble: the latest at which the loss was near its lowest and the units were alive."""
    vitals = diagnosis.vitals
    losses = steps.mean[:, 0].astype(np.float64)
    if vitals.not_finite_step is not None:
        losses = losses[steps.ends() < vitals.not_finite_step]
    limit = min(1.3 * float(np.nanmin(losses, initial=np.inf)), 0.95 * LN10)
    good = np.flatnonzero(losses <= limit)
    if len(good):
        step = int(steps.ends()[good[-1]])
    else:
        step = 0 if vitals.not_finite_step is None else max(0, vitals.not_finite_step - MOST_UPDATES // 2)
    if trend is None or vitals.died < DIED:
        return step
    seen = trend.mean.astype(np.float64)
    shares = seen[:, 1 + len(vitals.gradient_norms) :]
    alive = seen[np.nan_to_num(shares - shares[0], nan=1.0).max(axis=1) < DIED, 0]
    return min(step, int(alive[-1]))


def stable_rate(trainer: Trainer, at: Checkpoint) -> float | None:
    """2 / sharpness at a checkpoint of the trainer's run, where that can be measured; the trainer goes back there."""
    trainer.restore(at)
    X = pixels(trainer.dataset.train_images[:PROBE_IMAGES])
    found = measure_sharpness(trainer.net, X, trainer.dataset.train_labels[:PROBE_IMAGES])
    return 2 / found.value if np.isfinite(found.value) and found.value > 0 else None
