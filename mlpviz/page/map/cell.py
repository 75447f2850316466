"""What has become of one run of a map."""

from __future__ import annotations

import streamlit as st

from mlpviz.figures.map import cell_curve
from mlpviz.grid import Cell, Place
from mlpviz.page.controls import locked
from mlpviz.page.guard import safely
from mlpviz.page.map import actions
from mlpviz.page.plot import plot
from mlpviz.state import RunState, TaskState

AROUND = 1  # cells on each side of a closer look at one cell


def show_cell(task: TaskState, place: Place, cell: Cell | None, run: RunState, threads: int | None) -> None:
    """Its settings, its curve, and what can be done with it. `threads`: those of PyTorch that trained it."""
    grid = actions.grid_of(task)
    st.markdown(f"### {grid.words_at(place).capitalize()}")
    if cell is None:
        st.info("This run is not trained yet.")
        return
    plot(cell_curve(cell), key="cell_curve", height=240)
    changed = run.settings.differences(actions.long_enough(cell, run.settings.epochs))
    held = [name.replace("_", " ") for name in changed if locked(name)]
    does = f"Train this run again, to step {cell.step:,}. It makes the same steps, with exactly the same numbers."
    pauses = "If an alarm comes before that, it pauses there. Undo brings your run back, if it has made a step."
    with st.container(horizontal=True):
        st.button(
            "Open as my run",
            key="map_open",
            type="primary",
            on_click=safely(actions.open_as_run),
            args=(cell, run, threads),
            disabled=bool(held),
            help=f"This page holds {', '.join(held)}." if held else f"{does} {pauses}",
        )
        columns, rows = _around(place[0], len(grid.x.values)), _around(place[1], grid.rows)
        closer(task, columns, rows, "Train around this cell", key="map_train_around")
        st.button("How to read the map", key="map_reading", on_click=safely(actions.leave_cell))


def closer(task: TaskState, columns: tuple[int, int], rows: tuple[int, int], label: str, key: str) -> None:
    """A button for a map of a part of the map."""
    grid = actions.grid_of(task)
    inner = grid.part(columns, rows)
    ends = (f"{axis.words} {axis.labels[0]} to {axis.labels[-1]}" for axis in inner.axes)
    st.button(
        label,
        key=key,
        on_click=safely(actions.begin),
        args=(inner, task.id, True),
        disabled=inner.axes == grid.axes,
        help=f"A new map of {len(inner)} runs: {', '.join(ends)}.",
        icon=":material/zoom_in:",
    )


def _around(place: int, count: int) -> tuple[int, int]:
    return max(0, place - AROUND), min(count - 1, place + AROUND)
