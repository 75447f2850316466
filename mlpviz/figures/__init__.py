"""Figures, one family a file: pure functions from a snapshot to a `Chart`.

`charts(snapshot)` gives all of them, in the order of the page.
"""

from mlpviz.figures.accuracy import accuracy_curve
from mlpviz.figures.chart import Chart
from mlpviz.figures.dead_units import dead_units
from mlpviz.figures.distributions import gradient_histograms, weight_histograms
from mlpviz.figures.gradient_norms import gradient_norms
from mlpviz.figures.loss import loss_curve
from mlpviz.figures.sharpness import sharpness_curve
from mlpviz.figures.update_ratio import update_ratio
from mlpviz.snapshot import Snapshot

FIGURES = (
    loss_curve,
    accuracy_curve,
    gradient_norms,
    weight_histograms,
    gradient_histograms,
    update_ratio,
    dead_units,
)


def charts(snapshot: Snapshot) -> list[Chart]:
    """Every figure of the live board; the sharpness, where it is measured."""
    asked_for = [sharpness_curve(snapshot)] if snapshot.sharpness is not None else []
    return [figure(snapshot) for figure in FIGURES] + asked_for


__all__ = ["FIGURES", "Chart", "charts"]
