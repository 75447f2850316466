"""A class at a glance: a tile for each student, their runs on a map of two settings, and what they predict."""

from __future__ import annotations

import html
import math
import statistics
import textwrap
from collections import Counter
from typing import Any

import numpy as np

from mlpviz.diagnosis import Kind
from mlpviz.figures.chart import Chart, number, percent
from mlpviz.figures.diagnosis import TITLES
from mlpviz.figures.headline import STATUS
from mlpviz.figures.map import ILL, SCALE
from mlpviz.figures.palette import BLUE, GREEN, GREY, INK, WHITE, see_through
from mlpviz.grid import Axis, Cell
from mlpviz.settings import spell
from mlpviz.snapshot import ClassSnapshot, Glance, Poll, Seat, Status

MAP, PREDICTION = "The class", "Prediction"  # the cards
MOST_IN_TILE = 2.5  # loss at the upper end of a tile's curve; guessing has 2.3
SPREAD = 0.34  # of a cell, over which the students in it are spread
GOLDEN = math.pi * (3 - math.sqrt(5))  # radians between two of them
LOW, HIGH = 0.1, 0.9  # accuracies at the ends of the colour scale
BRIGHT = 0.35  # accuracy from which dark text is easier to read
LINE = 26  # characters in a line of an answer's label


def class_headline(snapshot: ClassSnapshot) -> dict[str, object]:
    """The strip above the board."""
    seats = snapshot.seats
    cells = [seat.glance.cell for seat in seats if seat.glance is not None]
    training = sum(seat.glance is not None and seat.glance.status == Status.TRAINING for seat in seats)
    accuracies = accuracies_of(cells)
    return {
        "status": _doing(training, len(seats)),
        "setting": "",
        "progress": snapshot.step / snapshot.total_steps if snapshot.total_steps else 0.0,
        "values": [
            ("Students", f"{len(seats):,}", f"{sum(seat.here for seat in seats):,} here now"),
            ("Best test accuracy", percent(max(accuracies)) if accuracies else "–", ""),
            (
                "Median",
                percent(statistics.median(accuracies)) if accuracies else "–",
                "half are above it" * bool(seats),
            ),
            ("With an alarm", f"{sum(cell.is_ill for cell in cells):,}", "of these runs" * bool(seats)),
        ],
    }


def _doing(training: int, students: int) -> str:
    if not students:
        return "Waiting for students"
    return f"{training:,} of {students:,} training" if training else "No run is training"


def accuracies_of(cells: list[Cell]) -> list[float]:
    """The test accuracies of the runs that were tested since they began."""
    return [cell.test_accuracy for cell in cells if math.isfinite(cell.test_accuracy)]


def class_charts(snapshot: ClassSnapshot) -> list[Chart]:
    """The map, and the predictions if there is a question."""
    return [class_map(snapshot), *([predictions(snapshot.poll, *_students(snapshot))] if snapshot.poll else [])]


def _students(snapshot: ClassSnapshot) -> tuple[int, int]:
    """How many there are, and how many of them are here now."""
    return len(snapshot.seats), sum(seat.here for seat in snapshot.seats)


# the tiles


def members(snapshot: ClassSnapshot) -> dict[str, object]:
    """A tile for each student, for the code in the browser."""
    return {"seats": [_tile(seat, snapshot.poll) for seat in snapshot.seats]}


def _tile(seat: Seat, poll: Poll | None) -> dict[str, object]:
    cell = seat.glance.cell if seat.glance is not None else None
    accuracy = cell.test_accuracy if cell is not None else math.nan
    return {
        "id": seat.id,
        "name": seat_name(seat),
        "state": state(seat.glance),
        "away": not seat.here,
        "predicts": poll is not None and seat.predicts,
        "accuracy": percent(accuracy, 0) if math.isfinite(accuracy) else "–",
        "share": accuracy if math.isfinite(accuracy) else 0.0,
        "color": ILL[cell.letter][1] if cell is not None and cell.letter else "",
        "letter": cell.letter if cell is not None else "",
        "trains": seat.glance is not None and seat.glance.status == Status.TRAINING,
        "curve": _points(cell.curve) if cell is not None else [],
    }


def seat_name(seat: Seat) -> str:
    """The name of a student, or their number if names are hidden."""
    return seat_label(seat.name, seat.number)


def seat_label(name: str, number: int) -> str:
    """The same. The name is empty if names are hidden."""
    return name or f"Student {number}"


def state(glance: Glance | None) -> str:
    """What a run is doing, or what is wrong with it, in a few words."""
    if glance is None:
        return "not here yet"
    if glance.cell.is_ill:
        return ILL[glance.cell.letter][0]
    return STATUS[glance.status].lower()


