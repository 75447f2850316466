"""Which hidden units have stopped learning?"""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import Chart, line, percent, step_layout
from mlpviz.figures.gradient_norms import subscript
from mlpviz.figures.palette import LAYERS
from mlpviz.snapshot import Snapshot


def dead_units(snapshot: Snapshot) -> Chart:
    """The share of each hidden layer's units through which no gradient passes, on 512 test images."""
    data, now = [], []
    for layer, shares in enumerate(dead_shares(snapshot), 1):
        assert snapshot.inspection is not None
        steps = snapshot.inspection.trend.column("step")
        label = f"layer {layer}"
        mode = "lines" if len(steps) > 2 else "lines+markers"  # a line through one point shows nothing
        hover = f"{label} %{{y:.0%}}"
        data.append(line(f"h{subscript(layer)}", steps, shares, LAYERS[layer - 1], mode=mode, hovertemplate=hover))
        now.append(percent(float(shares[-1]), 0) if np.isfinite(shares[-1]) else "not finite")
    layout = step_layout(snapshot, range=[0, 1], tickformat=".0%")
    return Chart("Dead units", _sentence(snapshot, now), data, layout, card="Dead units")


def dead_shares(snapshot: Snapshot) -> list[np.ndarray]:
    """For each hidden layer, its share of dead units at each inspection."""
    if snapshot.inspection is None:
        return []
    return list(snapshot.inspection.trend.of_kind("dead_share").T)


def _sentence(snapshot: Snapshot, now: list[str]) -> str:
    if not snapshot.hidden_layers:
        return "There is no hidden layer, so no unit can die."
    if not now:
        return "Not measured yet."
    return f"Units dead on each of 512 test images: {', '.join(now)}."
