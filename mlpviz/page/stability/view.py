"""The view, from top to bottom."""

from __future__ import annotations

import streamlit as st

from mlpviz.page.answers import wait_for_snapshot
from mlpviz.page.board import board
from mlpviz.page.stability.coming import seeing_it_coming
from mlpviz.page.stability.two_runs import two_runs
from mlpviz.page.stability.what_happened import what_happened
from mlpviz.page.views import COMING, TWO_RUNS, WHAT_HAPPENED
from mlpviz.run import Run

SECTIONS = {
    WHAT_HAPPENED: what_happened,
    COMING: seeing_it_coming,
    TWO_RUNS: two_runs,
}


def stability(run: Run, status: str) -> None:
    """The run's headline, and the section that the reader chose."""
    strip = st.container()
    wait_for_snapshot(run)
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        required=True,
        key="stability_section",
        label_visibility="collapsed",
        persist_state="session",
    )
    if section != TWO_RUNS:  # which has the whole board
        with strip:
            board(run, status, key="strip", strip_only=True)
    SECTIONS[str(section)](run, status)
