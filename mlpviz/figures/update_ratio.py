"""How large is a step? The update against the weights that it moves."""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import Chart, axis_end, line, number, step_layout
from mlpviz.figures.gradient_norms import subscript
from mlpviz.figures.palette import GUESS, LAYERS
from mlpviz.snapshot import Snapshot

RULE_OF_THUMB = 1e-3


def update_ratio(snapshot: Snapshot) -> Chart:
    """‖ΔW‖ / ‖W‖ of each layer at the steps that were inspected, on a logarithmic scale."""
    layers = len(snapshot.layers) - 1
    data, now = [], []
    if snapshot.inspection:
        trend = snapshot.inspection.trend
        for layer in range(1, layers + 1):
            label = f"W{subscript(layer)}"
            ratios = trend.column(f"update_ratio {layer}")
            measured = ratios[np.isfinite(ratios)]
            positive = np.where(ratios > 0, ratios, np.nan)  # 0 has no place on a logarithmic axis
            hover = f"{label} %{{y:.2g}}"
            color = LAYERS[layer - 1]
            data.append(line(label, trend.column("step"), positive, color, connectgaps=True, hovertemplate=hover))
            now += [f"{label} {number(float(measured[-1]))}"] if len(measured) else []
    across = [0, axis_end(snapshot)]
    data.append(line("10⁻³", across, [RULE_OF_THUMB] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip"))
    sentence = f"One step moved ‖ΔW‖/‖W‖ = {', '.join(now)}." if now else "‖ΔW‖/‖W‖: no step measured yet."
    layout = step_layout(snapshot, type="log")
    return Chart("Update ratio", sentence, data, layout, card="Update ratio")
