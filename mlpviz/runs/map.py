"""A map: one run for each cell of a grid of settings, from coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.diagnosis import stability_factor
from mlpviz.grid import Cell, Grid, Place
from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.runs.task import FiniteTask
from mlpviz.snapshot import MapSnapshot, Status
from mlpviz.sweep.cell import train_in_parts
from mlpviz.sweep.order import most_informative
from mlpviz.trainer import check_size, pick_device

RATE = "learning_rate"
MOST_CELLS = 900
NEWS = 100  # parts of the whole work after each of which there is news, beside each cell that is done


class Map(FiniteTask):
    """A task that trains a run for each cell, and tests it at the end. A run that is surely ill stops early. It yields
    to people: while somebody's run trains, it gets a small part of the time.

    Raises:
        ValueError: the settings of a cell don't fit the dataset or the machine.
    """

    kind = "map"
    remedy = "The cells that are done are kept. Make the map again with a smaller network or other settings."
    yields = True

    def __init__(self, grid: Grid, dataset: Dataset, owner: str = "", clock: Clock = CLOCK) -> None:
        super().__init__(owner, clock=clock)
        if any(axis.name == "dataset" for axis in grid.axes):
            raise ValueError("A map has one dataset. Choose another setting for the axes.")
        if len(grid) > MOST_CELLS:
            raise ValueError(f"This map would have {len(grid):,} runs. At most {MOST_CELLS:,} are possible.")
        pick_device(grid.settings.device)
        for place in grid.places():
            check_size(grid.settings_of(place), dataset)
        self.grid = grid
        self.paused = False
        self._dataset = dataset
        self._cells: dict[Place, Cell] = {}
        self._training: Place | None = None  # the cell that is trained now
        self._pieces: Generator[int, None, Cell] | None = None
        self._made = 0  # updates of that cell

    def pause(self) -> None:
        """Train no further for now."""
        self.paused = True

    def start(self) -> None:
        """Go on."""
        self.paused = False

    @property
    def total_steps(self) -> int:
        """Of all cells together."""
        return len(self.grid) * self.grid.steps

    @property
    def step(self) -> int:
        """Of all cells together. A cell that has stopped early counts as whole."""
        return len(self._cells) * self.grid.steps + self._made

    @property
    def status(self) -> Status:
        whole = len(self._cells) == len(self.grid)
        return Status.PAUSED if self.paused and not whole and not self.failed else super().status

    def progress(self) -> object:
        return len(self._cells), self._training, NEWS * self.step // self.total_steps

    def has_work(self) -> bool:
        """Until the last cell is done."""
        return not self.failed and not self.paused and len(self._cells) < len(self.grid)

    def advance(self) -> None:
        """Do the next piece of the present cell: a step, a batch of the test, or a part of the sharpness."""
        if self._pieces is None:
            self._training = most_informative(self.grid, self._cells)
            assert self._training is not None
            settings = self.grid.settings_of(self._training)
            sharpness = self._training in self._lowest_rates() and math.isfinite(stability_factor(settings))
            self._pieces = train_in_parts(settings, self._dataset, self.grid.steps, sharpness=sharpness)
        try:
            self._made = next(self._pieces)
        except StopIteration as stop:
            assert self._training is not None
            self._cells = self._cells | {self._training: stop.value}  # snapshots keep the old one
            self._pieces, self._training, self._made = None, None, 0

    def _lowest_rates(self) -> list[Place]:
        """For each value of the other setting, the cell with the lowest learning rate, if that is on an axis."""
        x, y = self.grid.x, self.grid.y
        if x.name == RATE:
            lowest = x.values.index(min(x.values))
            return [(lowest, row) for row in range(self.grid.rows)]
        if y is not None and y.name == RATE:
            lowest = y.values.index(min(y.values))
            return [(column, lowest) for column in range(len(x.values))]
        return []

    def make_snapshot(self, version: int, status: Status) -> MapSnapshot:
        """As in `FiniteTask`, for the cells that are done."""
        return MapSnapshot(
            version=version,
            run=self.id,
            status=status,
            message=self.message,
            step=self.step,
            total_steps=self.total_steps,
            grid=self.grid,
            cells=self._cells,
            training=self._training,
            threads=self.threads,
        )

    # what is saved of it

    def kept(self) -> dict[str, Any]:
        """The cells that are done, column by column."""
        cells = list(self._cells.items())
        numbers = [(c.step, c.loss, c.test_loss, c.test_accuracy, c.sharpness, len(c.curve)) for _, c in cells]
        return {
            "grid": self.grid,
            "threads": self.threads,
            "places": [list(place) for place, _ in cells],
            "kinds": [cell.kind for _, cell in cells],
            "severities": [cell.severity for _, cell in cells],
            "numbers": np.array(numbers, dtype=np.float64).reshape(-1, 6),
            "curves": np.concatenate([np.zeros(0, np.float32), *(cell.curve for _, cell in cells)]),
        }

    def give_back(self, kept: dict[str, Any]) -> None:
        """The inverse of `kept`. It rests."""
        self.threads, self.paused = kept["threads"], True
        curves = np.split(kept["curves"], np.cumsum(kept["numbers"][:, 5]).astype(int)[:-1])
        found = zip(kept["places"], kept["kinds"], kept["severities"], kept["numbers"], curves, strict=False)
        for (column, row), kind, severity, (step, loss, test_loss, accuracy, sharpness, _), curve in found:
            self._cells[column, row] = Cell(
                settings=self.grid.settings_of((column, row)),
                kind=kind,
                severity=severity,
                step=int(step),
                total_steps=self.grid.steps,
                loss=float(loss),
                test_loss=float(test_loss),
                test_accuracy=float(accuracy),
                curve=curve,
                sharpness=float(sharpness),
            )
