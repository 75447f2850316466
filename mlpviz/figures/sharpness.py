"""Are the steps short enough for this loss? Its sharpness, compared with 2/η."""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import BAND, Chart, line, log_axis, number, step_layout
from mlpviz.figures.palette import BLUE, VERMILLION, see_through
from mlpviz.snapshot import SHARPNESS_COLUMNS, Snapshot


def sharpness_curve(snapshot: Snapshot) -> Chart:
    """The largest eigenvalue of the Hessian of the loss with its band, and the threshold, over the steps."""
    assert snapshot.sharpness is not None
    steps, value, low, high, threshold = map(snapshot.sharpness.column, SHARPNESS_COLUMNS)
    edge = {"width": 0, "showlegend": False, "hoverinfo": "skip"}
    mode = {"mode": "lines+markers", "marker": {"size": 5}}
    data = [
        line("lowest", steps, np.maximum(low, 1e-6), BLUE, **edge),
        line("highest", steps, high, BLUE, **edge) | {"fill": "tonexty", "fillcolor": see_through(BLUE, BAND)},
        line("sharpness λ", steps, value, BLUE, hovertemplate="λ %{y:.3g}", **mode),
        line(_threshold(snapshot), steps, threshold, VERMILLION, dash="dash", hovertemplate="stable up to %{y:.3g}"),
    ]
    layout = step_layout(snapshot, rangemode="tozero")
    return Chart("Sharpness", _sentence(snapshot), data, layout, card="Sharpness", log_axis=log_axis(data))


def _threshold(snapshot: Snapshot) -> str:
    if snapshot.settings.nesterov:
        return "2(1+μ)/((1+2μ)η)"
    return "2(1+μ)/η" if snapshot.settings.momentum else "2/η"


def _sentence(snapshot: Snapshot) -> str:
    if snapshot.sharpness is None or not snapshot.sharpness.rows:
        return "Not measured yet."
    _, value, low, high, threshold = (float(snapshot.sharpness.column(name)[-1]) for name in SHARPNESS_COLUMNS)
    if not np.isfinite(value):
        return "The sharpness is not finite: the network is broken."
    now = f"λ = {number(value)} ({number(max(0.0, low))} to {number(high)})"
    if not snapshot.settings.learning_rate:
        return f"{now}. With a learning rate of 0, no step can go too far."
    if not np.isfinite(threshold):
        return f"{now}. There is no such threshold for {snapshot.settings.optimizer}."
    if low > threshold:
        where = "Steps in the sharpest direction go too far"
    elif value <= 0:
        where = "The loss has no curvature here, so no step goes too far"
    elif high < threshold:
        where = "Steps in the sharpest direction are stable"
        if snapshot.settings.batch_size < 64:
            where = "λ is lower, but the noise of small mini-batches acts like a higher rate"
    else:
        where = "This is the edge of stability"
    return f"{now}, {_threshold(snapshot)} = {number(threshold)}. {where}."
