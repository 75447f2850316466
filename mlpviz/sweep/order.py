"""In which order the cells of a sweep are trained: from coarse to fine, and first where most can be learnt."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mlpviz.grid import Cell, Grid, Place

ILL = -1.0  # an ill cell counts as this accuracy, so that the border of what is ill is where neighbours differ most


def coarse_to_fine(grid: Grid) -> list[Place]:
    """All cells: first the corners, then what is between them."""
    return [place for level in by_level(grid) for place in level]


def by_level(grid: Grid) -> list[list[Place]]:
    """The cells of each level, from coarse to fine. Those of one level come in a mixed order, always the same, so that
    at any time those that are done are spread over the map."""
    columns, rows = (_levels(count) for count in (len(grid.x.values), grid.rows))
    everywhere = [(column, row) for column in range(len(columns)) for row in range(len(rows))]
    random.Random(0).shuffle(everywhere)
    found: list[list[Place]] = [[] for _ in range(1 + max(*columns, *rows))]
    for column, row in everywhere:
        found[max(columns[column], rows[row])].append((column, row))
    return found


def most_informative(grid: Grid, cells: Mapping[Place, Cell]) -> Place | None:
    """The cell to train next: of the coarsest level that is not complete, the one whose neighbours differ most. None if
    all are done. The neighbours are the cells that are done up to the distance of the level before."""
    for level, places in enumerate(by_level(grid)):
        left = [place for place in places if place not in cells]
        if left:
            spread = _spread(grid, cells, level)
            return max(left, key=lambda place: spread[place])  # the first of those that are equal
    return None


def _spread(grid: Grid, cells: Mapping[Place, Cell], level: int) -> np.ndarray:
    """(columns, rows): the largest accuracy among the neighbours that are done, minus the smallest; 0 without any."""
    shape = (len(grid.x.values), grid.rows)
    values = np.full(shape, np.nan)
    for place, cell in cells.items():
        values[place] = ILL if cell.is_ill else cell.test_accuracy
    reach = [max(1, math.ceil((count - 1) / 2**level)) for count in shape]
    spread: np.ndarray = np.nan_to_num(_windows(values, reach, np.fmax) - _windows(values, reach, np.fmin))
    return spread


def _windows(values: np.ndarray, reach: Sequence[int], best: np.ufunc) -> np.ndarray:
    """The best value of all within this reach of each place; NaN if there is none."""
    for axis, far in enumerate(reach):
        edges = [(far, far) if each == axis else (0, 0) for each in range(values.ndim)]
        padded = np.pad(values, edges, constant_values=np.nan)
        values = best.reduce(sliding_window_view(padded, 2 * far + 1, axis), axis=-1)
    return values


def _levels(count: int) -> Sequence[int]:
    """When each of so many places in a row has its turn: first both ends, then the middles of the largest gaps."""
    levels = [0] * count
    gaps = [(0, count - 1)]
    level = 0
    while gaps:
        level += 1
        halves = []
        for low, high in gaps:
            if high - low > 1:
                middle = (low + high) // 2
                levels[middle] = level
                halves += [(low, middle), (middle, high)]
        gaps = halves
    return levels
