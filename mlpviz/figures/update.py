"""One step, taken apart: charts of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlpviz.figures.chart import Chart, line, number, percent
from mlpviz.figures.palette import ALARM, BLUE, GREY, VERMILLION
from mlpviz.images.predictions import softmax


def logit_bars(logits: np.ndarray, label: int, classes: Sequence[str]) -> Chart:
    """The ten logits of one image, (10,). Its class has another colour."""
    sentence = f"Some of them are not finite. The true class is {classes[label]}."
    if np.isfinite(logits).all():
        best = int(logits.argmax())
        sentence = (
            f"The largest is {number(float(logits[best]))}, for {classes[best]}. The true class is {classes[label]}."
        )
    layout = _bar_layout("z", range=_room(logits))
    return Chart("Logits", sentence, [_bars(logits, label, classes)], layout, card="Logits")


def probability_bars(logits: np.ndarray, label: int | None, classes: Sequence[str]) -> Chart:
    """softmax(z) of one image, (10,). Its class has another colour; if it is unknown, the most probable one has."""
    p = softmax(logits)
    if not np.isfinite(p).all():
        sentence = "There are none, because the logits are not all finite."
    elif label is None:
        label = int(p.argmax())
        sentence = f"The most probable class is {classes[label]}, at {percent(float(p[label]))}."
    else:
        sentence = f"The right class, {classes[label]}, has a probability of {percent(float(p[label]))}."
    bars = _bars(p, label or 0, classes) | {"text": [percent(float(share)) for share in p]}
    layout = _bar_layout("softmax(z)", tickformat=".0%", range=[0, 1.15], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return Chart("Probabilities", sentence, [bars], layout, card="Probabilities")


def logit_gradient_bars(formula: np.ndarray, autograd: np.ndarray, classes: Sequence[str]) -> Chart:
    """∂L/∂z of one image, (10,), by the formula and by autograd."""
    bars = [
        {"type": "bar", "orientation": "h", "name": name, "y": list(classes), "x": values, "marker": {"color": color}}
        for name, values, color in (("(softmax − onehot)/m", formula, BLUE), ("autograd", autograd, VERMILLION))
    ]
    layout = _bar_layout("∂L/∂z", exponentformat="power") | {"barmode": "group", "showlegend": True}
    sentence = f"Largest difference for this image: {number(float(np.abs(formula - autograd).max()))}."
    return Chart("Gradient at the logits", sentence, bars, layout, card="Gradient at the logits")


def value_histogram(name: str, values: np.ndarray) -> Chart:
    """The histogram of a gradient. The sentence tells the share of zeros, since dead units give many."""
    flat = values[np.isfinite(values)].ravel().astype(np.float64)
    counts, edges = np.histogram(flat, bins=60) if len(flat) else (np.zeros(1), np.array([-1.0, 1.0]))
    zeros = float((values == 0).mean())
    bar = {"type": "bar", "x": (edges[:-1] + edges[1:]) / 2, "y": counts, "marker": {"color": BLUE}, "name": name}
    layout = {
        "xaxis": {"title": {"text": f"∂L/∂{name}"}, "exponentformat": "power"},
        "yaxis": {"title": {"text": "count"}, "type": "log"},
        "bargap": 0,
        "showlegend": False,
    }
    sentence = f"{values.size:,} numbers, {percent(zeros)} of them exactly 0."
    return Chart(f"Gradient of {name}", sentence, [bar], layout, card="Gradient")


def vee(nudges: np.ndarray, errors: dict[str, np.ndarray]) -> Chart:
    """Relative error of the central difference over its step size h, for each arithmetic, (n,)."""
    data = []
    for (name, values), color, symbol in zip(errors.items(), (VERMILLION, BLUE), ("diamond", "circle"), strict=True):
        shown = np.where(values > 0, values, np.nan)  # a logarithmic axis can't show an error of exactly 0
        data.append(line(name, nudges, shown, color, mode="lines+markers", marker={"size": 7, "symbol": symbol}))
    layout = {
        "xaxis": {"title": {"text": "h"}, "type": "log", "exponentformat": "power"},
        "yaxis": {"title": {"text": "relative error"}, "type": "log", "exponentformat": "power"},
        "showlegend": True,
    }
    best = {name: float(np.nanmin(values)) for name, values in errors.items() if np.isfinite(values).any()}
    spelt = ", ".join(f"{number(value)} in {name}" for name, value in best.items())
    return Chart("Relative error", f"Smallest error: {spelt or 'none is finite'}.", data, layout, card="Relative error")


def _bars(values: np.ndarray, label: int, classes: Sequence[str]) -> dict[str, Any]:
    colors = [VERMILLION if i == label else GREY for i in range(len(classes))]
    if not np.isfinite(values).all():
        colors = [ALARM] * len(classes)
    texts = [number(float(value)) for value in values]
    return {
        "type": "bar",
        "orientation": "h",
        "y": list(classes),
        "x": values,
        "marker": {"color": colors},
        "text": texts,
        "textposition": "outside",
        "textfont": {"size": 12},
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.6g}<extra></extra>",
    }


def _room(values: np.ndarray) -> list[float]:
    """An axis range with room for the number at the end of each bar."""
    finite = values[np.isfinite(values)].astype(float)
    low, high = min(finite.min(initial=0.0), 0.0), max(finite.max(initial=0.0), 0.0)
    room = 0.22 * ((high - low) or 1.0)
    return [low - room * (low < 0), high + room]


def _bar_layout(title: str, **xaxis: Any) -> dict[str, Any]:
    names = {"autorange": "reversed", "ticksuffix": " ", "automargin": True}
    grid = {"title": {"text": title}, "nticks": 5, "showgrid": True}
    return {"xaxis": grid | xaxis, "yaxis": names, "showlegend": False}
