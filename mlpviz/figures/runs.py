"""Which settings led to which result? Several saved runs side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from mlpviz.diagnosis import LN10
from mlpviz.figures.chart import Chart, line, log_axis, number, percent
from mlpviz.figures.palette import BLUE, DASHES, GREY, GUESS, LAYERS, VERMILLION
from mlpviz.grid import LOG
from mlpviz.settings import Settings, spell
from mlpviz.state import SavedRun

#: The results of a run, by their names on the page.
RESULTS: dict[str, Callable[[SavedRun], float | None]] = {
    "test accuracy": lambda run: run.evaluation[1] if run.evaluation else None,
    "test loss": lambda run: run.evaluation[0] if run.evaluation else None,
    "training loss": lambda run: run.loss,
    "steps": lambda run: run.step,
}
FIRST = ("learning_rate", "batch_size", "hidden_sizes", "optimizer", "init_std", "seed")  # in this order
COLUMNS = 3  # settings with columns of their own
MOST = len(LAYERS) * 2  # curves in one figure that one can tell apart


def differing(runs: Sequence[SavedRun]) -> list[str]:
    """The settings in which these runs differ; for a single run, those that differ from the default."""
    others = [run.settings for run in runs] if len(runs) > 1 else [Settings(dataset=runs[0].settings.dataset)]
    return [
        name
        for name in Settings().to_dict()
        if any(getattr(run.settings, name) != getattr(other, name) for run in runs for other in others)
    ]


def split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The settings that matter most, for columns of their own, and the others."""
    ordered = sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return ordered[:COLUMNS], ordered[COLUMNS:]


def in_words(run: SavedRun, names: Sequence[str]) -> str:
    """These settings of a run: "learning rate 0.3, batch size 64"."""
    return ", ".join(f"{name.replace('_', ' ')} {as_text(getattr(run.settings, name))}" for name in names)


def as_text(value: Any) -> str:
    """A setting's value for readers: 0.1, 256-128, none, true."""
    return f"{value:g}" if isinstance(value, float) else spell(value)


def called(run: SavedRun, runs: Sequence[SavedRun]) -> str:
    """What a run is called among others: its name, or else what is different in it."""
    return run.name or in_words(run, differing(runs)) or f"seed {run.settings.seed}"


def loss_curves(runs: Sequence[SavedRun]) -> Chart:
    """The training loss of each run over its steps."""
    data = []
    for i, run in enumerate(runs[:MOST]):
        steps, losses = ([pair[at] for pair in run.curve] for at in (0, 1))
        finite = [loss if math.isfinite(loss) else math.nan for loss in losses]
        color, dash = LAYERS[i % len(LAYERS)], DASHES[i // len(LAYERS)]
        name = called(run, runs)
        data.append(line(name, steps, finite, color, dash=dash, hovertemplate=f"{name} %{{y:.3g}}<extra></extra>"))
    end = max([step for run in runs for step, _ in run.curve], default=1)
    data.append(line("guessing", [0, end], [LN10] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip"))
    layout = {"xaxis": {"title": {"text": "steps"}, "tickformat": ",d"}, "yaxis": log_axis(data)}
    return Chart("Training loss", _best(runs), data, layout, card="Training loss")


def scatter(runs: Sequence[SavedRun], setting: str, result: str) -> Chart:
    """A result over a setting, one dot for each run."""
    points = [(getattr(run.settings, setting), RESULTS[result](run), called(run, runs)) for run in runs]
    known = [(x, y, name) for x, y, name in points if y is not None and math.isfinite(y)]
    numeric = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x, _, _ in known)
    log = numeric and setting in LOG and all(x > 0 for x, _, _ in known)
    dots: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": result,
        "x": [x if numeric else as_text(x) for x, _, _ in known],
        "y": [y for _, y, _ in known],
        "text": [name for _, _, name in known],
        "marker": {"size": 10, "color": [LAYERS[i % len(LAYERS)] for i, point in enumerate(points) if point in known]},
        "hovertemplate": f"%{{text}}<br>%{{y:{'.1%' if 'accuracy' in result else '.4g'}}}<extra></extra>",
    }
    words = setting.replace("_", " ")
    missing = len(points) - len(known)
    sentence = f"{len(known)} runs." + (f" {missing} have no {result} that is a number." if missing else "")
    scale = log_axis([{"y": dots["x"]}]) if log else {"type": "linear" if numeric else "category"}
    layout = {
        "xaxis": {"title": {"text": words}, **scale},
        "yaxis": {"title": {"text": result}, "tickformat": ".0%" if "accuracy" in result else ""},
    }
    return Chart(f"{result.capitalize()} over {words}", sentence, [dots], layout, card="scatter")


def parallel(runs: Sequence[SavedRun]) -> Chart:
    """One line for each run, through its settings and its results. The colour is the test accuracy."""
    names = [name for name in differing(runs) if name not in ("seed", "device")]
    dimensions = [_setting_axis(name, [getattr(run.settings, name) for run in runs]) for name in names]
    for name, result in RESULTS.items():
        values = [result(run) for run in runs]
        finite = [value for value in values if value is not None and math.isfinite(value)]
        if finite:
            worst = min(finite) if name == "test accuracy" else max(finite)
            drawn = [value if value is not None and math.isfinite(value) else worst for value in values]
            form = ".0%" if name == "test accuracy" else ""
            dimensions.append({"label": name, "values": drawn, "tickformat": form})
    accuracies = [RESULTS["test accuracy"](run) or 0.0 for run in runs]
    trace = {
        "type": "parcoords",
        "dimensions": dimensions,
        "line": {
            "color": accuracies,
            "colorscale": [[0, VERMILLION], [0.5, GREY], [1, BLUE]],  # seen on white and on black
            "showscale": True,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": {"text": "test accuracy"}, "tickformat": ".0%", "thickness": 12},
        },
    }
    sentence = "One line for each run; blue is a high test accuracy. Drag on an axis to keep only some runs."
    layout = {"margin": {"l": 70, "r": 40, "t": 50, "b": 20}}
    return Chart("Settings and results", sentence, [trace], layout, card="parallel")


def _setting_axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """One axis. Values that are not numbers, and those of a logarithmic axis, are labelled by hand."""
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    label = name.replace("_", " ")
    if numeric and not (name in LOG and all(value > 0 for value in values)):
        return {"label": label, "values": list(values)}
    kinds = sorted(set(values), key=lambda value: (str(type(value)), value if numeric else spell(value)))
    places = {value: math.log10(value) if numeric else float(i) for i, value in enumerate(kinds)}
    return {
        "label": label,
        "values": [places[value] for value in values],
        "tickvals": list(places.values()),
        "ticktext": [as_text(value) for value in kinds],
    }


def _best(runs: Sequence[SavedRun]) -> str:
    tested = [(run.evaluation[1], run) for run in runs if run.evaluation]
    if not tested:
        return "Not tested since training began."
    accuracy, best = max(tested, key=lambda pair: pair[0])
    loss = "" if best.loss is None else f", training loss {number(best.loss)}"
    if len(runs) == 1:
        return f"Test accuracy {percent(accuracy)}{loss}."
    return f"Best on the test set: {called(best, runs)}, {percent(accuracy)}{loss}."
