"""What if a line were gone? The original program beside the changed one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mlpviz.diagnosis import LN10
from mlpviz.figures.chart import Chart, line, log_axis, number, percent
from mlpviz.figures.headline import task_status
from mlpviz.figures.palette import BLUE, GREY, GUESS, VERMILLION
from mlpviz.history import Series
from mlpviz.snapshot import ComparisonSnapshot

NAMES = ("original", "changed")
COLORS = (BLUE, VERMILLION)
OUTCOMES = {
    "better": "better",
    "same": "about the same",
    "slower": "slower, or worse",
    "dead": "hardly better than guessing",
    "nan": "NaN",
}
CHANCE = 0.15  # a test accuracy below this counts as guessing
ALIKE = 0.025  # test accuracies closer than this count as about the same


def outcome(snapshot: ComparisonSnapshot) -> str:
    """How the changed program did, compared with the original, by the last test of each: a key of `OUTCOMES`."""
    ours, theirs = (float(rows[-1, 2]) for rows in snapshot.evaluations)
    lost = [not math.isfinite(rows[-1, 1]) for rows in snapshot.evaluations]
    if lost[0] != lost[1]:
        return "nan" if lost[1] else "better"
    if theirs < CHANCE <= ours:
        return "dead"
    if abs(theirs - ours) < ALIKE:
        return "same"
    return "better" if theirs > ours else "slower"


def comparison_headline(snapshot: ComparisonSnapshot) -> dict[str, object]:
    """The strip above the figures."""
    status = task_status(snapshot.status, at_work="Comparing", finished="Compared")
    values = [("Step", f"{snapshot.step:,}", f"of {snapshot.total_steps:,}")]
    for name, rows in zip(NAMES, snapshot.evaluations, strict=True):
        values.append(("Test accuracy", percent(rows[-1, 2]) if len(rows) else "–", name))
    return {
        "status": status,
        "setting": snapshot.title,
        "progress": snapshot.step / snapshot.total_steps,
        "values": values,
    }


def comparison_charts(snapshot: ComparisonSnapshot) -> list[Chart]:
    """Both losses in one chart, both test accuracies in another."""
    return [_losses(snapshot), _accuracies(snapshot)]


def _losses(snapshot: ComparisonSnapshot) -> Chart:
    data = [
        _step_line(name, series, color, "solid" if i == 0 else "dot")
        for i, (name, series, color) in enumerate(zip(NAMES, snapshot.steps, COLORS, strict=True))
    ]
    data.append(
        line("guessing", [0, snapshot.total_steps], [LN10] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip")
    )
    parts = [
        f"{name} {number(float(s.column('loss')[-1]))}" for name, s in zip(NAMES, snapshot.steps, strict=True) if s.rows
    ]
    sentence = f"Training loss, latest step: {', '.join(parts) or 'none yet'}. Guessing gives ln 10 ≈ 2.30."
    huge = any(
        np.nanmax(series.maximum[:, series.columns.index("loss")], initial=0.0) > 50 for series in snapshot.steps
    )
    layout: dict[str, Any] = {"xaxis": _steps(snapshot), "yaxis": {"type": "log" if huge else "linear"}}
    marks = [(step, name) for step, name in zip(snapshot.not_finite_steps, NAMES, strict=True) if step is not None]
    layout["annotations"] = [_lost(step, name, i) for i, (step, name) in enumerate(marks)]
    layout["shapes"] = [
        {
            "type": "line",
            "x0": step,
            "x1": step,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": GREY, "dash": "dot"},
        }
        for step, _ in marks
    ]
    return Chart("Losses compared", sentence, data, layout, card="Losses compared", log_axis=log_axis(data))


def _lost(step: int, name: str, i: int) -> dict[str, Any]:
    anchor = {"x": step, "y": 1 - 0.1 * i, "yref": "paper", "xanchor": "left"}
    return anchor | {"text": f"{name}: not finite from step {step:,}", "showarrow": False}


def _accuracies(snapshot: ComparisonSnapshot) -> Chart:
    data = [
        line(name, rows[:, 0], rows[:, 2], color, mode="lines+markers", marker={"size": 8, "symbol": symbol})
        for name, rows, color, symbol in zip(NAMES, snapshot.evaluations, COLORS, ("circle", "diamond"), strict=True)
    ]
    data.append(line("guessing", [0, snapshot.total_steps], [0.1] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip"))
    parts = [f"{n} {percent(r[-1, 2])}" for n, r in zip(NAMES, snapshot.evaluations, strict=True) if len(r)]
    sentence = f"Accuracy that each program reports: {', '.join(parts) or 'none yet'}."
    layout = {"xaxis": _steps(snapshot), "yaxis": {"tickformat": ".0%", "rangemode": "tozero"}}
    return Chart("Accuracies compared", sentence, data, layout, card="Accuracies compared")


def _step_line(name: str, series: Series, color: str, dash: str) -> dict[str, Any]:
    return line(name, series.ends(), series.column("loss"), color, width=1.5, dash=dash, hovertemplate="%{y:.4f}")


def _steps(snapshot: ComparisonSnapshot) -> dict[str, Any]:
    return {"title": {"text": "step"}, "range": [0, snapshot.total_steps], "tickformat": ",d"}
