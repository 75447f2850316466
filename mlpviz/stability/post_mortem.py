"""The post-mortem: what happened to a run that failed, from the updates at which it did, made once more."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mlpviz.datasets import Dataset
from mlpviz.diagnosis import (
    GUESSES,
    PATIENCE,
    Cause,
    Diagnosis,
    PostMortem,
    WayBack,
    cause_of,
    stability_factor,
)
from mlpviz.history import Series
from mlpviz.settings import Settings
from mlpviz.stability.replay import Replay, smoothing
from mlpviz.stability.sharpness import probe_images, sharpness_in_parts
from mlpviz.stability.way_back import find_way_back
from mlpviz.trainer import Checkpoint, Trainer, pixels

MOST_UPDATES = 250  # that are looked at
LEAD = 60  # of them before the trouble
USUAL = 1.3  # times the median loss of the 200 steps before: nothing has happened yet
DIED = 0.3  # share of a layer's units that have lost their slope, from which on it is part of the trouble
AFTERWARDS = 2  # updates after the first that is not finite
HELPS_GOING_BACK = (Cause.RATE, Cause.CHANGE)  # not where the run was bound to fail from its first step
FURTHER = 4  # each earlier checkpoint that is tried lies so many times as far back as the one after it


class Examination:
    """Makes a post-mortem, an update at a time.

    Args:
        checkpoint_before: gives the latest checkpoint that is kept of a step or of one before it, or else the first.
        steps: the per-step series of the run.
        trend: what its looks saw, as in `trend_columns`; None if there was none.
        changes: as in `Replay`.

    Attributes:
        result: None until it is over.
        candidates: the checkpoints at which a way back was looked for, the latest first, once it is over.
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
        self.candidates: list[Checkpoint] = []
        self._conclusion: Generator[None, None, None] | None = None
        self._checkpoint_before = checkpoint_before
        self._begun_at = steps.start
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
        """Put together what was seen, measure the sharpness before it, and look for a way back, in pieces."""
        replay = self._replay
        made = np.arange(replay.trainer.step - len(replay.rows) + 1, replay.trainer.step + 1)
        rate = yield from stable_rate(replay.trainer, replay.before)
        way_back = yield from self._find_way_back()
        self.result = PostMortem(
            diagnosis=self.diagnosis,
            steps=made,
            rows=replay.table(),
            first_bad=replay.first_bad,
            well_until=replay.before.step,
            stable_rate=rate,
            way_back=way_back,
        )

    def _find_way_back(self) -> Generator[None, None, WayBack | None]:
        failed = self.diagnosis.vitals.settings
        if cause_of(self.diagnosis) not in HELPS_GOING_BACK:
            return None
        self.candidates = [self._replay.before]
        distance = LEAD
        while self.candidates[-1].step > self._begun_at:
            earlier = self._checkpoint_before(max(self._begun_at, self.candidates[-1].step - distance))
            self.candidates.append(earlier)
            distance *= FURTHER
        return (yield from find_way_back(self._replay.trainer, self.candidates, failed))


def onset(diagnosis: Diagnosis, steps: Series, trend: Series | None) -> int:
    """A step before the trouble: the latest at which the smoothed loss was as in the 200 steps before it, and better
    than guessing, and the units were alive; the first step there is where there is no such step."""
    vitals = diagnosis.vitals
    losses, ends = steps.column("loss").astype(np.float64), steps.ends()
    if vitals.not_finite_step is not None:
        losses, ends = losses[ends < vitals.not_finite_step], ends[ends < vitals.not_finite_step]
    step = _latest_usual(losses, ends, max(1, PATIENCE // steps.width), _window(vitals.settings, steps.width))
    step = steps.start if step is None else step
    if trend is None or vitals.died < DIED:
        return step
    lost = trend.of_kind("dead_share").astype(np.float64) - np.array(vitals.initial_dead)
    alive = trend.column("step")[np.nan_to_num(lost, nan=1.0).max(axis=1) < DIED]
    return min(step, int(alive[-1])) if len(alive) else steps.start


def _window(settings: Settings, width: int) -> int:
    """Over how many buckets the loss is smoothed: a single small mini-batch may be lucky."""
    return max(1, smoothing(settings) // width)


def _latest_usual(losses: np.ndarray, ends: np.ndarray, span: int, window: int) -> int | None:
    """The latest step with a usual smoothed loss; None where there is none."""
    if len(losses) < window:
        return None
    smoothed = sliding_window_view(np.nan_to_num(losses, nan=np.inf), window).mean(axis=1)
    for i in range(len(smoothed) - 1, -1, -1):
        if smoothed[i] <= min(USUAL * float(np.median(smoothed[max(0, i - span) : i + 1])), GUESSES):
            return int(ends[i + window - 1])
    return None


def stable_rate(trainer: Trainer, at: Checkpoint) -> Generator[None, None, float | None]:
    """The largest stable rate by the curvature at a checkpoint of the trainer's run, where that can be measured; the
    trainer goes back there. It comes in pieces, as the sharpness does."""
    trainer.restore(at)
    count = probe_images(trainer)
    sharpness = yield from sharpness_in_parts(
        trainer.net, pixels(trainer.dataset.train.images[:count]), trainer.dataset.train.labels[:count]
    )
    factor = stability_factor(at.settings)
    measured = np.isfinite(sharpness.value) and sharpness.value > 0 and np.isfinite(factor)
    return factor / sharpness.value if measured else None
