"""What can be done with maps. All of these are callbacks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from mlpviz.backend.commands import Pause, Start, TrainTo
from mlpviz.backend.door import NotNowError
from mlpviz.backend.specifications import MapOf
from mlpviz.grid import Axis, Cell, Grid
from mlpviz.page import door, memory
from mlpviz.page.fields import fill
from mlpviz.page.views import WATCH
from mlpviz.page.visit import current_run_or_none, replace_run
from mlpviz.settings import BOUNDS, Settings
from mlpviz.state import RunState, SavedRun, TaskState

FAILED = "That did not work, because the file of saved runs can’t be written now. Nothing was changed."


def grid_of(task: TaskState) -> Grid:
    """The grid of a map."""
    assert isinstance(task.specification, MapOf)
    return task.specification.grid


def begin(grid: Grid, shown: str = "", inside: bool = False) -> None:
    """Train a new map. `shown` is the id of the map for which the button was drawn: a second click on the same button
    does nothing. With `inside`, the new map is a closer look at that one, and one can go back."""
    maps = memory.MAPS.get()
    before = list(maps)
    if before[-1:] != [shown] * bool(shown):
        return
    memory.MAP_PART.set(None)
    try:
        maps[:] = [*(maps if inside else ()), door.create(MapOf(grid)).id]
    except door.RefusedError as error:
        memory.MAP_PROBLEM.set(str(error))
        return
    if inside:
        _pause(before[-1])
    else:
        _put_away(before)


def go_on(task: TaskState) -> None:
    """Train the rest of the map."""
    door.tell(task, Start())


def pause(task: TaskState) -> None:
    """Train no further for now."""
    door.tell(task, Pause())


def back() -> None:
    """From a closer look, return to the map before it."""
    maps = memory.MAPS.get()
    memory.MAP_PART.set(None)
    if len(maps) > 1:
        _pause(maps.pop())


def close() -> None:
    """Put the map away. If it is saved, it can be opened again."""
    maps = memory.MAPS.get()
    memory.MAP_PART.set(None)
    before = list(maps)
    maps.clear()
    _put_away(before)


def open_saved(saved: SavedRun) -> None:
    """Show a saved map."""
    maps = memory.MAPS.get()
    memory.MAP_PART.set(None)
    try:
        found = door.find_now(saved.id)
    except NotNowError as error:
        memory.MAP_PROBLEM.set(f"This map can’t be opened now. {error}")
        return
    if found is not None:
        before = [task for task in maps if task != found.id]
        maps[:] = [found.id]
        _put_away(before)


def delete(saved: SavedRun) -> None:
    """Delete a saved map. For an hour this can be undone."""
    maps = memory.MAPS.get()
    if not door.delete_saved(saved.id):
        memory.MAP_PROBLEM.set(FAILED)
        return
    memory.MAP_DELETED.set(saved.id)
    if saved.id in maps:
        maps.remove(saved.id)


def undo_delete() -> None:
    """Bring back the map that was deleted last."""
    if door.delete_saved(memory.MAP_DELETED.get(), deleted=False):
        memory.MAP_DELETED.forget()
    else:
        memory.MAP_PROBLEM.set(FAILED)


def choose(task: TaskState, x: float, y: float) -> None:
    """Show what has become of a cell. What is no cell is ignored: the figure may have been that of another map."""
    if (int(x), int(y)) in grid_of(task).places():
        memory.MAP_PLACE.set((task.id, int(x), int(y)))


def leave_cell() -> None:
    """Show no cell."""
    memory.MAP_PLACE.set(None)


def choose_part(task: TaskState, *corners: float) -> None:
    """Remember which part of the map is in sight; nothing if it is all of it."""
    if not corners:
        memory.MAP_PART.set(None)
        return
    grid = grid_of(task)
    x0, x1, y0, y1 = corners
    columns, rows = _places(x0, x1, grid.x), _places(y0, y1, grid.y)
    whole = columns == (0, len(grid.x.values) - 1) and rows == (0, grid.rows - 1)
    memory.MAP_PART.set(None if whole else (task.id, columns, rows))


def forget_part() -> None:
    """The reader has left the map: when it is drawn again, all of it is in sight."""
    memory.MAP_PART.set(None)


def _places(first: float, last: float, axis: Axis | None) -> tuple[int, int]:
    """The cells around these two ends of an axis; of what has nothing in between, the cells inside."""
    low, high = sorted((first, last))
    end = len(axis.values) - 1 if axis is not None else 0
    if axis is not None and axis.name not in BOUNDS:
        low, high = round(low), round(high)
    return max(0, min(end, math.floor(low))), max(0, min(end, math.ceil(high)))


def open_as_run(cell: Cell, run: RunState, threads: int | None = None) -> None:
    """Show the very run of that cell: train it again up to the same step, with the same number of PyTorch's threads.
    Undo brings back the run before."""
    settings = long_enough(cell, run.settings.epochs)
    replace_run(settings, run, threads)
    new = current_run_or_none()
    if new is None or new.id == run.id or new.settings != settings:
        return
    fill(settings)
    door.tell(new, TrainTo(cell.step))
    st.session_state[memory.VIEW] = WATCH


def long_enough(cell: Cell, epochs: int) -> Settings:
    """The settings of the cell, with so many epochs or as many as its steps need."""
    per_epoch = math.ceil(cell.settings.images / cell.settings.batch_size)
    needed = math.ceil(cell.total_steps / per_epoch)
    return cell.settings.replace(epochs=min(int(BOUNDS["epochs"][1]), max(epochs, needed)))


def _put_away(maps: Sequence[str]) -> None:
    for task in maps:
        door.put_away(task)


def _pause(task_id: str) -> None:
    task = door.find(task_id)
    if task is not None:
        door.tell(task, Pause())
