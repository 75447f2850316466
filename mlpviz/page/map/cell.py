"""What has become of one run of a map."""

from __future__ import annotations

import streamlit as st

from mlpviz.figures.map import cell_curve
from mlpviz.grid import Cell, Grid, Place
from mlpviz.page.controls import locked
from mlpviz.page.guard import safely
from mlpviz.page.map import actions
from mlpviz.page.plot import plot
from mlpviz.state import RunState

AROUND = 1  # cells on each side of a closer look at one cell


def show_cell(grid: Grid, place: Place, cell: Cell | None, run: RunState) -> None:
    """Its settings, its curve, and what can be done with it."""
    st.markdown(f"### {grid.words_at(place).capitalize()}")
    if cell is None:
        st.info("This run is not trained yet.")
        return
    plot(cell_curve(cell), key="cell_curve", height=240)
    changed = run.settings.differences(actions.long_enough(cell, run.settings.epochs))
    held = [name.replace("_", " ") for name in changed if locked(name)]
    does = f"Train this run again, to step {cell.step:,}. It makes the same steps, with exactly the same numbers."
    pauses = " If an alarm comes before that, it pauses there." if cell.is_ill else ""
    with st.container(horizontal=True):
        st.button(
            "Open as my run",
            key="map_open",
            type="primary",
            on_click=safely(actions.open_as_run),
            args=(cell, run),
            disabled=bool(held),
            help=f"This page holds {', '.join(held)}." if held else f"{does}{pauses} Undo brings your run back.",
        )
        closer(grid, _around(place[0], len(grid.x.values)), _around(place[1], grid.rows), "Train around this cell")
        st.button("How to read the map", key="map_reading", on_click=safely(actions.leave_cell))


def closer(grid: Grid, columns: tuple[int, int], rows: tuple[int, int], label: str) -> None:
    """A button for a map of a part of the map."""
    inner = grid.part(columns, rows)
    ends = (f"{axis.words} {axis.labels[0]} to {axis.labels[-1]}" for axis in inner.axes)
    st.button(
        label,
        key=f"map_closer_{label.split()[0]}",
        on_click=safely(actions.begin),
        args=(inner, True),
        disabled=inner.axes == grid.axes,
        help=f"A new map of {len(inner)} runs: {', '.join(ends)}.",
        icon=":material/zoom_in:",
    )


def _around(place: int, count: int) -> tuple[int, int]:
    return max(0, place - AROUND), min(count - 1, place + AROUND)
