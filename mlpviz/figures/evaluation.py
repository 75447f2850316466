"""Figures about predictions: where the network is wrong, how well it is calibrated, one image, one unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.figures.chart import Chart, line, number, percent
from mlpviz.figures.palette import BLUE, GREEN, GREY, NEGATIVE, POSITIVE, VERMILLION, see_through
from mlpviz.images.predictions import Calibration, most_confused


def confusion(
    counts: np.ndarray, classes: tuple[str, ...], share: bool, chosen: tuple[int, int] | None = None
) -> Chart:
    """True classes in rows, predicted classes in columns.

    The diagonal holds the right predictions. It is green, so that the mistakes are easy to see. Each cell is a
    point that can be chosen, at x = predicted and y = true. `chosen`, (true, predicted), has a frame.
    """
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = rows.astype(np.float64)
    np.fill_diagonal(shown, np.nan)
    y, x = np.mgrid[0:10, 0:10]
    texts = [
        f"{100 * value:.0f}" if share else f"{count:,}" for value, count in zip(rows.flat, counts.flat, strict=True)
    ]
    heat: dict[str, Any] = {
        "type": "heatmap",
        "z": shown,
        "zmin": 0,
        "zmax": max(0.05, float(np.nanmax(shown, initial=0.0))),
        "colorscale": [[0, see_through(VERMILLION, 0)], [1, see_through(VERMILLION, 0.75)]],
        "showscale": False,
        "hoverinfo": "skip",
        "xgap": 2,
        "ygap": 2,
    }
    names = np.array(classes)
    cells = {
        "type": "scatter",
        "mode": "markers+text",
        "x": x.ravel().tolist(),
        "y": y.ravel().tolist(),
        "text": texts,
        "marker": {"size": 30, "symbol": "square", "color": see_through(GREY, 0.001)},
        "hovertext": [
            f"{names[t]}, predicted as {names[p]}: {counts[t, p]:,} of {counts[t].sum():,}"
            for t, p in zip(y.flat, x.flat, strict=True)
        ],
        "hoverinfo": "text",
        "textfont": {"size": 12},
    }
    axis: dict[str, Any] = {
        "tickvals": list(range(10)),
        "ticktext": list(classes),
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,  # a click selects a cell; there is no zoom
    }
    frame = [_square(*chosen, layer="above", line={"color": BLUE, "width": 3})] if chosen else []
    layout = {
        "xaxis": axis | {"title": {"text": "predicted"}, "tickangle": -45, "range": [-0.5, 9.5]},
        "yaxis": axis | {"title": {"text": "true"}, "range": [9.5, -0.5]},
        "hoverdistance": 100,  # a cell may be wider than its point
        "showlegend": False,
        "shapes": [*(_square(i, i, fillcolor=see_through(GREEN, 0.14)) for i in range(10)), *frame],
    }
    return Chart("Confusion matrix", confused_most(counts, classes), [heat, cells], layout, card="Confusion matrix")


def _square(true: int, predicted: int, **look: Any) -> dict[str, Any]:
    """A cell of the matrix."""
    left, top = predicted - 0.5, true - 0.5
    place = {"type": "rect", "x0": left, "x1": left + 1, "y0": top, "y1": top + 1}
    return place | {"layer": "below", "line": {"width": 0}} | look


def confused_most(counts: np.ndarray, classes: tuple[str, ...]) -> str:
    """The most frequent mistake, in words."""
    pairs = most_confused(counts, 1)
    if not pairs:
        return "There are no mistakes."
    true, taken, times, support = pairs[0]
    return f"Most frequent mistake: {classes[true]} predicted as {classes[taken]}, {times:,} of {support:,}."


def reliability(measured: Calibration) -> Chart:
    """Accuracy over confidence. A perfectly calibrated network lies on the diagonal."""
    filled = measured.counts > 0
    data = [
        line("calibrated", [0, 1], [0, 1], GREY, dash="dash", width=1.5, hoverinfo="skip"),
        line(
            "this network",
            measured.confidence[filled],
            measured.accuracy[filled],
            BLUE,
            mode="lines+markers",
            marker={"size": 5 + 12 * np.sqrt(measured.counts[filled] / max(1, measured.counts.max()))},
            customdata=measured.counts[filled],
            hovertemplate="confidence %{x:.1%}, accuracy %{y:.1%}, %{customdata:,} images<extra></extra>",
        ),
    ]
    layout = {
        "xaxis": {"title": {"text": "confidence"}, "tickformat": ".0%", "range": [0, 1.03]},
        "yaxis": {"title": {"text": "accuracy"}, "tickformat": ".0%", "range": [0, 1.03]},
        "showlegend": False,
    }
    sentence = (
        f"Expected calibration error: {percent(measured.error)}, the average gap between confidence and accuracy."
    )
    return Chart("Reliability", sentence, data, layout, card="Reliability")


def story(steps: np.ndarray, true_probability: np.ndarray, names: list[str]) -> Chart:
    """One image over the evaluations: the probability of its true class and the predicted class; (evaluations,)."""
    data = [
        line(
            "true class",
            steps,
            true_probability,
            BLUE,
            mode="lines+markers",
            marker={"size": 8},
            text=names,
            hovertemplate="step %{x:,}: %{y:.1%}, predicted as %{text}<extra></extra>",
        )
    ]
    layout = {
        "xaxis": {"title": {"text": "step"}, "tickformat": ",d"},
        "yaxis": {"tickformat": ".0%", "range": [-0.03, 1.03]},
        "showlegend": False,
    }
    sentence = f"The probability of the true class is now {percent(float(true_probability[-1]))}."
    return Chart("History", sentence, data, layout, card="History")


def contribution_bars(names: list[str], values: np.ndarray, rest: float, bias: float, logit: float) -> Chart:
    """The strongest contributions to one logit, the sum of all others, and the bias. Together they give the logit."""
    names = [*names, "all others", "bias"]
    amounts = np.array([*values, rest, bias])
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": amounts,
        "marker": {"color": [POSITIVE if amount > 0 else NEGATIVE for amount in amounts]},
        "text": [number(float(amount)) for amount in amounts],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "skip",
    }
    room = 0.25 * (float(np.abs(amounts).max()) or 1.0)
    span = [min(0.0, float(amounts.min())) - room, max(0.0, float(amounts.max())) + room]
    layout = {
        "xaxis": {"range": span, "title": {"text": "contribution to the logit"}},
        "yaxis": {"autorange": "reversed", "ticksuffix": " ", "automargin": True},
        "showlegend": False,
    }
    sentence = f"The bars add up to {number(float(amounts.sum()))}. The network’s logit is {number(logit)}."
    return Chart("Contributions", sentence, [bar], layout, card="Contributions")


def class_histograms(values: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> Chart:
    """The activations of one unit, (n,), by class: one row of 40 bins for each class. Darker means more images."""
    finite = np.isfinite(values)
    low, high = (float(values[finite].min()), float(values[finite].max())) if finite.any() else (0.0, 0.0)
    edges = np.linspace(low, high if high > low else low + 1, 41)
    counts = np.stack([np.histogram(values[finite & (labels == c)], edges)[0] for c in range(len(classes))])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heat = {
        "type": "heatmap",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": list(classes),
        "z": np.sqrt(shares),  # without the root, the many zeros of a ReLU would hide the rest
        "customdata": shares,
        "colorscale": [[0, see_through(BLUE, 0)], [1, see_through(BLUE, 1)]],
        "showscale": False,
        "ygap": 2,
        "hovertemplate": "%{y}: %{customdata:.1%} of its images near %{x:.3g}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "activation"}},
        "yaxis": {"autorange": "reversed", "ticksuffix": " ", "automargin": True, "showgrid": False},
        "showlegend": False,
    }
    sentence = "No class stands out."
    means = [float(values[labels == c].mean()) if (labels == c).any() else 0.0 for c in range(len(classes))]
    if finite.all() and np.ptp(means) > 0:
        sentence = f"On average, it responds most to {classes[int(np.argmax(means))]}."
    return Chart("Response to each class", sentence, [heat], layout, card="Response to each class")
