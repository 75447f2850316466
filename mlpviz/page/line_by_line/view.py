"""The view, from top to bottom."""

from __future__ import annotations

import streamlit as st

from mlpviz.page import memory
from mlpviz.page.board import board
from mlpviz.page.line_by_line.ablation import SECTION as WHAT_IF
from mlpviz.page.line_by_line.ablation import what_if_section
from mlpviz.page.line_by_line.script import downloads
from mlpviz.page.line_by_line.step_zero import step_zero
from mlpviz.page.line_by_line.update import one_step
from mlpviz.state import RunState

SECTIONS = {
    "One step, taken apart": one_step,
    WHAT_IF: what_if_section,
    "Step 0": step_zero,
    "Take it with you": downloads,
}


def line_by_line(run: RunState) -> None:
    """The run's headline and the chosen section."""
    board(run, key="strip", strip_only=True)
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        default="One step, taken apart",
        required=True,
        key=memory.SECTION,
        label_visibility="collapsed",
        persist_state="session",
    )
    SECTIONS[section](run)
