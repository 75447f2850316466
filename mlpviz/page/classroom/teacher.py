"""How a teacher opens a class: with the secret that the server has printed."""

from __future__ import annotations

import streamlit as st

from mlpviz.catalog import default_dataset
from mlpviz.classroom.classroom import Classroom
from mlpviz.classroom.codes import RefusedError
from mlpviz.page import door, memory
from mlpviz.page.guard import safely
from mlpviz.page.views import ADDRESSES, CLASS
from mlpviz.settings import Settings

PARAMETER = "teach"  # of the address


def teach() -> None:
    """Open the class that the address asks for. The secret does not stay in the address."""
    secret = st.query_params.get(PARAMETER)
    if secret is not None:
        del st.query_params[PARAMETER]
        _open(secret)


def my_class() -> Classroom | None:
    """The class that this visitor leads."""
    return door.school().of_teacher(door.visitor())


def own_settings() -> None:
    """In the sidebar of a teacher: say whose settings these are."""
    if my_class() is not None:
        st.caption(
            "These settings change only your own run. To change the students’ runs, use *Lesson for all* or *Deal* in "
            "the view *Class*."
        )


def ask_for_secret() -> None:
    """The way to a class of one's own."""
    with st.form("class_secret", border=False):
        st.text_input(
            "Teacher’s secret",
            type="password",
            key=memory.CLASS_SECRET,
            help="The server prints it when it starts, unless MLPVIZ_TEACHER sets it. With it, you lead a class.",
        )
        st.text_input(
            "Code of a class to take over", key=memory.CLASS_TAKEN, max_chars=12, placeholder="Empty: a new one"
        )
        st.form_submit_button("Open a class", on_click=safely(_open_as_typed))


def _open_as_typed() -> None:
    _open(st.session_state.get(memory.CLASS_SECRET, ""), st.session_state.get(memory.CLASS_TAKEN, ""))


def _open(secret: str, code: str = "") -> None:
    settings = memory.SETTINGS.get() if memory.SETTINGS.known() else Settings(dataset=default_dataset())
    try:
        door.school().open(door.visitor(), secret, st.context.ip_address or "", settings, code)
    except RefusedError as error:
        memory.PROBLEM.set(str(error))
        return
    st.query_params["view"] = ADDRESSES[CLASS]
    if memory.VIEW in st.session_state:
        st.session_state[memory.VIEW] = CLASS
