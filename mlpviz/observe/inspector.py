"""The refresh: everything that is measured a few times a second, not at each step."""

from __future__ import annotations

import numpy as np

from mlpviz.history import History
from mlpviz.network import linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.observe.first_layer import FirstLayer
from mlpviz.observe.histograms import histogram
from mlpviz.observe.updates import norm
from mlpviz.snapshot import Inspection, trend_columns
from mlpviz.trainer import Trainer, pixels

PROBE_IMAGES = 512


class Inspector:
    """Looks at one trainer's network again and again, and remembers the trend of what it saw."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._linears = linears(trainer.net)
        self._initial = tuple(histogram(linear.weight) for linear in self._linears)
        self._first_layer = FirstLayer()
        self._trend = History(trend_columns(len(self._linears)))
        self._probe = trainer.dataset.test.images[:PROBE_IMAGES]

    def inspect(self, update_ratios: list[float]) -> Inspection:
        """Look now. `update_ratios` are those of the step just made; NaN for each layer where there was none."""
        trainer = self._trainer
        shares = dead_shares(trainer.net, pixels(self._probe))
        self._trend.extend(np.array([[trainer.step, *update_ratios, *shares]]))
        units, images = self._first_layer.images(trainer.net)
        grads = [linear.weight.grad for linear in self._linears if linear.weight.grad is not None]
        return Inspection(
            step=trainer.step,
            weights=tuple(histogram(linear.weight) for linear in self._linears),
            initial_weights=self._initial,
            gradients=tuple(histogram(grad) for grad in grads),
            weight_norms=tuple(norm(linear.weight.detach()) for linear in self._linears),
            first_layer_units=units,
            first_layer_images=images,
            trend=self._trend.series(),
        )
