"""Which hidden units have stopped learning?"""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import Chart, line, percent, step_layout
from mlpviz.figures.gradient_norms import subscript
from mlpviz.figures.line_names import named_at_the_end
from mlpviz.figures.palette import DASHES, LAYERS
from mlpviz.figures.samples import MARKED, samples
from mlpviz.snapshot import Snapshot


def dead_units(snapshot: Snapshot) -> Chart:
    """The share of units in each hidden layer that pass no gradient, on 512 test images."""
    steps, shares = samples(snapshot, "dead_share")
    data = []
    for layer, values in enumerate(shares.T, 1):
        hover = f"layer {layer} %{{y:.0%}}"
        data.append(
            line(
                f"h{subscript(layer)}",
                steps,
                values,
                LAYERS[layer - 1],
                dash=DASHES[layer - 1],
                hovertemplate=hover,
                **MARKED,
            )
        )
    layout = step_layout(snapshot, range=[0, 1], tickformat=".0%")
    layout["annotations"] += named_at_the_end(data, 0, 1, log=False)
    return Chart("Dead units", _sentence(snapshot, steps, shares), data, layout, card="Dead units")


def _sentence(snapshot: Snapshot, steps: np.ndarray, shares: np.ndarray) -> str:
    if not snapshot.hidden_layers:
        return "This network has no hidden layer, so it has no units that can die."
    if not len(steps):
        return "Not measured yet."
    now = [percent(float(share), 0) if np.isfinite(share) else "not finite" for share in shares[-1]]
    return f"{', '.join(now)} dead at step {steps[-1]:,.0f}, on 512 test images."
