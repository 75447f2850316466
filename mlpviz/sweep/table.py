"""A sweep as a table for other programs, and as a small map of letters for the terminal."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO

from mlpviz.grid import Cell, Grid, Place
from mlpviz.settings import Settings, spell

Cells = Mapping[Place, Cell]

RESULTS = ("diagnosis", "severity", "step", "total_steps", "train_loss", "test_loss", "test_accuracy")
WAITS = "·"
LEGEND = (
    "The number is the test accuracy in percent. ∞ overflow, ~ oscillates, † dead units, ! another alarm, · not done."
)


def header(grid: Grid) -> str:
    """The first line of the table."""
    return _line([*_axes(grid), *RESULTS, *_others(grid)])


def row(grid: Grid, cell: Cell) -> str:
    """The line of one cell: the axes, what has become of it, and all other settings. A number that is not finite is
    empty."""
    settings = {name: spell(value) for name, value in vars(cell.settings).items()}
    numbers = [_number(value) for value in (cell.loss, cell.test_loss, cell.test_accuracy)]
    results = [cell.kind, cell.severity, str(cell.step), str(cell.total_steps), *numbers]
    axes, others = ([settings[name] for name in names] for names in (_axes(grid), _others(grid)))
    return _line([*axes, *results, *others])


def as_csv(grid: Grid, cells: Cells) -> str:
    """The table of all cells that are done, in the order of the axes."""
    return header(grid) + "".join(row(grid, cells[place]) for place in sorted(cells))


def _axes(grid: Grid) -> list[str]:
    return [axis.name for axis in grid.axes]


def _others(grid: Grid) -> list[str]:
    return [name for name in vars(Settings()) if name not in {*_axes(grid), "epochs", "device"}]


def _line(values: list[str]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def _number(value: float) -> str:
    return f"{value:.6g}" if value == value else ""


def as_text(grid: Grid, cells: Cells) -> str:
    """The map in letters. The axis with fewer values goes to the right."""
    flat = grid.y is None or len(grid.x.values) <= len(grid.y.values)
    right, up = (grid.x, grid.y) if flat else (grid.y, grid.x)
    assert right is not None
    columns = [spell(value) for value in right.values]
    rows = [spell(value) for value in up.values] if up is not None else [""]
    width, margin = max(4, *map(len, columns)) + 1, max(map(len, rows))
    lines = [up.words] if up is not None else []
    for j in reversed(range(len(rows))):
        places = [(i, j) if flat else (j, i) for i in range(len(columns))]
        lines.append(rows[j].rjust(margin) + "".join(_letter(cells.get(place)).rjust(width) for place in places))
    lines.append(" " * margin + "".join(column.rjust(width) for column in columns) + f"  {right.words}")
    return "\n".join([*lines, LEGEND])


def _letter(cell: Cell | None) -> str:
    if cell is None:
        return WAITS
    return cell.letter or f"{100 * cell.test_accuracy:.0f}"
