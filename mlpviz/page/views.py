"""The views of the page, and the control that switches between them."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mlpviz.page import door, memory

WATCH, LINE_BY_LINE, TEST_IMAGES, STABILITY = "Watch", "Line by line", "Test images", "Stability"
MAP, RUNS, CLASS = "Map", "Runs", "Class"
WHOLE, HIDDEN_UNITS, OWN_IMAGE = "The whole test set", "Hidden units", "Your own image"  # the parts of Test images
FIRST_LINE = "batch"  # the line of the script that is open at first
WHAT_HAPPENED, COMING, TWO_RUNS = "What happened", "Seeing it coming", "Two runs"  # the sections of Stability
STABILITY_SECTIONS = {WHAT_HAPPENED: "what-happened", COMING: "seeing-it-coming", TWO_RUNS: "two-runs"}
ADDRESSES = {
    WATCH: "watch",
    LINE_BY_LINE: "line-by-line",
    TEST_IMAGES: "test-images",
    STABILITY: "stability",
    MAP: "map",
    RUNS: "runs",
    CLASS: "class",
}


def choose_view() -> str:
    """The view that the reader chose; at first, the one in the address."""
    if memory.VIEW not in st.session_state:
        section = st.query_params.get("section", "")
        st.session_state[memory.STABILITY_SECTION] = next(
            (name for name, spelt in STABILITY_SECTIONS.items() if spelt == section), WHAT_HAPPENED
        )
        st.session_state[memory.VIEW] = _view_in_address()
    elif _went_back():
        st.session_state[memory.VIEW] = _view_in_address()
    if st.session_state[memory.VIEW] not in _views():
        st.session_state[memory.VIEW] = WATCH
    view = st.segmented_control("View", _views(), key=memory.VIEW, required=True, label_visibility="collapsed")
    return str(view)


def _views() -> list[str]:
    """The views of this visitor. Only a teacher has a class."""
    teaches = door.school().of_teacher(door.visitor()) is not None
    return [view for view in ADDRESSES if view != CLASS or teaches]


def _went_back() -> bool:
    """Whether the reader has pressed Back or Forward in the browser."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _view_in_address() -> str:
    wanted = st.query_params.get("view", "")
    return next((view for view, name in ADDRESSES.items() if name == wanted), WATCH)


def view_params() -> dict[str, str]:
    """The address parameters for the view; none for the first view."""
    state = st.session_state
    view = state.get(memory.VIEW, WATCH)
    params = {"view": ADDRESSES[view]} if view != WATCH else {}
    line = memory.LINE.get() or FIRST_LINE
    if view == LINE_BY_LINE and line != FIRST_LINE:
        params["line"] = line
    maps = memory.MAPS.get()
    if view == MAP and maps:
        params["map"] = maps[-1]
    section = state.get(memory.STABILITY_SECTION, WHAT_HAPPENED)
    if view == STABILITY and section != WHAT_HAPPENED:
        params["section"] = STABILITY_SECTIONS[section]
    return params
