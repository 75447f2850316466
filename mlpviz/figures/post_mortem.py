"""What happened, update by update: the figures of a post-mortem, which stand still."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.diagnosis import PostMortem
from mlpviz.figures.chart import ALARM, BLUE, GREEN, LAYERS, VERMILLION, Chart, line, number, percent
from mlpviz.figures.gradient_norms import subscript

FLOAT32 = 3.4e38


def post_mortem_charts(found: PostMortem) -> list[Chart]:
    """The mini-batches' losses, then layer by layer: largest outputs, gradients, updates, units without a slope."""
    layers = len(found.diagnosis.vitals.gradient_norms)
    charts = [
        _losses(found),
        _layered(found, "Largest output", "output", "z", layers, _largest(found, "output", layers)),
        _layered(found, "Gradient norms, each update", "gradient", "W", layers, "‖∂L/∂W‖ of each layer’s weights."),
        _layered(
            found, "Update ratio, each update", "update", "W", layers, "‖ΔW‖ / ‖W‖: 1 means as far as it is long."
        ),
        _layered(found, "Largest weight", "weight", "W", layers, _largest(found, "weight", layers)),
    ]
    return [*charts, _dead(found, layers)] if layers > 1 else charts


def _losses(found: PostMortem) -> Chart:
    data = [
        line("before its update", found.steps, _shown(found.column("loss")), BLUE, hovertemplate="before %{y:.4g}"),
        line(
            "after it",
            found.steps,
            _shown(found.column("loss after")),
            VERMILLION,
            width=1.5,
            dash="dot",
            hovertemplate="after %{y:.4g}",
        ),
    ]
    before, after = found.column("loss"), found.column("loss after")
    worse = int(np.sum(~(after <= before)))
    sentence = f"A step should lower its own mini-batch’s loss; {worse:,} of these {len(before):,} raised it."
    layout = _layout(found, "log", labelled=True)
    return Chart("Each mini-batch’s loss", sentence, data, layout, card="Each mini-batch’s loss")


def _layered(found: PostMortem, name: str, kind: str, letter: str, layers: int, sentence: str) -> Chart:
    data = [
        line(
            f"{letter}{subscript(i)}",
            found.steps,
            _shown(found.column(f"{kind} {i}")),
            LAYERS[i - 1],
            hovertemplate=f"{letter}{subscript(i)} %{{y:.3g}}",
        )
        for i in range(1, layers + 1)
    ]
    return Chart(name, sentence, data, _layout(found, "log"), card=name)


def _largest(found: PostMortem, kind: str, layers: int) -> str:
    sizes = np.array([found.column(f"{kind} {i}") for i in range(1, layers + 1)], dtype=np.float64)
    finite = sizes[np.isfinite(sizes)]
    if not len(finite):
        return "None is finite."
    lost = "" if np.isfinite(sizes).all() else f", then not finite: float32 ends at {number(FLOAT32)}"
    what = "the last layer’s are the logits" if kind == "output" else "layer by layer"
    return f"Up to {number(float(finite.max()))}{lost}; {what}."


def _dead(found: PostMortem, layers: int) -> Chart:
    data = [
        line(
            f"h{subscript(i)}",
            found.steps,
            found.column(f"dead {i}"),
            LAYERS[i - 1],
            hovertemplate=f"h{subscript(i)} %{{y:.0%}}",
        )
        for i in range(1, layers)
    ]
    worst = max(float(np.nanmax(found.column(f"dead {i}"), initial=0.0)) for i in range(1, layers))
    sentence = f"Units without a slope on the whole mini-batch: up to {percent(worst, 0)} of a layer."
    layout = _layout(found, "linear", range=[-0.02, 1.02], tickformat=".0%")
    return Chart("Dead on the mini-batch", sentence, data, layout, card="Dead on the mini-batch")


def _layout(found: PostMortem, scale: str, labelled: bool = False, **yaxis: Any) -> dict[str, Any]:
    marks = [(found.back_to + 0.5, "all is well", GREEN, 0)] if found.back_to >= found.steps[0] - 1 else []
    if found.first_bad is not None:
        marks.append((found.first_bad[2], "not finite", ALARM, 1))
    first, last = int(found.steps[0]), int(found.steps[-1])
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
    """What has a place on a logarithmic axis."""
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
