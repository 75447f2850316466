"""The sharpness of one run, measured from time to time while it trains, and the threshold of its learning rate."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from mlpviz.diagnosis import stability_factor
from mlpviz.history import History, Series
from mlpviz.keeping import Keeps
from mlpviz.settings import Settings
from mlpviz.snapshot import SHARPNESS_COLUMNS
from mlpviz.stability.sharpness import Sharpness, probe_images, sharpness_in_parts
from mlpviz.trainer import Trainer, pixels

COLD_EVERY = 20  # measurements


class SharpnessMeter(Keeps):
    """Measures the sharpness on a fixed probe: the first training images, 512 or fewer.

    Attributes:
        on: whether the reader asked for it.
    """

    KEPT = ("_history", "_latest", "_count", "_measured_step", "on")

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._probe = trainer.dataset.train.images[: probe_images(trainer)]
        self._labels = trainer.dataset.train.labels[: len(self._probe)]
        self._history = History(SHARPNESS_COLUMNS)
        self._latest: Sharpness | None = None
        self._count = 0
        self._measured_step = -1
        self._measuring: Generator[None, None, Sharpness] | None = None
        self.on = False

    def due(self) -> bool:
        """Whether it has not been measured at this step."""
        return self._trainer.step != self._measured_step and not self.measuring()

    def measuring(self) -> bool:
        """Whether a measurement is under way. The weights must not change until it is over."""
        return self._measuring is not None

    def begin(self) -> None:
        """Begin to measure, from the vector at which the last measurement ended."""
        # A warm start may follow an eigenvalue that is no longer the largest, so some measurements start afresh.
        cold = self._latest is None or self._count % COLD_EVERY == 0
        start = None if cold or self._latest is None else self._latest.vector
        self._count += 1
        self._measuring = sharpness_in_parts(self._trainer.net, pixels(self._probe), self._labels, start)

    def measure_on(self) -> None:
        """Continue the measurement by one Hessian-vector product."""
        assert self._measuring is not None
        try:
            next(self._measuring)
        except StopIteration as stop:
            self._measuring = None
            self._keep(stop.value)

    def _keep(self, sharpness: Sharpness) -> None:
        self._measured_step = self._trainer.step
        self._latest = (
            sharpness if math.isfinite(sharpness.value) else None
        )  # the next one can't start from a broken vector
        threshold = stability_threshold(self._trainer.settings)
        self._history.extend(np.array([[self._trainer.step, sharpness.value, *sharpness.band(), threshold]]))

    def kept(self) -> dict[str, Any]:
        """As in `Keeps`. A measurement under way begins again."""
        kept = super().kept() | {"measuring": self.measuring()}
        return kept | {"_count": self._count - 1} if self.measuring() else kept

    def give_back(self, kept: dict[str, Any]) -> None:
        """As in `Keeps`."""
        super().give_back(kept)
        if self._latest is not None:
            self._latest = replace(self._latest, vector=self._latest.vector.to(self._trainer.device))
        if kept["measuring"]:
            self.begin()

    def series(self) -> Series | None:
        """A series with `SHARPNESS_COLUMNS`; None while nothing was measured."""
        return self._history.series() if self._history.rows else None


def stability_threshold(settings: Settings) -> float:
    """The curvature above which gradient descent diverges on a quadratic; NaN if there is no such threshold."""
    return stability_factor(settings) / settings.learning_rate if settings.learning_rate else math.nan
