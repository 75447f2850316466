"""The view, from top to bottom."""

from __future__ import annotations

import streamlit as st

from mlpviz.page.board import board
from mlpviz.page.line_by_line.ablation import WHAT_IF, what_if
from mlpviz.page.line_by_line.script import downloads
from mlpviz.page.line_by_line.step_zero import step_zero
from mlpviz.page.line_by_line.update import one_step
from mlpviz.run import Run

SECTIONS = {
    "One step, taken apart": one_step,
    WHAT_IF: what_if,
    "Step 0": step_zero,
    "Take it with you": downloads,
}


def line_by_line(run: Run, status: str) -> None:
    """The run's headline, and the section that the reader chose."""
    board(run, status, key="strip", strip_only=True)
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        default="One step, taken apart",
        required=True,
        key="section",
        label_visibility="collapsed",
        persist_state="session",
    )
    SECTIONS[section](run, status)
