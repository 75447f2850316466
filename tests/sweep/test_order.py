"""In which order the cells of a sweep are trained."""

import math

import numpy as np
import pytest

from mlpviz import Settings
from mlpviz.grid import Axis, Cell, Grid
from mlpviz.sweep.order import by_level, coarse_to_fine, most_informative

MINI = Settings(dataset="fashion-mnist-mini")


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("rows", [1, 3, 13])
def test_the_order_is_from_coarse_to_fine(columns, rows):
    x, y = Axis("learning_rate", tuple(0.01 * (1 + i) for i in range(columns))), Axis("seed", tuple(range(rows)))
    places = coarse_to_fine(Grid(MINI, 10, x, y))
    assert sorted(places) == [(column, row) for column in range(columns) for row in range(rows)], "each once"
    corners = {(column, row) for column in (0, columns - 1) for row in (0, rows - 1)}
    assert set(places[: len(corners)]) == corners
    for part in (0.3, 0.5, 0.7) if columns * rows > 100 else ():
        done = np.array(places[: int(part * len(places))])
        left, low = (done[:, 0] < columns / 2).mean(), (done[:, 1] < rows / 2).mean()
        assert 0.35 < left < 0.65 and 0.35 < low < 0.65, "both halves have their share at any time"


def grid_of(columns, rows):
    return Grid(
        MINI, 10, Axis("learning_rate", tuple(0.01 * (1 + i) for i in range(columns))), Axis("seed", tuple(range(rows)))
    )


def cell(accuracy, ill=False):
    return Cell(MINI, "dead" if ill else "healthy", "alarm" if ill else "healthy", 10, 10, 1.0, 1.0, accuracy)


def test_each_cell_has_its_turn_once_whatever_comes_out():
    grid, done, level = grid_of(9, 6), {}, []
    levels = {place: i for i, places in enumerate(by_level(grid)) for place in places}
    while (place := most_informative(grid, done)) is not None:
        assert place not in done
        level.append(levels[place])
        done[place] = cell(place[0] / 9, ill=place[1] > 3)
    assert sorted(done) == grid.places() and level == sorted(level), "coarse before fine"


def test_in_a_level_those_at_the_border_come_first():
    """The left half is well, the right half is ill: what is between them is asked first."""
    grid = grid_of(17, 17)
    done = {}
    for places in by_level(grid)[:3]:
        done |= {place: cell(0.8, ill=place[0] > 8) for place in places}
    first = []
    for _ in range(6):
        place = most_informative(grid, done)
        first.append(place)
        done[place] = cell(0.8, ill=place[0] > 8)
    assert all(5 < column < 13 for column, _ in first), first


def test_where_all_is_alike_the_order_is_that_of_the_command():
    grid, done = grid_of(5, 5), {}
    while (place := most_informative(grid, done)) is not None:
        done[place] = cell(0.5)
    assert list(done) == coarse_to_fine(grid)


def test_a_value_that_is_not_finite_disturbs_nothing():
    grid, done = grid_of(5, 1), {}
    while (place := most_informative(grid, done)) is not None:
        done[place] = cell(math.nan if place[0] == 0 else 0.5)
    assert len(done) == 5
