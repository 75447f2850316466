"""Does the gradient reach every layer?"""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import Chart, line, number, step_layout
from mlpviz.figures.palette import LAYERS
from mlpviz.snapshot import Snapshot


def gradient_norms(snapshot: Snapshot) -> Chart:
    """The Euclidean norm of each layer's `.grad` over steps, on a logarithmic scale; biases dotted."""
    steps = snapshot.steps
    data = []
    for layer in range(1, len(snapshot.layers)):
        for kind, letter in (("weight_gradient", "W"), ("bias_gradient", "b")):
            label, of_weights = f"{letter}{subscript(layer)}", letter == "W"
            style = {"width": 2 if of_weights else 1.5, "dash": "solid" if of_weights else "dot"}
            norms = steps.column(f"{kind} {layer}")
            positive = np.where(norms > 0, norms, np.nan)  # a logarithmic axis has no 0
            group = {"legendgroup": str(layer), "showlegend": of_weights, "hovertemplate": f"{label} %{{y:.3g}}"}
            data.append(line(label, steps.ends(), positive, LAYERS[layer - 1], **style, **group))
    layout = step_layout(snapshot, type="log")
    return Chart("Gradient norms", _sentence(snapshot), data, layout, card="Gradient norms")


def subscript(layer: int) -> str:
    return str(layer).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _sentence(snapshot: Snapshot) -> str:
    steps = snapshot.steps
    if not steps.rows:
        return "No gradient yet. The first step computes one."
    norms = steps.of_kind("weight_gradient")[-1]
    now = ", ".join(f"W{subscript(layer)} {number(float(norm))}" for layer, norm in enumerate(norms, 1))
    return f"{now}; dotted: biases."
