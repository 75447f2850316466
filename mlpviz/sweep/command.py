"""The command `mlpviz sweep`: many runs that differ in one or two settings, as a table."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from mlpviz.catalog import default_dataset
from mlpviz.datasets import load_dataset
from mlpviz.grid import Axis, Cell, Grid, Place, SweepError, plain_name, read_axis
from mlpviz.idx import DatasetError
from mlpviz.settings import Settings, parse, spell
from mlpviz.sweep.deal import check, deal
from mlpviz.sweep.table import as_csv, as_text, header, row

WIDTH = 30  # characters of the progress bar
LEAVE = 5.0  # seconds that Python may take to end
IMPOSSIBLE, INCOMPLETE, STOPPED = 2, 1, 130  # exit statuses; the last by convention, after Ctrl+C
TOO_LITTLE = "A process ended, perhaps because of too little memory. --workers 1 needs the least"


@dataclass(frozen=True)
class Order:
    """What somebody has asked for, as text.

    Attributes:
        axes: one or two, as in `read_axis`. fixed: other settings of all cells, as `name=value`.
        steps: updates in each cell. all_steps: whether to make all of them, even if a run is surely ill.
        to: the file, for CSV. processes: how many train; one for each core by default.
    """

    axes: Sequence[str]
    fixed: Sequence[str]
    steps: int
    to: Path
    processes: int | None = None
    all_steps: bool = False


def sweep(order: Order) -> int:
    """Train all cells, and write the table. Returns the exit status: 0 if it is whole, 1 if something went wrong on the
    way, 130 if it was stopped, 2 if the sweep is impossible."""
    try:
        grid = _grid(order)
        check(grid)
    except (DatasetError, ValueError) as error:
        print(error, file=sys.stderr)
        return IMPOSSIBLE
    try:
        file = order.to.open("x", encoding="utf-8")
    except FileExistsError:
        print(f"{order.to} exists already. Give another name: -o FILE.", file=sys.stderr)
        return IMPOSSIBLE
    except OSError as error:
        print(f"{order.to} can’t be written ({error.strerror}). Give another name: -o FILE.", file=sys.stderr)
        return IMPOSSIBLE
    with file:
        return _train(grid, file, order)


def leave_soon(status: int) -> None:
    """Make sure that the program ends. Python waits for the thread of the pool of processes. If Ctrl+C came at a bad
    moment, this thread may wait for a lock for ever; then the program ends without it."""
    sys.stdout.flush()
    timer = threading.Timer(LEAVE, os._exit, [status])
    timer.daemon = True
    timer.start()


def _grid(order: Order) -> Grid:
    if not 1 <= len(order.axes) <= 2:
        raise SweepError(f"A sweep has one or two settings, not {len(order.axes)}.")
    axes = [read_axis(text) for text in order.axes]
    first = {axis.name: axis.values[0] for axis in axes}
    return Grid(Settings(**({"dataset": default_dataset()} | _fixed(order.fixed, axes) | first)), order.steps, *axes)


def _fixed(texts: Sequence[str], axes: Sequence[Axis]) -> dict[str, Any]:
    """The settings of all cells, by name."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = plain_name(name)
        if not equals or name not in Settings().to_dict():
            names = ", ".join(Settings().to_dict())
            raise SweepError(f"{text[:60]!r} is no setting. Write --set name=value. The names are {names}.")
        if name == "epochs":
            raise SweepError("The runs of a sweep have no number of epochs. Give the number of steps: --steps N.")
        if name in found or name in [axis.name for axis in axes]:
            raise SweepError(f"{name} is given twice. Leave one of them out.")
        found[name] = parse(name, value)
    return found


def _train(grid: Grid, file: TextIOWrapper, order: Order) -> int:
    """Each row is written as soon as it is known. At the end the table is put in order."""
    processes = min(order.processes or _cores(), len(grid))
    print(_about(grid, processes), file=sys.stderr)
    cells: dict[Place, Cell] = {}
    begun, why, status = time.monotonic(), "", 0
    try:
        file.write(header(grid))
        for place, cell in deal(grid, processes, order.all_steps):
            cells[place] = cell
            file.write(row(grid, cell))
            file.flush()
            _show(len(cells), len(grid), time.monotonic() - begun)
        file.seek(0)
        file.write(as_csv(grid, cells))
    except KeyboardInterrupt:
        why, status = "It was stopped", STOPPED
    except BrokenProcessPool:
        why, status = TOO_LITTLE, INCOMPLETE
    except Exception as error:  # such as too little memory, or a full disk: what is done is not lost
        why, status = f"There was an error ({type(error).__name__}: {error})", INCOMPLETE
    if sys.stderr.isatty():
        print(file=sys.stderr)
    _show_map(grid, cells)
    print(f"{order.to} has the table." + (f" {why}: {len(cells)} of {len(grid)} runs are done." if why else ""))
    return status


def _about(grid: Grid, processes: int) -> str:
    """What is trained, in a sentence."""
    standard = Settings(dataset=grid.settings.dataset)
    axes = [axis.name for axis in grid.axes]
    other = {name: new for name, (_, new) in standard.differences(grid.settings).items() if name not in axes}
    title = load_dataset(grid.settings.dataset).title
    named = [title, *(f"{name.replace('_', ' ')} {spell(value)}" for name, value in other.items())]
    return f"{len(grid)} runs of {grid.steps:,} steps each, {processes} at a time. {', '.join(named)}."


def _show(done: int, total: int, seconds: float) -> None:
    """The progress bar, if somebody looks at it."""
    if sys.stderr.isatty():
        full = WIDTH * done // total
        left = seconds / done * (total - done)
        bar = "█" * full + "░" * (WIDTH - full)
        print(f"\r{bar} {done} of {total} runs, about {left:.0f} s left  ", end="", file=sys.stderr, flush=True)


def _show_map(grid: Grid, cells: dict[Place, Cell]) -> None:
    """The map, if it fits the terminal and its letters."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # some terminals have no ∞
    text = as_text(grid, cells)
    *lines, _ = text.splitlines()
    if max(map(len, lines)) <= shutil.get_terminal_size((120, 24)).columns:
        print(text)
    else:
        print("The map is too wide for this terminal.")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