def _points(curve: np.ndarray) -> list[float | None]:
    """The losses of a tile's curve as shares of its height, 1 at the top; None where there is no number."""
    finite = np.isfinite(curve)
    shares = np.where(finite, np.clip(np.nan_to_num(curve) / MOST_IN_TILE, 0, 1), 0)
    return [round(float(share), 3) if fine else None for share, fine in zip(shares, finite, strict=True)]


# the map


def class_map(snapshot: ClassSnapshot) -> Chart:
    """Each student's run as a point: its place says two of its settings, its colour the test accuracy. An ill run has a
    letter and a colour of its own. A point can be chosen."""
    placed = places(snapshot)
    seats = [seat for seat in snapshot.seats if seat.id in placed]
    x, y = (np.array([placed[seat.id][i] for seat in seats], dtype=np.float64) for i in (0, 1))
    cells = [seat.glance.cell for seat in seats if seat.glance is not None]
    data = [_dots(x, y, cells), *_ill_dots(x, y, cells), _chosen_dots(x, y, seats, cells)]
    layout = {
        "xaxis": _axis(snapshot.x),
        "yaxis": _axis(snapshot.y),
        "showlegend": True,
        "hovermode": "closest",
        "dragmode": False,
    }
    return Chart(MAP, _sentence(snapshot, cells), data, layout, card=MAP)


def places(snapshot: ClassSnapshot) -> dict[str, tuple[float, float]]:
    """For each student's id, where the run is on the map. Runs with the same settings are spread a little. A run that
    is not on the map is missing."""
    cells = {seat.id: seat.glance.cell for seat in snapshot.seats if seat.glance is not None}
    middles = {student: (where(snapshot.x, cell), where(snapshot.y, cell)) for student, cell in cells.items()}
    middles = {student: at for student, at in middles.items() if all(map(math.isfinite, at))}
    found: dict[str, tuple[float, float]] = {}
    together, placed = Counter(middles.values()), Counter[tuple[float, float]]()
    for student, at in middles.items():
        i, n = placed[at], together[at]
        placed[at] += 1
        radius = SPREAD * math.sqrt(i / max(1, n - 1))
        found[student] = (at[0] + radius * math.cos(i * GOLDEN), at[1] + radius * math.sin(i * GOLDEN))
    return found


def where(axis: Axis, cell: Cell) -> float:
    """The place of a run on an axis, counted in its values; NaN if it is outside."""
    value = getattr(cell.settings, axis.name)
    if value in axis.values:
        return float(axis.values.index(value))
    return axis.position(value) if isinstance(value, (int, float)) else math.nan


def _dots(x: np.ndarray, y: np.ndarray, cells: list[Cell]) -> dict[str, Any]:
    """The runs that are not ill. One that was not tested yet is grey."""
    well = np.array([not cell.is_ill for cell in cells], dtype=bool)
    accuracies = np.array([cell.test_accuracy for cell in cells], dtype=np.float64)
    known = np.isfinite(accuracies)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "runs",
        "x": x[well],
        "y": y[well],
        "showlegend": False,
        "hoverinfo": "skip",
        "marker": {
            "size": 22,
            "color": np.where(known, accuracies, LOW)[well],
            "opacity": np.where(known, 1.0, 0.45)[well],
            "colorscale": SCALE,
            "cmin": LOW,
            "cmax": HIGH,
            "showscale": True,
            "line": {"color": GREY, "width": 1},
            "colorbar": {
                "thickness": 12,
                "tickvals": [LOW, 0.5, HIGH],
                "ticktext": [percent(tick, 0) for tick in (LOW, 0.5, HIGH)],
            },
        },
    }


def _ill_dots(x: np.ndarray, y: np.ndarray, cells: list[Cell]) -> list[dict[str, Any]]:
    """The ill runs, one trace for each kind."""
    traces = []
    for letter, (words, color) in ILL.items():
        ill = np.array([cell.letter == letter for cell in cells], dtype=bool)
        if ill.any():
            marker = {"size": 22, "symbol": "square", "color": color}
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"{letter} {words}",
                    "x": x[ill],
                    "y": y[ill],
                    "hoverinfo": "skip",
                    "marker": marker,
                }
            )
    return traces


