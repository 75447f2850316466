"""The parts of a figure, and what all figures share: lines, the step axis, marks of events."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from mlpviz.figures.palette import ALARM, GREY, GUESS, TEST, TRAIN
from mlpviz.history import RECENT_STEPS
from mlpviz.snapshot import Inspection, Snapshot

BAND = 0.2  # opacity of a band: lines behind it stay visible


@dataclass(frozen=True, eq=False)
class Chart:
    """A Plotly figure as plain data, with its name and one sentence that says what it shows now.

    `plotly.graph_objects.Figure(chart.data, chart.layout)` draws it in a notebook. Charts of the same `card` share a
    place on the page and a switch between them. With a `log_axis`, as `log_axis` makes it, the reader can change to it.
    """

    name: str
    sentence: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    card: str
    log_axis: dict[str, Any] | None = None


Figure = TypeVar("Figure")


def once_per_inspection(figure: Callable[[Snapshot], Figure]) -> Callable[[Snapshot], Figure]:
    """Make the figure once for each inspection, and keep it as long as the inspection is kept."""
    made: WeakKeyDictionary[Inspection, Figure] = WeakKeyDictionary()

    @functools.wraps(figure)
    def cached(snapshot: Snapshot) -> Figure:
        if snapshot.inspection is None:
            return figure(snapshot)
        if snapshot.inspection not in made:
            made[snapshot.inspection] = figure(snapshot)
        return made[snapshot.inspection]

    return cached


def line(name: str, x: npt.ArrayLike, y: npt.ArrayLike, color: str, **more: Any) -> dict[str, Any]:
    """A line trace. `width`, `dash` and `shape` style its line; everything else belongs to the trace."""
    style = {"color": color, "width": 2} | {key: more.pop(key) for key in ("width", "dash", "shape") if key in more}
    x = np.asarray(x, dtype=np.float32)
    y = np.asarray(y, dtype=np.float32)
    mode = "markers" if np.isfinite(y).sum() == 1 else "lines"  # a single point makes no line
    return {"type": "scatter", "mode": mode, "name": name, "x": x, "y": y, "line": style} | more


def drawable(values: np.ndarray) -> np.ndarray:
    """The values, with a gap where they are infinite."""
    return np.where(np.isfinite(values), values, np.nan)


MEASURES = ("loss", "accuracy")  # in the order of an evaluation's values and of `Snapshot.recent`


def train_and_test(snapshot: Snapshot, measure: str, guess: float, form: str) -> list[dict[str, Any]]:
    """The traces of a measure, the loss or the accuracy: each step (faint), the moving mean, the test set, and what
    guessing among the ten classes gives (dashed). `form` is d3's format of a value."""
    steps, evaluations = snapshot.steps, snapshot.evaluations
    return [
        every_step(snapshot, measure, f"step %{{x:,}}: %{{y:{form}}}"),
        line(
            "train",
            steps.ends(),
            moving_mean(steps.column(measure), steps.width),
            TRAIN,
            hovertemplate=f"train %{{y:{form}}}",
        ),
        line(
            "test",
            evaluations[:, 0],
            evaluations[:, 1 + MEASURES.index(measure)],
            TEST,
            mode="lines+markers",
            marker={"size": 8},
            hovertemplate=f"test %{{y:{form}}}",
        ),
        line("guessing", [0, axis_end(snapshot)], [guess] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip"),
    ]


def train_and_test_now(snapshot: Snapshot, measure: str, spell: Callable[[float], str]) -> str:
    """The latest values in words: "Train 0.52, test 0.55". A new run may have one of them only."""
    place = MEASURES.index(measure)
    parts = [f"train {spell(snapshot.recent[place])}"] if snapshot.recent else []
    evaluation = snapshot.evaluation()
    if evaluation:
        at = int(snapshot.evaluations[-1, 0])
        parts.append(f"test {spell(evaluation[place])}" + (f" at step {at:,}" if at != snapshot.step else ""))
    now = ", ".join(parts) or "not measured yet"
    return now[0].upper() + now[1:]


EACH_STEP = "each step"  # marks these traces for the browser: those of other runs are not drawn


def every_step(snapshot: Snapshot, measure: str, hover: str, color: str = TRAIN) -> dict[str, Any]:
    """Every step, faint. If a bucket holds several steps: a stroke from its smallest to its largest value."""
    steps = snapshot.steps
    if steps.width == 1:
        x, y = steps.ends(), steps.column(measure)
    else:
        x = np.repeat(steps.ends(), 2)
        column = steps.columns.index(measure)
        y = np.stack([steps.minimum[:, column], steps.maximum[:, column]], axis=1).ravel()
    name = "each step" if steps.width == 1 else f"lowest and highest of {steps.width} steps"
    return line(name, x, y, color, width=1, opacity=0.4, showlegend=False, meta=EACH_STEP, hovertemplate=hover)


def moving_mean(means: np.ndarray, width: int) -> np.ndarray:
    """The mean over the last 25 steps, or over the last bucket if that is longer: (buckets,). It is made of the means
    of buckets of `width` steps each."""
    window = max(1, RECENT_STEPS // width)
    values = np.pad(means.astype(np.float64), (window - 1, 0), constant_values=np.nan)
    if len(values) < window:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(
        values, window
    )  # not a running sum: after 10³⁰, smaller values would be lost
    finite = np.isfinite(windows)
    means = np.where(finite, windows, 0.0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
    return np.where(finite[:, -1], means, np.nan)


STEP = {"text": "step"}  # the title of an axis that counts steps


def step_layout(snapshot: Snapshot, **yaxis: Any) -> dict[str, Any]:
    """The layout of a figure over steps. It marks where settings changed and where the loss stopped being finite."""
    marks = [(step, text, GREY) for step, text in snapshot.changes]
    if snapshot.not_finite_step is not None:
        marks.append((snapshot.not_finite_step, f"not finite from step {snapshot.not_finite_step:,}", ALARM))
    return {
        # No moving range: Plotly keeps the reader's zoom only while the layout stays the same.
        "xaxis": {
            "title": STEP,
            "autorangeoptions": {"include": [0, axis_end(snapshot)]},
            "tickformat": ",d",
        },
        "yaxis": yaxis,
        "shapes": [_mark(step, color) for step, _, color in marks],
        "annotations": [_label(i, *mark, snapshot) for i, mark in enumerate(_apart(marks, snapshot)[-4:])],
    }


def counts_steps(chart: Chart) -> bool:
    """Whether the horizontal axis of the chart counts the steps of a run."""
    axis: dict[str, Any] = chart.layout.get("xaxis", {})
    return axis.get("title") == STEP


def drawn_range(data: list[dict[str, Any]]) -> tuple[float, float]:
    """The smallest and the largest positive value of these traces; 1 and 1 if there is none."""
    values = np.concatenate(
        [np.empty(0), *[np.asarray(trace["y"], dtype=np.float64) for trace in data if "y" in trace]]
    )
    values = values[np.isfinite(values) & (values > 0)]
    return (float(values.min()), float(values.max())) if len(values) else (1.0, 1.0)


EVEN_DECADES = 1.5  # from this many powers of ten on, an axis has ticks at these only
MOST_TICKS = 6


def log_axis(data: list[dict[str, Any]]) -> dict[str, Any]:
    """A logarithmic axis for these traces: ticks at powers of ten; if there are few of them, also at their doubles and
    their fivefold. All have the same size."""
    low, high = np.log10(drawn_range(data))
    if low == high == 0:
        return {"type": "log", "dtick": 1}
    if high - low >= EVEN_DECADES:
        return {"type": "log", "dtick": max(1, math.ceil((high - low) / MOST_TICKS))}
    decades = range(math.floor(low) - 3, math.ceil(high) + 4)  # other runs may reach further
    ticks = {digit * 10.0**decade: _tick(digit, decade) for decade in decades for digit in (1, 2, 5)}
    return {"type": "log", "tickmode": "array", "tickvals": list(ticks), "ticktext": list(ticks.values())}


def _tick(digit: int, decade: int) -> str:
    if -3 <= decade <= 3:
        return f"{digit * 10.0**decade:,g}"
    power = f"10{superscript(decade)}"
    return power if digit == 1 else f"{digit}·{power}"


ENDS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def axis_end(snapshot: Snapshot) -> float:
    """Where the step axis ends. It grows in steps, so that the curves don't move at each refresh, up to the planned
    end of the run."""
    step = max(10, snapshot.step)
    decade = 10.0 ** math.floor(math.log10(step))
    end = next(decade * each for each in ENDS if decade * each >= step)
    return min(end, snapshot.total_steps) if step <= snapshot.total_steps else end


def number(value: float) -> str:
    """A number for readers: three significant digits, or two with a power of ten if it is far from 1."""
    if not math.isfinite(value):
        return "not finite"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e4:
        text = f"{value:#.3g}".removesuffix(".") if abs(value) < 999.5 else f"{round(value, -1):,.0f}"
        return text.replace("-", "−")
    digits, exponent = f"{value:.1e}".replace("-", "−", int(value < 0)).split("e")
    return f"{digits}·10{superscript(int(exponent))}"


def superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def _mark(step: int, color: str) -> dict[str, Any]:
    style = {"color": color, "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": step, "x1": step, "y0": 0, "y1": 1, "yref": "paper", "line": style}


NEAR = 0.02  # of the axis: the texts of two marks would say nothing apart


def _apart(marks: list[tuple[int, str, str]], snapshot: Snapshot) -> list[tuple[int, str, str]]:
    """The marks with their texts. Changes of the same setting that are close together, as when a slider is moved, have
    one text: from the first value to the last."""
    near = NEAR * axis_end(snapshot)
    apart: list[tuple[int, str, str]] = []
    for step, text, color in marks:
        first, before, _ = apart[-1] if apart else (-math.inf, "", "")
        setting, _, new = text.rpartition(" → ")
        old = before.rpartition(" → ")[0]
        same = setting != "" and setting.rpartition(" ")[0] == old.rpartition(" ")[0]
        if same and step - first <= near:
            apart[-1] = (int(first), f"{old} → {new}", color)
        else:
            apart.append((step, text, color))
    return apart


def _label(i: int, step: int, text: str, color: str, snapshot: Snapshot) -> dict[str, Any]:
    left = step > 0.6 * axis_end(snapshot)  # keep the text inside the figure
    anchor = {"x": step, "y": 1 - 0.11 * i, "yref": "paper", "xanchor": "right" if left else "left", "yanchor": "top"}
    return anchor | {"text": text, "showarrow": False, "font": {"color": color, "size": 12}}
