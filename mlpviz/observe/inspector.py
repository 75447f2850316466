"""The more expensive measurements of a network: samples at some steps, and the histograms and images of one moment."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mlpviz.history import History, Series
from mlpviz.keeping import Keeps
from mlpviz.network import linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.observe.first_layer import FirstLayer
from mlpviz.observe.histograms import histogram
from mlpviz.observe.updates import norm
from mlpviz.snapshot import Inspection, Sample, trend_columns
from mlpviz.trainer import Trainer, pixels

PROBE_IMAGES = 512


class Inspector(Keeps):
    """Measures the network of one trainer repeatedly, and keeps the samples.

    Attributes:
        first, latest: samples; None before the first.
    """

    KEPT = ("_first_layer", "_trend", "first", "latest")

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._linears = linears(trainer.net)
        self._initial = tuple(histogram(linear.weight) for linear in self._linears)
        self._first_layer = FirstLayer()
        self._trend = History(trend_columns(len(self._linears)))
        self._probe = trainer.dataset.test.images[:PROBE_IMAGES]
        self.first: Sample | None = None
        self.latest: Sample | None = None

    def sample(self, update_ratios: Sequence[float] = (), keep: bool = True) -> None:
        """Measure now. `update_ratios` are those of the latest step, if they were measured. Without `keep`, the sample
        is only the latest one and not part of the trend."""
        trainer = self._trainer
        ratios = tuple(update_ratios) or (math.nan,) * len(self._linears)
        self.latest = Sample(trainer.step, ratios, tuple(dead_shares(trainer.net, pixels(self._probe))))
        self.first = self.first or self.latest
        if keep:
            self._trend.extend(np.array([[trainer.step, *ratios, *self.latest.dead_shares]]))
            self._first_layer.choose(trainer.net)

    def trend(self) -> Series:
        """The samples that were kept."""
        return self._trend.series()

    def inspect(self) -> Inspection:
        """The histograms and images of this moment, with the samples so far. There must be one sample or more."""
        assert self.latest is not None
        units, images = self._first_layer.images(self._trainer.net)
        grads = [linear.weight.grad for linear in self._linears if linear.weight.grad is not None]
        return Inspection(
            step=self._trainer.step,
            weights=tuple(histogram(linear.weight) for linear in self._linears),
            initial_weights=self._initial,
            gradients=tuple(histogram(grad) for grad in grads),
            weight_norms=tuple(norm(linear.weight.detach()) for linear in self._linears),
            first_layer_units=units,
            first_layer_images=images,
            latest=self.latest,
            trend=self.trend(),
        )
