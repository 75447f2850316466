"""The ways into a class, in the sidebar."""

from __future__ import annotations

import streamlit as st

from mlpviz.classroom.codes import spoken
from mlpviz.page.classroom.student import ask_for_code
from mlpviz.page.classroom.teacher import ask_for_secret, my_class
from mlpviz.page.controls import link_locks


def class_panel() -> None:
    """Join a class with its code, or open one with the teacher's secret."""
    if link_locks():
        return
    with st.expander("Class"):
        room = my_class()
        if room is not None:
            st.caption(f"You teach the class {spoken(room.code)}. It is in the view *Class*.")
        else:
            ask_for_code()
        with st.popover("For teachers", width="stretch"):
            ask_for_secret()
