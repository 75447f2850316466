"""How large should the first weights be? Signals, gradients and loss before training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlpviz.diagnosis import LN10
from mlpviz.figures.chart import Chart, line
from mlpviz.figures.palette import ALARM, BLUE, GREY, GUESS, LAYERS
from mlpviz.settings import Settings


def marks(settings: Settings) -> dict[str, float]:
    """The article's init std, and two for the first layer: Xavier's (Glorot and Bengio 2010), √(2/(n_in + n_out)), and
    Kaiming's (He et al. 2015), √(2/n_in)."""
    inputs, outputs = settings.layer_sizes[:2]
    return {
        "article": Settings().init_std,
        "Xavier": float(np.sqrt(2 / (inputs + outputs))),
        "Kaiming": float(np.sqrt(2 / inputs)),
    }


def layered(
    name: str,
    sentence: str,
    init_stds: np.ndarray,
    measured: np.ndarray,
    predicted: np.ndarray | None,
    here: float,
    marks: dict[str, float],
    **yaxis: Any,
) -> Chart:
    """A quantity of each layer over init std. Dots are measured, lines predicted; both are (n, layers).

    Args:
        here: the init std that the reader has chosen; NaN if there is none.
        marks: other init stds, by name.
    """
    data = []
    for i in range(measured.shape[1]):
        color, label = LAYERS[i % len(LAYERS)], f"layer {i + 1}"
        dots = "markers" if predicted is not None else "lines+markers"
        data.append(line(label, init_stds, measured[:, i], color, mode=dots, marker={"size": 6}))
        if predicted is not None:
            data.append(line(f"{label}, predicted", init_stds, predicted[:, i], color, width=1.5, showlegend=False))
    return Chart(name, sentence, data, _layout(init_stds, here, marks, **yaxis), card=name)


def initial_loss(
    init_stds: np.ndarray,
    measured: np.ndarray,
    predicted: np.ndarray,
    here: float,
    now: Sequence[float],
    marks: dict[str, float],
) -> Chart:
    """The loss at step 0, (n,), and ln 10. `now` is the loss at `here`, measured and predicted, or empty."""
    data = [
        line("measured", init_stds, measured, BLUE, mode="markers", marker={"size": 6}),
        line("predicted", init_stds, predicted, BLUE, width=1.5),
        line("ln 10", init_stds[[0, -1]], [LN10, LN10], GUESS, dash="dash", width=1.5, hoverinfo="skip"),
    ]
    sentence = "Guessing gives ln 10 ≈ 2.303."
    if now:
        own, average = (f"{loss:.4g}" for loss in now)
        both = f"{own} for this network, {average} predicted as the average over networks"
        sentence = f"At init std {here:g}: {both}. {sentence}"
    return Chart("Initial loss", sentence, data, _layout(init_stds, here, marks, type="log"), card="Initial loss")


def _layout(init_stds: np.ndarray, here: float, marks: dict[str, float], **yaxis: Any) -> dict[str, Any]:
    lines = [(value, name, GREY, "dot") for name, value in marks.items()]
    if init_stds[0] <= here <= init_stds[-1]:
        lines.append((here, "", ALARM, "solid"))
    return {
        "xaxis": {
            "title": {"text": "init std"},
            "type": "log",
            "exponentformat": "power",
            "minexponent": 2,
            "range": [np.log10(init_stds[0]), np.log10(init_stds[-1])],
        },
        "yaxis": {"exponentformat": "power", "minexponent": 3, **yaxis},
        "shapes": [_mark(value, color, dash) for value, _, color, dash in lines],
        "annotations": [_label(value, name, i) for i, (value, name, _, _) in enumerate(lines) if name],
    }


def _mark(value: float, color: str, dash: str) -> dict[str, Any]:
    style = {"color": color, "width": 1.5, "dash": dash}
    return {"type": "line", "x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "paper", "line": style}


def _label(value: float, name: str, i: int) -> dict[str, Any]:
    """Names at different heights, because Xavier's and Kaiming's values are close."""
    anchor = {"x": float(np.log10(value)), "y": 1 - 0.09 * i, "yref": "paper", "xanchor": "right" if i < 2 else "left"}
    return anchor | {"yanchor": "top", "text": name, "showarrow": False, "font": {"size": 12}}
