"""Links to share: one to the same experiment, and one to watch this run."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from mlpviz.lessons import FIELDS, GROUPS
from mlpviz.page import door
from mlpviz.page.board import board
from mlpviz.page.controls import current_lesson, experiment_params, hidden, speed_params
from mlpviz.page.film import film_button
from mlpviz.page.present import present_params
from mlpviz.settings import Settings
from mlpviz.state import RunState


def share(run: RunState, settings: Settings) -> None:
    """Two links and a link for a class, each with a button to copy it."""
    if hidden("share"):
        return
    page = (st.context.url or "").split("?")[0]
    with st.expander("Share", key="share", on_change="rerun") as expander:
        if not expander.open:  # the code's colours take 0.5 MB
            return
        if run.step:
            st.caption(
                "One file that plays this run in any modern browser, without a server. For a course page, or to keep:"
            )
            film_button(run, "share")
        st.caption("A link to this experiment. Each person trains their own run:")
        st.code(f"{page}?{urlencode(settings.to_params() | speed_params())}", language=None, wrap_lines=True)
        st.caption("A link to watch this run. It shows no controls:")
        st.code(f"{page}?{urlencode({'watch': run.token})}", language=None, wrap_lines=True)
        _for_a_class(page, settings)


def _for_a_class(page: str, settings: Settings) -> None:
    """A link that locks or hides controls, with the current lesson."""
    st.caption("A link for a class, with some controls locked or hidden:")
    fields = ["all", *GROUPS, *FIELDS]
    lock = st.multiselect(
        "Lock", fields, key="share_lock", placeholder="nothing", format_func=_words, persist_state="session"
    )
    hide = st.multiselect(
        "Hide", [*GROUPS, *FIELDS], key="share_hide", placeholder="nothing", format_func=_words, persist_state="session"
    )
    lesson = current_lesson()
    params = experiment_params(settings) | speed_params() | ({"lesson": lesson.name} if lesson else {})
    params |= {key: ",".join(chosen) for key, chosen in (("lock", lock), ("hide", hide)) if chosen}
    if lock or hide or lesson:
        st.code(f"{page}?{urlencode(params, safe=',')}", language=None, wrap_lines=True)


def _words(name: str) -> str:
    return f"{name}: the whole group" if name in GROUPS else name.replace("_", " ")


def watch(token: str) -> None:
    """The page for watchers: only the board."""
    task = door.look(token)
    if task is None:
        st.error("The run of this link no longer exists. Ask for a new link.")
        return
    board(task, controls=False)
    wanted = {"watch": token} | present_params()
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
