"""Is the difference chance? Pairs of runs with several seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mlpviz.figures.chart import BAND, Chart, line, log_axis, number
from mlpviz.figures.headline import task_status
from mlpviz.figures.palette import BLUE, GREY, VERMILLION, see_through
from mlpviz.snapshot import SeedsSnapshot, Status

#: Student's t, two-sided 95 %, by degrees of freedom from 1 on.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


def seeds_headline(snapshot: SeedsSnapshot) -> dict[str, object]:
    """The strip above the figures."""
    status = task_status(snapshot.status, at_work="Trying other seeds", finished="Finished")
    return {
        "status": status,
        "setting": verdict(snapshot),
        "progress": snapshot.step / snapshot.total_steps,
        "values": [
            ("Step", f"{snapshot.step:,}", f"of {snapshot.total_steps:,}"),
            ("Pairs", f"{len(snapshot.accuracies)}", "finished"),
        ],
    }


def difference(snapshot: SeedsSnapshot) -> tuple[float, float]:
    """How much higher the twin's test accuracy is: the mean over the pairs, and the half width of its 95 % interval by
    Student's t. The half width is infinite for fewer than two pairs."""
    apart = snapshot.accuracies[:, 1] - snapshot.accuracies[:, 0]
    n = len(apart)
    if n < 2:
        return float(apart.mean()) if n else math.nan, math.inf
    t = T95[min(n - 1, len(T95)) - 1]
    return float(apart.mean()), float(t * apart.std(ddof=1) / math.sqrt(n))


def verdict(snapshot: SeedsSnapshot) -> str:
    """One sentence: whether chance could explain the difference."""
    mean, half = difference(snapshot)
    if not math.isfinite(half):
        return "Two pairs or more are needed to tell a difference from chance."
    points = f"{100 * mean:+.1f}".replace("-", "−")
    what = (
        f"The twin’s test accuracy differs by {points} ± {100 * half:.1f} points "
        f"({len(snapshot.accuracies)} seeds, 95 % interval)"
    )
    if snapshot.status != Status.FINISHED:
        return f"So far: {what[0].lower()}{what[1:]}."
    return f"{what}. {'This is probably not chance.' if abs(mean) > half else 'Chance could explain this.'}"


def seeds_charts(snapshot: SeedsSnapshot) -> list[Chart]:
    """The training losses with bands, and the test accuracies of each pair."""
    return [_bands(snapshot), _pairs(snapshot)]


def _bands(snapshot: SeedsSnapshot) -> Chart:
    data: list[dict[str, Any]] = []
    ends = []
    for i, (name, color) in enumerate((("original", BLUE), ("twin", VERMILLION))):
        curves = snapshot.losses[:, i]
        if not len(curves):
            continue
        with np.errstate(invalid="ignore"):
            low, high, mean = curves.min(axis=0), curves.max(axis=0), curves.mean(axis=0)
        edge: dict[str, Any] = {"width": 0, "showlegend": False, "hoverinfo": "skip"}
        data.append(line(f"{name}, lowest", snapshot.ends, low, color, **edge))
        data.append(
            line(f"{name}, highest", snapshot.ends, high, color, **edge)
            | {"fill": "tonexty", "fillcolor": see_through(color, BAND)}
        )
        data.append(line(name, snapshot.ends, mean, color, dash="solid" if i == 0 else "dot", hovertemplate="%{y:.4f}"))
        ends.append(f"{name} {number(float(mean[-1]))}")
    sentence = f"Mean loss at the end: {', '.join(ends) or 'none yet'}. Bands: from the lowest to the highest seed."
    layout = {"xaxis": {"title": {"text": "step"}, "tickformat": ",d"}, "yaxis": {"type": "log"}}
    return Chart("Losses over seeds", sentence, data, layout, card="Losses over seeds", log_axis=log_axis(data))


def _pairs(snapshot: SeedsSnapshot) -> Chart:
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": ["original", "twin"],
            "y": pair,
            "line": {"color": GREY, "width": 1},
            "showlegend": False,
            "hoverinfo": "skip",
        }
        for pair in snapshot.accuracies
    ]
    for i, (name, color) in enumerate((("original", BLUE), ("twin", VERMILLION))):
        values = snapshot.accuracies[:, i]
        marker = {"color": color, "size": 9}
        data.append(
            {"type": "scatter", "mode": "markers", "name": name, "x": [name] * len(values), "y": values}
            | {"marker": marker, "hovertemplate": "%{y:.1%}", "showlegend": False}
        )
    layout = {"yaxis": {"tickformat": ".1%"}, "xaxis": {"type": "category"}}
    sentence = f"Each line joins the two runs of one seed. Seeds so far: {len(snapshot.accuracies)}."
    return Chart("Accuracies, pair by pair", sentence, data, layout, card="Accuracies, pair by pair")
