"""How large is a step? The size of the update, relative to the weights."""

from __future__ import annotations

import numpy as np

from mlpviz.figures.chart import Chart, axis_end, drawn_range, line, log_axis, number, step_layout
from mlpviz.figures.gradient_norms import subscript
from mlpviz.figures.line_names import named_at_the_end
from mlpviz.figures.palette import DASHES, GUESS, LAYERS
from mlpviz.figures.samples import MARKED, samples
from mlpviz.snapshot import Snapshot

RULE_OF_THUMB = 1e-3


def update_ratio(snapshot: Snapshot) -> Chart:
    """‖ΔW‖ / ‖W‖ of each layer at the sampled steps, on a logarithmic scale."""
    steps, ratios = samples(snapshot, "update_ratio")
    measured = np.isfinite(ratios).any(axis=1)  # it isn't at step 0, nor where a run was paused between two samples
    steps, ratios = steps[measured], ratios[measured]
    data = []
    for layer, values in enumerate(ratios.T, 1):
        label = f"W{subscript(layer)}"
        positive = np.where(values > 0, values, np.nan)  # a logarithmic axis has no 0
        hover = f"{label} %{{y:.2g}}"
        data.append(
            line(
                label,
                steps,
                positive,
                LAYERS[layer - 1],
                dash=DASHES[layer - 1],
                connectgaps=True,
                hovertemplate=hover,
                **MARKED,
            )
        )
    across = [0, axis_end(snapshot)]
    data.append(line("10⁻³", across, [RULE_OF_THUMB] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip"))
    layout = step_layout(snapshot, **log_axis(data))
    layout["annotations"] += named_at_the_end(data[:-1], *drawn_range(data), log=True)
    return Chart("Update ratio", _sentence(steps, ratios), data, layout, card="Update ratio")


def _sentence(steps: np.ndarray, ratios: np.ndarray) -> str:
    if not len(steps):
        return "‖ΔW‖/‖W‖ is not measured yet."
    now = [f"W{subscript(layer)} {number(float(value))}" for layer, value in enumerate(ratios[-1], 1)]
    return f"{', '.join(now)} at step {steps[-1]:,.0f}."
