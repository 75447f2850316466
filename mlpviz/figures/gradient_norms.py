"""Does the gradient reach every layer?"""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import (
    Chart,
    drawable,
    drawn_range,
    every_step,
    line,
    log_axis,
    moving_mean,
    number,
    step_layout,
)
from mlpviz.figures.line_names import named_at_the_end
from mlpviz.figures.palette import DASHES, LAYERS
from mlpviz.snapshot import Snapshot


def gradient_norms(snapshot: Snapshot) -> Chart:
    """The Euclidean norm of each layer's weight gradient over steps, on a logarithmic scale."""
    return _norms(snapshot, "Gradient norms", "weight_gradient", "W")


def bias_gradient_norms(snapshot: Snapshot) -> Chart:
    """The same for the biases."""
    return _norms(snapshot, "Biases", "bias_gradient", "b")


def subscript(layer: int) -> str:
    return str(layer).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _norms(snapshot: Snapshot, name: str, kind: str, letter: str) -> Chart:
    """For each layer: every step, faint, and the moving mean."""
    steps = snapshot.steps
    faint, means = [], []
    for layer in range(1, len(snapshot.layers)):
        label, color, dash = f"{letter}{subscript(layer)}", LAYERS[layer - 1], DASHES[layer - 1]
        each = every_step(snapshot, f"{kind} {layer}", f"{label} %{{y:.3g}}", color)
        faint.append(each | {"name": f"{label}, {each['name']}", "y": _positive(each["y"]), "legendgroup": label})
        mean = _positive(moving_mean(steps.column(f"{kind} {layer}"), steps.width))
        hover = f"{label} %{{y:.3g}}, mean"
        means.append(line(label, steps.ends(), mean, color, dash=dash, legendgroup=label, hovertemplate=hover))
    data = [*faint, *means]
    layout = step_layout(snapshot, **log_axis(data))
    layout["annotations"] += named_at_the_end(means, *drawn_range(data), log=True)
    return Chart(name, _sentence(snapshot, kind, letter), data, layout, "Gradient norms")


def _positive(values: np.ndarray) -> np.ndarray:
    """A logarithmic axis has no 0."""
    return np.where(values > 0, drawable(values), np.nan)


def _sentence(snapshot: Snapshot, kind: str, letter: str) -> str:
    steps = snapshot.steps
    if not steps.rows:
        return "No gradient yet. The first step computes one."
    norms = steps.of_kind(kind)[-1]
    now = ", ".join(f"{letter}{subscript(layer)} {number(float(norm))}" for layer, norm in enumerate(norms, 1))
    return f"{now}." if steps.width == 1 else f"{now}, mean of {steps.width} steps."
