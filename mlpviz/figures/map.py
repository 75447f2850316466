"""Where does training work? A map over two settings, and the curves of one of its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpviz.diagnosis import LN10, Kind, Severity, stability_factor
from mlpviz.figures.chart import Chart, line, log_axis, number, percent
from mlpviz.figures.diagnosis import TITLES
from mlpviz.figures.headline import ACTIVATIONS, task_status
from mlpviz.figures.palette import (
    ALARM,
    BLUE,
    GREY,
    GUESS,
    INK,
    OCHRE,
    TEST,
    TRAIN,
    VERMILLION,
    VIOLET,
    WHITE,
    see_through,
)
from mlpviz.grid import Axis, Cell, Grid, Place
from mlpviz.snapshot import MapSnapshot

#: From bad to good: the upper part of Viridis. Its lower part looks like the colour of dead units.
SCALE = ((0.0, "#3b528b"), (1 / 3, "#21918c"), (2 / 3, "#5ec962"), (1.0, "#fde725"))
FAINT = 0.3  # opacity of a cell that is not trained yet
BRIGHT = 0.3  # of the colour scale: from here on, dark text is easier to read than white
WAITS = "·"  # of a cell that is not trained yet
TICKS = 12  # of an axis, at most
RATE = "learning_rate"
GUESSING = 0.1  # the accuracy of guessing
HIGHEST = 2.5  # loss with a colour of its own; guessing has 2.3

#: What the letters of ill cells mean, with their colours.
ILL = {
    "∞": ("diverged", ALARM),
    "~": ("oscillates", OCHRE),
    "†": ("dead units", VIOLET),
    "!": ("does not learn", VERMILLION),
}


@dataclass(frozen=True)
class Measure:
    """What the colour of a cell means.

    Attributes:
        name: of the figure. better: 1 if more is better, −1 if less is. step: the ends of the scale are multiples.
    """

    name: str
    better: int
    step: float

    def of(self, cell: Cell) -> float:
        """The value of a cell."""
        return cell.test_accuracy if self.better > 0 else cell.test_loss

    def words(self, value: float) -> str:
        """A value for readers."""
        return percent(value) if self.better > 0 else number(value)

    def inside(self, value: float) -> str:
        """A value in a cell, as short as can be."""
        return f"{100 * value:.0f}" if self.better > 0 else number(value)


ACCURACY = Measure("Test accuracy", 1, 0.1)
LOSS = Measure("Test loss", -1, 0.5)


def map_headline(snapshot: MapSnapshot) -> dict[str, object]:
    """The strip above the map."""
    cells = snapshot.cells.values()
    best = max((cell.test_accuracy for cell in cells if not cell.is_ill), default=None)
    return {
        "status": task_status(snapshot.status, at_work="Training the map", finished="Map finished"),
        "setting": shared(snapshot.grid),
        "progress": snapshot.step / snapshot.total_steps,
        "values": [
            ("Runs", f"{len(cells):,}", f"of {len(snapshot.grid):,}"),
            ("Best test accuracy", percent(best) if best is not None else "–", ""),
            ("With an alarm", f"{sum(cell.is_ill for cell in cells):,}", "of these runs"),
        ],
    }


def shared(grid: Grid) -> str:
    """What all runs of the map have in common, in words."""
    settings, names = grid.settings, [axis.name for axis in grid.axes]
    network = "-".join(map(str, settings.layer_sizes)) if "hidden_sizes" not in names else "network"
    activation = ACTIVATIONS.get(settings.activation, "no activation") if "activation" not in names else ""
    others = {"optimizer": settings.optimizer, "seed": f"seed {settings.seed}"}
    parts = [f"{grid.steps:,} steps each", settings.dataset, f"{network} {activation}".strip()]
    return " · ".join([*parts, *(text for name, text in others.items() if name not in names)])


def map_charts(snapshot: MapSnapshot) -> list[Chart]:
    """The same cells, coloured by test accuracy and by test loss."""
    faint = nearest(snapshot.grid, snapshot.cells)
    charts = [settings_map(snapshot.grid, snapshot.cells, faint, measure) for measure in (ACCURACY, LOSS)]
    if snapshot.training is not None:
        for chart in charts:
            chart.layout["shapes"] = [_frame(snapshot.training)]
    return charts


def settings_map(grid: Grid, cells: Mapping[Place, Cell], faint: Mapping[Place, Cell], measure: Measure) -> Chart:
    """One cell for each run: its colour says how good it is, and an ill one has a letter and a colour of its own.

    Where no run is done, `faint` has another cell to show instead. Each cell is a point that can be chosen, at
    x = column and y = row; the points come row by row, the top one first.
    """
    data = [
        _heat(grid, _values(grid, faint, measure), _scale(cells, measure), measure, FAINT),
        _heat(grid, _values(grid, cells, measure), _scale(cells, measure), measure, 1.0),
        *_ill(grid, faint, cells),
        *_stability(grid, cells),
        _points(grid, cells, measure),
    ]
    layout = {
        "xaxis": _axis(grid.x),
        "yaxis": _axis(grid.y) if grid.y is not None else {"visible": False, "range": [-0.5, 0.5], "fixedrange": True},
        "showlegend": True,
        "hovermode": "closest",
        "hoverdistance": 100,  # a cell may be wider than its point
        "dragmode": "zoom",
    }
    return Chart(measure.name, _sentence(grid, cells, measure), data, layout, card=ACCURACY.name)


# what the cells show


def nearest(grid: Grid, cells: Mapping[Place, Cell]) -> dict[Place, Cell]:
    """For each place that is not done, the nearest cell that is."""
    left = [place for place in grid.places() if place not in cells]
    if not cells or not left:
        return {}
    done = list(cells)
    scale = np.array([max(1, len(grid.x.values) - 1), max(1, grid.rows - 1)])
    distances = np.abs(np.array(left)[:, None] - np.array(done)).astype(float) / scale
    return {place: cells[done[i]] for place, i in zip(left, distances.sum(axis=-1).argmin(axis=1), strict=True)}


def _frame(place: Place) -> dict[str, Any]:
    """Around the cell that is trained now."""
    column, row = place
    corners = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    return {"type": "rect", "line": {"color": GREY, "width": 2}} | corners


def _values(grid: Grid, cells: Mapping[Place, Cell], measure: Measure) -> np.ndarray:
    """(rows, columns): NaN where there is no cell, or an ill one."""
    values = np.full((grid.rows, len(grid.x.values)), np.nan)
    for (column, row), cell in cells.items():
        values[row, column] = np.nan if cell.is_ill else measure.of(cell)
    return values


def _scale(cells: Mapping[Place, Cell], measure: Measure) -> tuple[float, float]:
    """The ends of the colour scale. They move in steps, so that colours seldom change while the map fills."""
    values = [measure.of(cell) for cell in cells.values() if not cell.is_ill and math.isfinite(measure.of(cell))]
    values = [min(value, HIGHEST) for value in values]
    if not values:
        return (GUESSING, 1.0) if measure.better > 0 else (0.0, HIGHEST)
    low = measure.step * math.floor(min(values) / measure.step + 1e-9)
    low = min(low, HIGHEST - measure.step)
    high = measure.step * math.ceil(max(values) / measure.step - 1e-9)
    return low, max(high, low + measure.step)


def _heat(
    grid: Grid, values: np.ndarray, scale: tuple[float, float], measure: Measure, opacity: float
) -> dict[str, Any]:
    ticks = np.linspace(*scale, 3)
    return _grid_of(grid, values) | {
        "name": measure.name,
        "zmin": scale[0],
        "zmax": scale[1],
        "colorscale": SCALE,
        "reversescale": measure.better < 0,
        "opacity": opacity,
        "showscale": opacity == 1.0,
        "colorbar": {
            "thickness": 12,
            "tickvals": ticks.tolist(),
            "ticktext": [_tick(tick, measure) for tick in ticks],
        },
    }


def _tick(value: float, measure: Measure) -> str:
    if measure.better > 0:
        return percent(value, 0)
    return f"{value:.2f}" + (" or more" if value == HIGHEST else "")


def _grid_of(grid: Grid, values: np.ndarray) -> dict[str, Any]:
    x, y = np.arange(len(grid.x.values)), np.arange(grid.rows)
    return {"type": "heatmap", "x": x, "y": y, "z": values, "hoverinfo": "skip", "xgap": 1, "ygap": 1}


def _ill(grid: Grid, faint: Mapping[Place, Cell], cells: Mapping[Place, Cell]) -> list[dict[str, Any]]:
    """The ill cells, and an entry of the legend for each kind that is there."""
    traces: list[dict[str, Any]] = []
    for letter, (words, color) in ILL.items():
        for known, opacity in ((faint, FAINT), (cells, 1.0)):
            values = np.full((grid.rows, len(grid.x.values)), np.nan)
            for (column, row), cell in known.items():
                if cell.letter == letter:
                    values[row, column] = 1.0
            if np.isfinite(values).any():
                look = {"colorscale": [[0, color], [1, color]], "zmin": 0, "zmax": 1, "showscale": False}
                traces.append(_grid_of(grid, values) | look | {"name": words, "opacity": opacity})
        if any(cell.letter == letter for cell in cells.values()):
            marker = {"symbol": "square", "size": 11, "color": color}
            name = f"{letter} {words}"
            traces.append(
                {"type": "scatter", "mode": "markers", "x": [None], "y": [None], "name": name, "marker": marker}
            )
    return traces


def _points(grid: Grid, cells: Mapping[Place, Cell], measure: Measure) -> dict[str, Any]:
    """What one can point at, with a letter or a number in each cell."""
    scale = _scale(cells, measure)
    places = [(column, row) for row in reversed(range(grid.rows)) for column in range(len(grid.x.values))]
    roomy = len(grid.x.values) <= TICKS
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [column for column, _ in places],
        "y": [row for _, row in places],
        "text": [_inside(cells.get(place), measure, roomy) for place in places],
        "textfont": {"color": [_ink(cells.get(place), measure, scale) for place in places], "size": 12},
        "marker": {"size": 26, "symbol": "square", "color": see_through(GREY, 0.001)},
        "hovertext": [hover(grid, place, cells.get(place)) for place in places],
        "hoverinfo": "text",
        "showlegend": False,
        "name": "runs",
    }


def _inside(cell: Cell | None, measure: Measure, roomy: bool) -> str:
    if cell is None:
        return WAITS
    return cell.letter or (measure.inside(measure.of(cell)) if roomy else "")


def _ink(cell: Cell | None, measure: Measure, scale: tuple[float, float]) -> str:
    """The colour of a cell’s text: dark on bright cells."""
    if cell is None or cell.is_ill:
        return WHITE
    share = (measure.of(cell) - scale[0]) / (scale[1] - scale[0])
    return INK if (share if measure.better > 0 else 1 - share) > BRIGHT else WHITE


def hover(grid: Grid, place: Place, cell: Cell | None) -> str:
    """A cell in words."""
    which = grid.words_at(place)
    if cell is None:
        return f"{which}: not trained yet"
    if cell.is_ill:
        return f"{which}: {TITLES[Kind(cell.kind)]}, at step {cell.step:,}"
    return f"{which}: test accuracy {percent(cell.test_accuracy)}, test loss {number(cell.test_loss)}{_but(cell)}"


def _but(cell: Cell) -> str:
    """What is worth knowing about a run that is not ill."""
    return f". Not ill, but: {TITLES[Kind(cell.kind)].lower()}" if cell.severity == Severity.NOTE else ""


def _axis(axis: Axis) -> dict[str, Any]:
    """Places, not values, so that every setting has one; their ticks are the values."""
    every = -(-len(axis.values) // TICKS)
    places = list(range(0, len(axis.values), every))
    return {
        "title": {"text": axis.words},
        "tickvals": places,
        "ticktext": [axis.labels[i] for i in places],
        "range": [-0.5, len(axis.values) - 0.5],
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
    }


# the bound of stability


def _stability(grid: Grid, cells: Mapping[Place, Cell]) -> list[dict[str, Any]]:
    """The line of the highest stable rate, from the sharpness of the run with the lowest rate beside each value of the
    other setting."""
    rates = next((axis for axis in grid.axes if axis.name == RATE), None)
    if rates is None:
        return []
    upright = rates is grid.x
    others = grid.rows if upright else len(grid.x.values)
    heights = np.full(others, np.nan)
    for (column, row), cell in cells.items():
        if (bound := stable_rate(cell)) is not None:
            heights[row if upright else column] = rates.position(bound)
    if not np.isfinite(heights).any():
        return []
    # a flat piece in each cell, so that one value is a line, too; there is a gap where the bound is not on the map
    along = np.arange(others)[:, None] + [-0.45, 0.45]
    across = np.repeat(heights[:, None], 2, axis=1)
    x, y = (across, along) if upright else (along, across)
    x, y = x.ravel(), y.ravel()
    under = line("", x, y, WHITE, width=4, hoverinfo="skip", showlegend=False, mode="lines")
    over = line(_bound_name(cells), x, y, BLUE, width=2, hoverinfo="skip", mode="lines")
    return [under, over]


def stable_rate(cell: Cell) -> float | None:
    """The highest rate at which a step in the sharpest direction converges, at the last step of this run; None if its
    sharpness was not measured, or if the optimizer has no such bound."""
    factor = stability_factor(cell.settings)
    return factor / cell.sharpness if cell.sharpness > 0 and math.isfinite(factor) else None


def _bound_name(cells: Mapping[Place, Cell]) -> str:
    factors = {stability_factor(cell.settings) for cell in cells.values() if stable_rate(cell) is not None}
    if len(factors) > 1:
        return "bound/λ"
    return f"{number(factors.pop()) if factors != {2.0} else '2'}/λ"


# in words


def _sentence(grid: Grid, cells: Mapping[Place, Cell], measure: Measure) -> str:
    well = [(place, cell) for place, cell in cells.items() if not cell.is_ill and math.isfinite(measure.of(cell))]
    if not cells:
        return "No run is done yet."
    if not well:
        best = "No run is well so far." if len(cells) < len(grid) else "No run is well."
    else:
        place, cell = max(well, key=lambda each: measure.better * measure.of(each[1]))
        so_far = "" if len(cells) == len(grid) else " so far"
        best = f"Best{so_far}: {measure.words(measure.of(cell))} at {grid.words_at(place)}."
    return f"{best}{_about_bound(grid, cells)}"


def _about_bound(grid: Grid, cells: Mapping[Place, Cell]) -> str:
    """What the line is, or why there is none."""
    rates = next((axis for axis in grid.axes if axis.name == RATE), None)
    bounds = [bound for cell in cells.values() if (bound := stable_rate(cell)) is not None]
    if rates is None or not bounds or not rates.is_ordered:
        return ""
    inside = [bound for bound in bounds if math.isfinite(rates.position(bound))]
    name = _bound_name(cells)
    if not inside:
        return f" The limit from theory, {name}, is not on this map: {_between(bounds)}."
    return f" Blue line: {name}, a limit from theory."


def _between(values: list[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"


def cell_curve(cell: Cell) -> Chart:
    """The training loss of one run of a map, and its test loss at the end."""
    finite = np.where(np.isfinite(cell.curve), cell.curve, np.nan)
    data = [line("training loss", cell.ends(), finite, TRAIN, hovertemplate="training %{y:.3g}")]
    if math.isfinite(cell.test_loss):
        marker = {"size": 9, "color": TEST}
        data.append(
            line("test loss", [cell.step], [cell.test_loss], TEST, mode="markers", marker=marker)
            | {"hovertemplate": "test %{y:.3g}"}
        )
    data.append(line("guessing", [0, cell.total_steps], [LN10] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip"))
    layout = {
        "xaxis": {"title": {"text": "steps"}, "tickformat": ",d", "range": [0, 1.03 * cell.total_steps]},
        "yaxis": {"title": {"text": "loss, log scale"}} | log_axis(data),
        "showlegend": True,
    }
    return Chart("Loss of this run", cell_sentence(cell), data, layout, card="Loss of this run")


def cell_sentence(cell: Cell) -> str:
    """What has become of a run of a map."""
    title = TITLES[Kind(cell.kind)]
    title = f"Not ill, but: {title.lower()}" if cell.severity == Severity.NOTE else title
    if cell.step < cell.total_steps:
        return f"{title}. It was stopped at step {cell.step:,} of {cell.total_steps:,}, because it was surely ill."
    accuracy = f"After {cell.step:,} steps: test accuracy {percent(cell.test_accuracy)}"
    if not math.isfinite(cell.test_loss):
        return f"{title}. {accuracy}. The loss is not finite."
    return f"{title}. {accuracy}, test loss {number(cell.test_loss)}."
