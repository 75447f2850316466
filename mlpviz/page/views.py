"""The views of the page, and the switch between them."""

from __future__ import annotations

import streamlit as st

WATCH, LINE_BY_LINE, TEST_IMAGES, STABILITY = "Watch", "Line by line", "Test images", "Stability"
FIRST_LINE = "batch"  # the line of the script that is open at first
ADDRESSES = {WATCH: "watch", LINE_BY_LINE: "line-by-line", TEST_IMAGES: "test-images", STABILITY: "stability"}


def choose_view() -> str:
    """The view that the reader chose; at first that of the address."""
    if "view" not in st.session_state:
        wanted = st.query_params.get("view", "")
        st.session_state.view = next((view for view, name in ADDRESSES.items() if name == wanted), WATCH)
    view = st.segmented_control("View", list(ADDRESSES), key="view", required=True, label_visibility="collapsed")
    return str(view)


def view_params() -> dict[str, str]:
    """What of it stands in the address; nothing for the first view."""
    state = st.session_state
    view = state.get("view", WATCH)
    params = {"view": ADDRESSES[view]} if view != WATCH else {}
    if view == LINE_BY_LINE and state.get("line", FIRST_LINE) != FIRST_LINE:
        params["line"] = state.line
    return params
