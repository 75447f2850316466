"""Figures, one family a file: pure functions from a snapshot to a `Chart`.

`charts(snapshot)` gives all of them, in the order of the page.
"""

from collections.abc import Callable
from typing import NamedTuple

from mlpviz.figures.accuracy import accuracy_curve
from mlpviz.figures.chart import Chart
from mlpviz.figures.dead_units import dead_units
from mlpviz.figures.distributions import gradient_histograms, weight_histograms
from mlpviz.figures.gradient_norms import bias_gradient_norms, gradient_norms
from mlpviz.figures.loss import loss_curve
from mlpviz.figures.sharpness import sharpness_curve
from mlpviz.figures.trouble import broken
from mlpviz.figures.update_ratio import update_ratio
from mlpviz.snapshot import Snapshot


class Figure(NamedTuple):
    """A figure of the live board.

    Attributes:
        name, card: of the chart that it draws; known beforehand, so that an error in drawing has its place.
        draw: makes the chart.
    """

    name: str
    card: str
    draw: Callable[[Snapshot], Chart]


FIGURES = (
    Figure("Loss", "Loss", loss_curve),
    Figure("Accuracy", "Accuracy", accuracy_curve),
    Figure("Gradient norms", "Gradient norms", gradient_norms),
    Figure("Biases", "Gradient norms", bias_gradient_norms),
    Figure("Weights", "Weights", weight_histograms),
    Figure("Gradients", "Weights", gradient_histograms),
    Figure("Update ratio", "Update ratio", update_ratio),
    Figure("Dead units", "Dead units", dead_units),
)
SHARPNESS = Figure("Sharpness", "Sharpness", sharpness_curve)


def charts(snapshot: Snapshot) -> list[Chart]:
    """Every figure of the live board; the sharpness, where it is measured. One that can't be drawn says so."""
    asked_for = (SHARPNESS,) if snapshot.sharpness is not None else ()
    return [_drawn(figure, snapshot) for figure in (*FIGURES, *asked_for)]


def _drawn(figure: Figure, snapshot: Snapshot) -> Chart:
    try:
        return figure.draw(snapshot)
    except Exception as error:
        return broken(figure.name, figure.card, error)


__all__ = ["FIGURES", "Chart", "Figure", "charts"]
