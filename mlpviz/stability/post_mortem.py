"""The post-mortem: what happened to a run that fell ill, from the updates at which it did, made once more."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.diagnosis import GUESSES, PATIENCE, Diagnosis, PostMortem
from mlpviz.history import Series
from mlpviz.settings import Settings
from mlpviz.stability.replay import Replay
from mlpviz.stability.sharpness import probe_images, sharpness_in_parts
from mlpviz.trainer import Checkpoint, Trainer, pixels

MOST_UPDATES = 250  # that are looked at
LEAD = 60  # of them before the trouble
USUAL = 1.3  # times the median loss of the 200 steps before: nothing has happened yet
DIED = 0.3  # share of a layer's units that have lost their slope, from which on it is part of the trouble
AFTERWARDS = 2  # updates after the first that is not finite


class Examination:
    """Makes a post-mortem, an update at a time.

    Args:
        checkpoint_before: gives the latest checkpoint that is kept of a step or of one before it, or else the first.
        steps: the per-step series of the run.
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
        checkpoint_before: Callable[[int], Checkpoint],
        steps: Series,
        trend: Series | None,
        changes: Sequence[tuple[int, Settings]],
    ) -> None:
        self.diagnosis = diagnosis
        self.result: PostMortem | None = None
        self.before: Checkpoint | None = None
        self._conclusion: Generator[None, None, None] | None = None
        first = onset(diagnosis, steps, trend)
        # From a checkpoint before that step, so that there is something to look at.
        self._replay = Replay(dataset, checkpoint_before(first - 1), changes)
        self._look_from = max(self._replay.start, min(first, diagnosis.vitals.step) - LEAD)
        self._end = min(diagnosis.vitals.step, self._look_from + MOST_UPDATES)

    def advance(self) -> None:
        """Make the next update again, or go on with the conclusion."""
        replay = self._replay
        if self._conclusion is not None:
            next(self._conclusion, None)
        elif replay.trainer.step < self._look_from:
            replay.forward()
        elif replay.trainer.step < self._last():
            replay.advance()
        else:
            self._conclusion = self._conclude()

    def _last(self) -> int:
        """The last update to look at. Once numbers are broken nothing new is to be seen: two updates more, then it
        ends."""
        bad = self._replay.first_bad
        return self._end if bad is None else min(self._end, bad[2] + AFTERWARDS)

    def _conclude(self) -> Generator[None, None, None]:
        """Put together what was seen, and measure the sharpness before it, in pieces."""
        replay = self._replay
        made = np.arange(replay.trainer.step - len(replay.rows) + 1, replay.trainer.step + 1)
        rate = yield from stable_rate(replay.trainer, replay.before)
        self.before = replay.before
        self.result = PostMortem(
            diagnosis=replace(self.diagnosis, vitals=replace(self.diagnosis.vitals, stable_rate=rate)),
            steps=made,
            rows=replay.table(),
            first_bad=replay.first_bad,
            back_to=replay.before.step,
            stable_rate=rate,
        )


def onset(diagnosis: Diagnosis, steps: Series, trend: Series | None) -> int:
    """A step before the trouble: the latest at which the loss was as in the 200 steps before it, and better than
    guessing, and the units were alive; the first step there is where there is no such step."""
    vitals = diagnosis.vitals
    losses, ends = steps.column("loss").astype(np.float64), steps.ends()
    if vitals.not_finite_step is not None:
        losses, ends = losses[ends < vitals.not_finite_step], ends[ends < vitals.not_finite_step]
    span = max(1, PATIENCE // steps.width)
    step = steps.start
    for i in range(len(losses) - 1, -1, -1):
        if losses[i] <= min(USUAL * float(np.nanmedian(losses[max(0, i - span) : i + 1])), GUESSES):
            step = int(ends[i])
            break
    else:
        if vitals.not_finite_step is not None:
            step = max(step, vitals.not_finite_step - MOST_UPDATES // 2)
    if trend is None or vitals.died < DIED:
        return step
    lost = trend.of_kind("dead_share").astype(np.float64) - np.array(vitals.initial_dead)
    alive = trend.column("step")[np.nan_to_num(lost, nan=1.0).max(axis=1) < DIED]
    return min(step, int(alive[-1])) if len(alive) else steps.start


def stable_rate(trainer: Trainer, at: Checkpoint) -> Generator[None, None, float | None]:
    """2 / sharpness at a checkpoint of the trainer's run, where that can be measured; the trainer goes back there. It
    comes in pieces, as the sharpness does."""
    trainer.restore(at)
    count = probe_images(trainer)
    sharpness = yield from sharpness_in_parts(
        trainer.net, pixels(trainer.dataset.train.images[:count]), trainer.dataset.train.labels[:count]
    )
    return 2 / sharpness.value if np.isfinite(sharpness.value) and sharpness.value > 0 else None
