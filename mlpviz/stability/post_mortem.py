"""The post-mortem: why a run failed. The updates at which it failed are repeated and measured in detail."""

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

MOST_UPDATES = 250  # that are measured
LEAD = 60  # of these, before the trouble
USUAL = 1.3  # a loss up to this many times the median of the 200 steps before is usual
DIED = 0.3  # if this share of a layer's units has lost its slope, the trouble has begun
AFTERWARDS = 2  # updates to repeat after the first that is not finite
HELPS_GOING_BACK = (Cause.RATE, Cause.CHANGE)  # with other causes, the run had to fail from its first step
FURTHER = 4  # from one checkpoint that is tried to the next, the distance back grows by this factor


class Examination:
    """Makes a post-mortem, one update at a time.

    Args:
        checkpoint_before: gives the latest saved checkpoint at or before a step; if there is none, the first.
        steps: the per-step series of the run.
        trend: the samples of the run, with `trend_columns`; None if there are none.
        changes: as in `Replay`.

    Attributes:
        result: None until it is over.
        candidates: the checkpoints at which it looked for a way back, the latest first.
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
        # Start from a checkpoint before that step, so that there are updates to look at.
        self._replay = Replay(dataset, checkpoint_before(first - 1), changes)
        self._look_from = max(self._replay.start, min(first, diagnosis.vitals.step) - LEAD)
        self._end = min(diagnosis.vitals.step, self._look_from + MOST_UPDATES)

    def advance(self) -> None:
        """Repeat the next update, or continue with the conclusion."""
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
        """The last update to look at. After the first numbers that are not finite, two more updates are enough: they
        show nothing new."""
        bad = self._replay.first_bad
        return self._end if bad is None else min(self._end, bad[2] + AFTERWARDS)

    def _conclude(self) -> Generator[None, None, None]:
        """Measure the sharpness before the trouble, look for a way back, and collect the results; in pieces."""
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
    """A step before the trouble: the latest at which the smoothed loss was like that of the 200 steps before, the
    network did better than guessing, and the units were alive. If there is no such step, the first of the series."""
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
    """The number of buckets over which the loss is smoothed: one small mini-batch can have a low loss by chance."""
    return max(1, smoothing(settings) // width)


def _latest_usual(losses: np.ndarray, ends: np.ndarray, span: int, window: int) -> int | None:
    """The latest step with a usual smoothed loss; None if there is none."""
    if len(losses) < window:
        return None
    smoothed = sliding_window_view(np.nan_to_num(losses, nan=np.inf), window).mean(axis=1)
    for i in range(len(smoothed) - 1, -1, -1):
        if smoothed[i] <= min(USUAL * float(np.median(smoothed[max(0, i - span) : i + 1])), GUESSES):
            return int(ends[i + window - 1])
    return None


def stable_rate(trainer: Trainer, at: Checkpoint) -> Generator[None, None, float | None]:
    """The largest stable learning rate by the curvature at a checkpoint of the trainer's run; None if it can't be
    measured. Takes the trainer back to the checkpoint. Works in pieces, as the sharpness does."""
    trainer.restore(at)
    count = probe_images(trainer)
    sharpness = yield from sharpness_in_parts(
        trainer.net, pixels(trainer.dataset.train.images[:count]), trainer.dataset.train.labels[:count]
    )
    factor = stability_factor(at.settings)
    measured = np.isfinite(sharpness.value) and sharpness.value > 0 and np.isfinite(factor)
    return factor / sharpness.value if measured else None