def _chosen_dots(x: np.ndarray, y: np.ndarray, seats: list[Seat], cells: list[Cell]) -> dict[str, Any]:
    """What one can point at. Plotly reads its texts as markup, so names are escaped."""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "students",
        "x": x.tolist(),
        "y": y.tolist(),
        "text": [_inside(cell) for cell in cells],
        "textfont": {"size": 11, "color": [_ink(cell) for cell in cells]},
        "marker": {"size": 22, "color": see_through(GREY, 0.001)},
        "hovertext": [
            f"{html.escape(seat_name(seat))}: {_hover(cell)}" for seat, cell in zip(seats, cells, strict=True)
        ],
        "hoverinfo": "text",
        "showlegend": False,
    }


def _inside(cell: Cell) -> str:
    if cell.letter:
        return cell.letter
    return f"{100 * cell.test_accuracy:.0f}" if math.isfinite(cell.test_accuracy) else ""


def _ink(cell: Cell) -> str:
    return INK if not cell.is_ill and cell.test_accuracy > BRIGHT else WHITE


def _hover(cell: Cell) -> str:
    which = f"learning rate {spell(cell.settings.learning_rate)}, batch size {spell(cell.settings.batch_size)}"
    if cell.is_ill:
        return f"{which}: {TITLES[Kind(cell.kind)]}, at step {cell.step:,}"
    if not math.isfinite(cell.test_accuracy):
        return f"{which}: not tested yet"
    return f"{which}: test accuracy {percent(cell.test_accuracy)}, training loss {number(cell.loss)}"


def _axis(axis: Axis) -> dict[str, Any]:
    return {
        "title": {"text": axis.words},
        "tickvals": list(range(len(axis.values))),
        "ticktext": axis.labels,
        "range": [-0.5, len(axis.values) - 0.5],
        "zeroline": False,
        "automargin": True,
    }


def _sentence(snapshot: ClassSnapshot, cells: list[Cell]) -> str:
    if not snapshot.seats:
        return "Nobody has joined yet."
    done = [cell for cell in cells if math.isfinite(cell.test_accuracy)]
    if not done:
        return "No run was tested yet."
    ranked = sorted(done, key=lambda cell: cell.test_accuracy)
    best, worst = ranked[-1], ranked[0]
    ends = (
        f"Best: {_result(best, snapshot)}."
        if best is worst
        else (f"Best: {_result(best, snapshot)}. Lowest: {_result(worst, snapshot)}.")
    )
    outside = sum(seat.glance is not None for seat in snapshot.seats) - len(cells)
    if not outside:
        return ends
    return f"{ends} {outside} {'run is' if outside == 1 else 'runs are'} not on this map."


def _result(cell: Cell, snapshot: ClassSnapshot) -> str:
    """The accuracy of a run, and where it is on the map. It names nobody."""
    settings = cell.settings
    at = ", ".join(f"{axis.words} {spell(getattr(settings, axis.name))}" for axis in (snapshot.x, snapshot.y))
    return f"{percent(cell.test_accuracy)} at {at}"


# the predictions


def predictions(poll: Poll, students: int, here: int) -> Chart:
    """A bar for each answer, when the teacher shows them; the one that came true is green."""
    order = list(reversed(range(len(poll.options))))  # Plotly draws upwards
    counts = [poll.counts[i] if poll.counts else 0 for i in order]
    bars = {
        "type": "bar",
        "orientation": "h",
        "name": "answers",
        "x": counts,
        "y": list(range(len(order))),
        "marker": {"color": [GREEN if i == poll.outcome else BLUE for i in order]},
        "text": [str(count) if poll.counts else "" for count in counts],
        "textposition": "auto",
        "hoverinfo": "none",  # not "skip": then the figure would count as one without data
        "showlegend": False,
    }
    most = max([1, *counts])
    labels = [_label(poll.options[i], i == poll.outcome) for i in order]
    layout = {
        "xaxis": {"range": [0, 1.15 * most], "title": {"text": "students"}, "dtick": max(1, most // 5)},
        "yaxis": {"tickvals": list(range(len(order))), "ticktext": labels, "automargin": True, "showgrid": False},
        "bargap": 0.35,
        "dragmode": False,
    }
    return Chart(PREDICTION, _about(poll, students, here), [bars], layout, card=PREDICTION)


def _label(option: str, came_true: bool) -> str:
    """An answer beside its bar. Plotly reads it as markup, so it is escaped."""
    lines = textwrap.wrap(option, LINE)[:3]
    text = "<br>".join(map(html.escape, lines))
    return f"✓ {text}" if came_true else text


def _about(poll: Poll, students: int, here: int) -> str:
    answered = f"{poll.answers:,} of {students:,} students answered ({here:,} here now)."
    if not poll.counts:
        return f"{answered} The predictions are hidden."
    if poll.outcome is not None:
        right = poll.counts[poll.outcome]
        return f"{right:,} of {poll.answers:,} predicted what happened."
    return answered
