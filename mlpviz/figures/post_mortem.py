"""What happened, update by update: the figures of a post-mortem. They do not change any more."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.diagnosis import PostMortem
from mlpviz.figures.chart import Chart, line, number, percent
from mlpviz.figures.gradient_norms import subscript
from mlpviz.figures.palette import ALARM, BLUE, GREEN, LAYERS, VERMILLION

FLOAT32 = 3.4e38


def post_mortem_charts(post_mortem: PostMortem) -> list[Chart]:
    """The losses of the mini-batches, then for each layer: largest output, gradient, update, largest weight, and the
    share of dead units."""
    layers = post_mortem.layers
    charts = [
        _losses(post_mortem),
        _layered(post_mortem, "Largest output", "output", "z", layers, _largest(post_mortem, "output", layers)),
        _layered(
            post_mortem,
            "Gradient norms, each update",
            "gradient",
            "W",
            layers,
            "‖∂L/∂W‖ for the weights of each layer.",
        ),
        _layered(
            post_mortem,
            "Update ratio, each update",
            "update",
            "W",
            layers,
            "‖ΔW‖ / ‖W‖: at 1, the update is as large as the weights.",
        ),
        _layered(post_mortem, "Largest weight", "weight", "W", layers, _largest(post_mortem, "weight", layers)),
    ]
    return [*charts, _dead(post_mortem, layers)] if layers > 1 else charts


def _losses(post_mortem: PostMortem) -> Chart:
    data = [
        line(
            "before its update",
            post_mortem.steps,
            _shown(post_mortem.column("loss")),
            BLUE,
            hovertemplate="before %{y:.4g}",
        ),
        line(
            "after it",
            post_mortem.steps,
            _shown(post_mortem.column("loss after")),
            VERMILLION,
            width=1.5,
            dash="dot",
            hovertemplate="after %{y:.4g}",
        ),
    ]
    before, after = post_mortem.column("loss"), post_mortem.column("loss after")
    worse = int(np.sum(~(after <= before)))
    sentence = f"An update should lower the loss of its own mini-batch. {worse:,} of these {len(before):,} raised it."
    layout = _layout(post_mortem, "log", labelled=True)
    return Chart("Each mini-batch’s loss", sentence, data, layout, card="Each mini-batch’s loss")


def _layered(post_mortem: PostMortem, name: str, kind: str, letter: str, layers: int, sentence: str) -> Chart:
    data = [
        line(
            f"{letter}{subscript(i)}",
            post_mortem.steps,
            _shown(post_mortem.column(f"{kind} {i}")),
            LAYERS[i - 1],
            hovertemplate=f"{letter}{subscript(i)} %{{y:.3g}}",
        )
        for i in range(1, layers + 1)
    ]
    return Chart(name, sentence, data, _layout(post_mortem, "log"), card=name)


def _largest(post_mortem: PostMortem, kind: str, layers: int) -> str:
    sizes = np.array([post_mortem.column(f"{kind} {i}") for i in range(1, layers + 1)], dtype=np.float64)
    finite = sizes[np.isfinite(sizes)]
    if not len(finite):
        return "No value is finite."
    lost = "" if np.isfinite(sizes).all() else f", then not finite (float32 ends at {number(FLOAT32)})"
    what = "The outputs of the last layer are the logits." if kind == "output" else "One line for each layer."
    return f"Up to {number(float(finite.max()))}{lost}. {what}"


def _dead(post_mortem: PostMortem, layers: int) -> Chart:
    data = [
        line(
            f"h{subscript(i)}",
            post_mortem.steps,
            post_mortem.column(f"dead {i}"),
            LAYERS[i - 1],
            hovertemplate=f"h{subscript(i)} %{{y:.0%}}",
        )
        for i in range(1, layers)
    ]
    worst = max(float(np.nanmax(post_mortem.column(f"dead {i}"), initial=0.0)) for i in range(1, layers))
    sentence = f"Units whose slope is about 0 on every image of the mini-batch: up to {percent(worst, 0)} of a layer."
    layout = _layout(post_mortem, "linear", range=[-0.02, 1.02], tickformat=".0%")
    return Chart("Dead on the mini-batch", sentence, data, layout, card="Dead on the mini-batch")


def _layout(post_mortem: PostMortem, scale: str, labelled: bool = False, **yaxis: Any) -> dict[str, Any]:
    marks = (
        [(post_mortem.well_until + 0.5, "healthy until here", GREEN, 0)]
        if post_mortem.well_until >= post_mortem.steps[0] - 1
        else []
    )
    if post_mortem.first_bad is not None:
        marks.append((post_mortem.first_bad[2], "not finite", ALARM, 1))
    first, last = int(post_mortem.steps[0]), int(post_mortem.steps[-1])
    return {
        "xaxis": {"title": {"text": "update"}, "tickformat": ",d", "range": [first - 1, max(last, first + 9) + 1]},
        "yaxis": {"type": scale, "exponentformat": "power"} | yaxis,
        "shapes": [
            {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": c, "dash": "dot"}}
            for x, _, c, _ in marks
        ],
        "annotations": [
            {
                "x": x,
                "y": 1,
                "yref": "paper",
                "xanchor": "left" if x < (first + last) / 2 else "right",
                "yanchor": "bottom" if row == 0 else "top",
                "text": text,
                "showarrow": False,
                "font": {"color": color, "size": 12},
            }
            for x, text, color, row in (marks if labelled else [])
        ],
        "showlegend": True,
        "hovermode": "x unified",
    }


def _shown(values: np.ndarray) -> np.ndarray:
    """The values that a logarithmic axis can show; gaps for the others."""
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
