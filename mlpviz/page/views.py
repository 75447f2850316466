"""The views of the page, and the switch between them."""

from __future__ import annotations

import streamlit as st

WATCH, LINE_BY_LINE = "Watch", "Line by line"
ADDRESSES = {WATCH: "watch", LINE_BY_LINE: "line-by-line"}


def choose_view() -> str:
    """The view that the reader chose; at first that of the address."""
    if "view" not in st.session_state:
        wanted = st.query_params.get("view", "")
        st.session_state.view = next((view for view, name in ADDRESSES.items() if name == wanted), WATCH)
    view = st.segmented_control("View", list(ADDRESSES), key="view", required=True, label_visibility="collapsed")
    return str(view)


def view_params() -> dict[str, str]:
    """What of it stands in the address; nothing for the first view."""
    view = st.session_state.get("view", WATCH)
    return {"view": ADDRESSES[view]} if view != WATCH else {}
