"""The script as lines to open, and the mathematics of each."""

from __future__ import annotations

import textwrap
from functools import cache

import streamlit as st

from mlpviz.line_by_line.script import Part, parts
from mlpviz.page import memory
from mlpviz.page.guard import safely
from mlpviz.page.texts import TEXT
from mlpviz.page.views import FIRST_LINE
from mlpviz.state import RunState

SPACE = "\u2003"  # Markdown removes ordinary spaces at the start of a line


@cache
def texts() -> dict[str, str]:
    """The explanation of each part of the script, by its key."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((TEXT / "lines").glob("*.md"))}


def listing(run: RunState) -> str:
    """Show the lines to choose from. Returns the key of the open one."""
    lines = {part.key: part for part in run_parts(run) if part.key}
    if not memory.LINE.known():
        memory.LINE.set(st.query_params.get("line", FIRST_LINE))
    if memory.LINE.get() not in lines:
        memory.LINE.set(FIRST_LINE)
    st.session_state[memory.LINE_WIDGET] = memory.LINE.get()
    st.radio(
        "Line",
        list(lines),
        format_func=lambda key: _label(lines[key]),
        key=memory.LINE_WIDGET,
        on_change=safely(lambda: memory.LINE.set(st.session_state[memory.LINE_WIDGET])),
        label_visibility="collapsed",
    )
    return memory.LINE.get()


def run_parts(run: RunState) -> list[Part]:
    """The script for the run's current settings."""
    return parts(run.settings, run.threads, run.device)


def code_of(run: RunState, key: str) -> str:
    """All lines of a part, without the indentation that they share."""
    return textwrap.dedent(next(part.code for part in run_parts(run) if part.key == key).strip("\n"))


def _label(part: Part) -> str:
    return f"{SPACE * part.depth()}`{part.line()}`"
