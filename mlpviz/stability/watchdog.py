"""Watches the records of each step, at almost no cost, for signs that something is wrong."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mlpviz.diagnosis import LN10, OVERFLOWED, SPIKE, WINDOW, Vitals
from mlpviz.history import RECENT_STEPS, places
from mlpviz.keeping import Keeps
from mlpviz.settings import Settings


class Watchdog(Keeps):
    """Keeps the vital signs of one run, over the last 200 steps and over the whole run.

    Args:
        columns: the names of the per-step columns.
    """

    KEPT = ("_rows", "_first", "_peak", "_best", "seen", "not_finite_step")

    def __init__(self, columns: Sequence[str]) -> None:
        self._loss, self._accuracy = columns.index("loss"), columns.index("accuracy")
        self._gradients = places(columns, "weight_gradient")
        self._rows: deque[np.ndarray] = deque(maxlen=2 * WINDOW)
        self._first = self._peak = math.nan
        self._best = math.inf
        self.seen = 0
        self.not_finite_step: int | None = None

    def inherit(self, other: Watchdog) -> None:
        """Take over what a branch needs from the run before it."""
        self._first = other._first

    def see(self, rows: np.ndarray, first_step: int) -> None:
        """Take in the rows of some steps, (steps, columns); the first row is of step `first_step`."""
        if not len(rows):
            return
        self.seen += len(rows)
        losses = rows[:, self._loss].astype(np.float64)
        finite = losses[np.isfinite(losses)]
        if len(finite) < len(losses) and self.not_finite_step is None:
            self.not_finite_step = first_step + int(np.flatnonzero(~np.isfinite(losses))[0])
        if math.isnan(self._first):
            self._first = float(losses[0])
        if len(finite):
            self._peak = float(np.fmax(self._peak, finite.max()))
        tail = [float(row[self._loss]) for row in list(self._rows)[1 - RECENT_STEPS :]]
        self._rows.extend(rows)
        joined = np.array([*tail, *losses])
        if len(joined) >= RECENT_STEPS:
            bounded = np.where(np.isfinite(joined), joined, OVERFLOWED)
            means = sliding_window_view(bounded, RECENT_STEPS).mean(axis=1)
            self._best = min(self._best, float(means.min()))

    def vitals(self, settings: Settings, step: int) -> Vitals:
        """The vital signs up to now."""
        rows = np.array(self._rows, dtype=np.float64).reshape(len(self._rows), -1)
        now, before = rows[-WINDOW:], rows[:-WINDOW]
        return Vitals(
            settings=settings,
            step=step,
            seen=self.seen,
            loss=_mean(now[:, self._loss]) if len(now) else math.nan,
            accuracy=_mean(now[:, self._accuracy]) if len(now) else math.nan,
            typical_loss=_median(now[:, self._loss]) if len(now) else math.nan,
            loss_before=_mean(before[:, self._loss]) if len(before) else math.nan,
            first_loss=self._first,
            peak_loss=self._peak,
            best_loss=self._best,
            spikes=int((now[:, self._loss] > SPIKE * max(LN10, self._first)).sum()) if len(now) else 0,
            gradient_norms=self._gradient_norms(rows),
            not_finite_step=self.not_finite_step,
        )

    def _gradient_norms(self, rows: np.ndarray) -> tuple[float, ...]:
        """For each layer's weights, the root mean square over the latest steps; zeros before the first step."""
        if not len(rows):
            return (0.0,) * len(self._gradients)
        recent = rows[-RECENT_STEPS:, self._gradients]
        return tuple(np.sqrt((recent**2).mean(axis=0)).tolist())


def _median(values: np.ndarray) -> float:
    """The median; a value that isn't finite counts as very large."""
    return float(np.median(np.where(np.isfinite(values), values, OVERFLOWED)))


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan
