"""Which learning rate? The loss while the learning rate rises step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.figures.chart import Chart, drawable, line, log_axis, number
from mlpviz.figures.headline import task_status
from mlpviz.figures.palette import BLUE, GREEN, VERMILLION
from mlpviz.snapshot import RangeSnapshot, Status


def range_headline(snapshot: RangeSnapshot) -> dict[str, object]:
    """The strip above the figure."""
    status = task_status(snapshot.status, at_work="Testing rates", finished="Finished")
    return {
        "status": status,
        "setting": f"On a copy of the network at step {snapshot.begun_at:,}",
        "progress": 1.0 if snapshot.status == Status.FINISHED else snapshot.step / snapshot.total_steps,
        "values": [
            ("Rates tried", f"{snapshot.step:,}", f"of {snapshot.total_steps:,} at most"),
            ("Latest rate", number(float(snapshot.rates[-1])) if snapshot.step else "–", ""),
        ],
    }


def range_curve(snapshot: RangeSnapshot) -> Chart:
    """The loss over the learning rate, at each rate and as an exponential mean; and the suggested range."""
    data = [
        line("each step", snapshot.rates, drawable(snapshot.losses), BLUE, width=1, opacity=0.4),
        line("mean", snapshot.rates, drawable(snapshot.means), BLUE),
    ]
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": "learning rate"}, "type": "log", "minexponent": 1},
        "yaxis": {"rangemode": "tozero"},
    }
    finite = snapshot.means[np.isfinite(snapshot.means)]
    if len(finite):
        most = 1.6 * float(finite[: max(1, len(finite) // 2)].max())
        layout["yaxis"] = {"rangemode": "tozero", "autorangeoptions": {"clipmax": most}}
    if snapshot.suggestion is not None:
        low, high, use = snapshot.suggestion
        layout["shapes"] = [
            {
                "type": "rect",
                "x0": low,
                "x1": high,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "fillcolor": GREEN,
                "opacity": 0.16,
                "line": {"width": 0},
            },
            {
                "type": "line",
                "x0": use,
                "x1": use,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": VERMILLION, "width": 2, "dash": "dot"},
            },
        ]
        layout["annotations"] = [
            {
                "x": np.log10(use),
                "y": 1,
                "yref": "paper",
                "text": f"use {use:g}",
                "showarrow": False,
                "xanchor": "right",
                "yanchor": "top",
                "font": {"color": VERMILLION, "size": 12},
            }
        ]
    return Chart("Range test", _sentence(snapshot), data, layout, card="Range test", log_axis=log_axis(data))


def _sentence(snapshot: RangeSnapshot) -> str:
    if snapshot.status != Status.FINISHED:
        return "The learning rate rises by a few per cent at each step, until the loss rises sharply."
    if snapshot.suggestion is None:
        return "The network learnt nothing at any rate. Choose another Initialisation, or go back to a healthy step."
    low, high, use = snapshot.suggestion
    return f"Learning rates from {low:.3g} to {high:.3g} seem to work; {use:g} seems a good choice."
