"""How have the weights changed? The distribution of each layer's weights, and of their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.figures.chart import Chart, line, number, once_per_inspection, percent
from mlpviz.figures.palette import GREY, LAYERS
from mlpviz.snapshot import Histogram, Snapshot


@once_per_inspection
def weight_histograms(snapshot: Snapshot) -> Chart:
    """Each layer's weights now, and in grey behind them the initial weights."""
    inspection = snapshot.inspection
    now = inspection.weights if inspection else ()
    initial = inspection.initial_weights if inspection else ()
    norms = inspection.weight_norms if inspection else ()
    listed = ", ".join(number(norm) for norm in norms)
    sentence = f"Weight norms: {listed}. Grey: at the start." if norms else "Not measured yet."
    return _histograms("Weights", sentence, snapshot, now, initial)


@once_per_inspection
def gradient_histograms(snapshot: Snapshot) -> Chart:
    """Each layer's weight gradients, from the latest step."""
    gradients = snapshot.inspection.gradients if snapshot.inspection else ()
    zeros = ", ".join(_zero_share(histogram) for histogram in gradients)
    sentence = f"Share of each layer’s gradients in its highest bar: {zeros}." if zeros else "No gradient yet."
    return _histograms("Gradients", sentence, snapshot, gradients, ())


def density(histogram: Histogram) -> np.ndarray:
    """Counts as a density that integrates to 1 over the finite values, (bins,)."""
    total = histogram.counts.sum()
    width = (histogram.high - histogram.low) / len(histogram.counts)
    return histogram.counts / (total * width) if total else np.zeros(len(histogram.counts))


def _histograms(
    name: str,
    sentence: str,
    snapshot: Snapshot,
    now: tuple[Histogram, ...],
    initial: tuple[Histogram, ...],
) -> Chart:
    data: list[dict[str, Any]] = []
    layers = len(snapshot.layers) - 1
    layout: dict[str, Any] = {"annotations": [], "showlegend": False, "margin": {"l": 14, "r": 14, "t": 26, "b": 30}}
    columns = min(layers, 4)
    rows = -(-layers // columns)
    for layer in range(layers):
        axis = "" if layer == 0 else str(layer + 1)
        column, row = layer % columns, layer // columns
        left, right = _span(column, columns, gap=0.06)
        bottom, top = _span(
            rows - 1 - row, rows, gap=0.28
        )  # room for the numbers of this row and the title of the next
        layout[f"xaxis{axis}"] = {
            "domain": [left, right],
            "anchor": f"y{axis}",
            "nticks": 4 if columns < 3 else 3,
            "tickangle": 0,
            "exponentformat": "e",
        }
        layout[f"yaxis{axis}"] = {
            "domain": [bottom, top],
            "anchor": f"x{axis}",
            "rangemode": "tozero",
            "nticks": 3,
            "ticklabelposition": "inside top",  # the height of a line is a density
        }
        layout["annotations"].append(_title(snapshot, layer, (left + right) / 2, top, now))
        for label, histograms, color in (("at the start", initial, GREY), ("now", now, LAYERS[layer])):
            if layer < len(histograms):
                drawn = _steps(f"layer {layer + 1} {label}", histograms[layer], color)
                data.append(drawn | {"xaxis": f"x{axis}", "yaxis": f"y{axis}"})
    return Chart(name, sentence, data, layout, card="Weights")


def _steps(label: str, histogram: Histogram, color: str) -> dict[str, Any]:
    x = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    y = np.append(density(histogram), 0.0)
    hover = f"{label}: %{{x:.3g}}<extra></extra>"
    return line(label, x, y, color, shape="hv", width=1.5, fill="tozeroy", opacity=0.9, hovertemplate=hover)


def _title(snapshot: Snapshot, layer: int, x: float, y: float, now: tuple[Histogram, ...]) -> dict[str, Any]:
    text = f"{snapshot.layers[layer]:,} → {snapshot.layers[layer + 1]:,}"
    if layer < len(now) and now[layer].not_finite:
        share = now[layer].not_finite / (now[layer].not_finite + now[layer].counts.sum())
        text = "not finite" if share == 1 else f"{percent(share)} not finite"
    place = {"x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
    return place | {"text": text, "showarrow": False}


def _span(index: int, count: int, gap: float) -> tuple[float, float]:
    """Where the index-th of `count` parts begins and ends on an axis from 0 to 1, with a gap between parts."""
    width = (1 - gap * (count - 1)) / count
    return index * (width + gap), index * (width + gap) + width


def _zero_share(histogram: Histogram) -> str:
    total = histogram.counts.sum()
    return f"{100 * histogram.counts.max() / total:.0f} %" if total else "none finite"
