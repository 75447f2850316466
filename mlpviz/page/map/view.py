"""The view “Map”, from top to bottom."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import streamlit as st

from mlpviz.backend.door import NotNowError
from mlpviz.backend.specifications import MapOf
from mlpviz.grid import Cell, Grid, Place
from mlpviz.page import door, memory
from mlpviz.page.board import Points, board
from mlpviz.page.guard import safely
from mlpviz.page.map import actions
from mlpviz.page.map.axes import choose_grid
from mlpviz.page.map.cell import closer, show_cell
from mlpviz.page.texts import TEXT
from mlpviz.page.words import plain
from mlpviz.settings import Settings
from mlpviz.snapshot import MapSnapshot, Status, TaskSnapshot
from mlpviz.state import RunState, SavedRun, TaskState
from mlpviz.sweep.table import as_csv

BUSY = (Status.TRAINING, Status.EXAMINING)  # then the reader sees the run, too


def settings_map(run: RunState, settings: Settings) -> None:
    """The map, the run that the reader has chosen in it, and the way to another map. `settings` are the sidebar's."""
    task = _current()
    with st.container(key="map_strip"):
        board(run, key="strip", strip_only=True)  # also where nobody sees it: the run stays on the server
    if task is not None and run.status not in BUSY:
        st.html("<style>.st-key-map_strip { display: none; }</style>")
    if problem := memory.MAP_PROBLEM.take():
        st.error(plain(problem))
    if task is None:
        st.markdown(_text("map"))
        with st.container(border=True):
            _new(settings)
    else:
        _map(task, run)
        with st.expander("Another map"):
            _new(settings, task.id)
    _saved()


def _current() -> TaskState | None:
    """The map of this visit; at first, the one in the address. If it can't be shown, the page says why."""
    maps = memory.MAPS.get()
    if not memory.MAP_NAMED.known():
        named = st.query_params.get("map", "")
        maps += [named] if named else []
        memory.MAP_NAMED.set(named)
    while maps:
        try:
            found = door.find_now(maps[-1])
        except NotNowError as error:
            st.warning(plain(f"Your map can’t come back now. {error} Then reload the page."))
            return None
        if found is not None and isinstance(found.specification, MapOf):
            return door.look(found.token)
        maps.pop()
        st.info("The map is no longer on the server, or it belongs to another visitor.")
    return None


def _new(settings: Settings, shown: str = "") -> None:
    grid = choose_grid(settings)
    if grid is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Train the map", key="map_begin", type="primary", on_click=safely(actions.begin), args=(grid, shown))
        st.caption(
            f"{len(grid)} runs of {grid.steps:,} steps: {len(grid) * grid.steps:,} steps. All other settings: as in "
            "the sidebar now."
        )


def _map(task: TaskState, run: RunState) -> None:
    grid = actions.grid_of(task)
    snapshot = door.task_snapshot(task)
    cells: Mapping[Place, Cell] = snapshot.cells if isinstance(snapshot, MapSnapshot) else {}
    place = _chosen(task)
    waits = place is not None and place not in cells
    with st.container(horizontal=True, vertical_alignment="center"):
        _controls(task, grid)
    with st.container(key="map_and_run"):
        left, right = st.columns([3, 2], gap="medium")
    with left:
        points = Points(
            len(grid.x.values),
            functools.partial(actions.choose, task),
            functools.partial(actions.choose_part, task),
            place,
        )
        board(task, key="map_board", evaluations=len(cells) if waits else None, points=points)
        if task.status == Status.TRAINING:
            st.caption("Keep this view open: the map pauses when you leave. It is slow while other runs train here.")
    with right:
        if place is None:
            st.markdown(_text("reading_a_map"))
        else:
            threads = snapshot.threads if isinstance(snapshot, MapSnapshot) else None
            show_cell(task, place, cells.get(place), run, threads)


def _controls(task: TaskState, grid: Grid) -> None:
    if task.status == Status.TRAINING:
        st.button("Pause the map", key="map_pause", on_click=safely(actions.pause), args=(task,))
    elif task.status == Status.PAUSED:
        st.button("Go on", key="map_go_on", type="primary", on_click=safely(actions.go_on), args=(task,))
    if len(memory.MAPS.get()) > 1:
        st.button("Back to the wider map", key="map_back", on_click=safely(actions.back), icon=":material/zoom_out:")
    st.download_button(
        "CSV",
        functools.partial(_csv, door.later_snapshot(task), grid),
        "mlpviz-map.csv",
        "text/csv",
        key="map_csv",
        icon=":material/download:",
        help="All runs that are done, with their settings and results.",
    )
    kept = "It stays in the list of saved maps." if door.saves() else "This server saves nothing, so it is lost."
    st.button("Close", key="map_close", on_click=safely(actions.close), help=f"Stop here. {kept}")
    part = memory.MAP_PART.get()
    if part is not None and part[0] == task.id:
        closer(task, part[1], part[2], "Train this part finer", key="map_train_part")


def _chosen(task: TaskState) -> Place | None:
    chosen = memory.MAP_PLACE.get()
    return (chosen[1], chosen[2]) if chosen is not None and chosen[0] == task.id else None


def _csv(fetch: Callable[[], TaskSnapshot | None], grid: Grid) -> bytes:
    """The table. Streamlit makes it in another thread, when the reader asks for it."""
    snapshot = fetch()
    return as_csv(grid, snapshot.cells if isinstance(snapshot, MapSnapshot) else {}).encode()


def _text(name: str) -> str:
    return (TEXT / f"{name}.md").read_text(encoding="utf-8")


def _saved() -> None:
    """The maps that are saved, and the way back from a deletion."""
    if memory.MAP_DELETED.get():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("The map is deleted.")
            st.button("Undo the deletion", key="map_undo", on_click=safely(actions.undo_delete))
    maps = door.saved_maps()
    if not maps:
        return
    with st.expander(f"Saved maps ({len(maps)})"):
        for saved in maps:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(_words(saved), width="stretch")
                st.button("Open", key=f"map_open_{saved.id}", on_click=safely(actions.open_saved), args=(saved,))
                st.button(
                    "Delete",
                    key=f"map_delete_{saved.id}",
                    on_click=safely(actions.delete),
                    args=(saved,),
                    disabled=saved.elsewhere,
                )


def _words(saved: SavedRun) -> str:
    made = datetime.fromtimestamp(saved.made_at, UTC)
    done = "" if saved.step >= saved.total_steps else f", {100 * saved.step // saved.total_steps} % done"
    return f"**{saved.map}**{done}. Made {made:%b} {made.day}, {made:%H:%M} UTC."
