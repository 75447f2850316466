"""The sharpness of one run, measured now and then while it trains, against what its learning rate can bear."""

from __future__ import annotations

import math

import numpy as np

from mlpviz.history import History, Series
from mlpviz.settings import Settings
from mlpviz.stability.sharpness import PROBE_IMAGES, Sharpness, measure_sharpness
from mlpviz.trainer import Trainer, pixels


class SharpnessMeter:
    """Off until `every`, in seconds, is set. The probe is fixed: the first 512 training images."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._probe = trainer.dataset.train_images[: min(PROBE_IMAGES, trainer.train_size)]
        self._labels = trainer.dataset.train_labels[: len(self._probe)]
        self._history = History(5)
        self._latest: Sharpness | None = None
        self._measured_step = -1
        self.every: float | None = None

    def due(self) -> bool:
        return self.every is not None and self._trainer.step != self._measured_step

    def measure(self) -> None:
        """Measure now, from where the last measurement ended."""
        start = self._latest.vector if self._latest is not None else None
        found = measure_sharpness(self._trainer.net, pixels(self._probe), self._labels, start)
        self._measured_step = self._trainer.step
        self._latest = found if math.isfinite(found.value) else None  # a broken vector is no start for the next
        threshold = stability_threshold(self._trainer.settings)
        self._history.extend(np.array([[self._trainer.step, found.value, *found.band(), threshold]]))

    def series(self) -> Series | None:
        """Step, sharpness, the lower and the upper end of its band, the threshold; None while nothing was measured."""
        return self._history.series() if self._history.rows else None


def stability_threshold(settings: Settings) -> float:
    """The curvature beyond which a step overshoots ever further on a quadratic: 2(1 + μ)/η for full-batch SGD with
    momentum μ (Cohen et al. 2021); NaN for optimizers that scale each weight's step, and for a rate of 0."""
    if settings.optimizer != "sgd" or settings.learning_rate == 0 or settings.nesterov:
        return math.nan
    return 2 * (1 + settings.momentum) / settings.learning_rate
