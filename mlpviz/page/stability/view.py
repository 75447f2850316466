"""The view “Stability”, from top to bottom."""

from __future__ import annotations

import streamlit as st

from mlpviz.backend.questions import CurrentSnapshot
from mlpviz.page import memory
from mlpviz.page.board import board
from mlpviz.page.door import answer
from mlpviz.page.stability.coming import seeing_it_coming
from mlpviz.page.stability.two_runs import two_runs
from mlpviz.page.stability.what_happened import what_happened
from mlpviz.page.views import COMING, TWO_RUNS, WHAT_HAPPENED
from mlpviz.state import RunState

SECTIONS = {
    WHAT_HAPPENED: what_happened,
    COMING: seeing_it_coming,
    TWO_RUNS: two_runs,
}


def stability(run: RunState) -> None:
    """The headline of the run, then the section that the reader chose."""
    strip = st.container()
    snapshot = answer(run, CurrentSnapshot())
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        required=True,
        key=memory.STABILITY_SECTION,
        label_visibility="collapsed",
        persist_state="session",
    )
    if section != TWO_RUNS:  # that section shows the whole board
        with strip:
            board(run, key="strip", strip_only=True)
    SECTIONS[str(section)](run, snapshot)
