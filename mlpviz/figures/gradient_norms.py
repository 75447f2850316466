"""Does the gradient reach every layer?"""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import LAYERS, Chart, line, number, step_layout
from mlpviz.snapshot import Snapshot, step_columns


def gradient_norms(snapshot: Snapshot) -> Chart:
    """The Euclidean norm of each layer's `.grad` over steps, on a logarithmic scale; biases dotted."""
    steps = snapshot.steps
    data = []
    for column, name in enumerate(step_columns(len(snapshot.layers) - 1)[2:], 2):
        kind, layer = name.split()
        label = f"{'W' if kind == 'weight' else 'b'}{subscript(int(layer))}"
        style = {"width": 2 if kind == "weight" else 1.5, "dash": "solid" if kind == "weight" else "dot"}
        positive = np.where(steps.mean[:, column] > 0, steps.mean[:, column], np.nan)
        color = LAYERS[int(layer) - 1]
        group = {"legendgroup": layer, "showlegend": kind == "weight", "hovertemplate": f"{label} %{{y:.3g}}"}
        data.append(line(label, steps.ends(), positive, color, **style, **group))
    layout = step_layout(snapshot, type="log")
    return Chart("Gradient norms", _sentence(snapshot), data, layout, card="Gradient norms")


def subscript(layer: int) -> str:
    return str(layer).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _sentence(snapshot: Snapshot) -> str:
    steps = snapshot.steps
    if not steps.rows:
        return "No gradient yet: it comes with the first step."
    norms = steps.mean[-1, 2::2]
    now = ", ".join(f"W{subscript(layer)} {number(float(norm))}" for layer, norm in enumerate(norms, 1))
    return f"{now}; dotted: biases."
