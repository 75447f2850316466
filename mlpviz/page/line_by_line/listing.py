"""The script as lines that can be opened, and what each says in the mathematics."""

from __future__ import annotations

import textwrap
from functools import cache

import streamlit as st

from mlpviz.line_by_line.script import Part, parts
from mlpviz.page.texts import TEXT
from mlpviz.page.views import FIRST_LINE
from mlpviz.run import Run

SPACE = "\u2003"  # Markdown would eat spaces at the beginning of a line


@cache
def texts() -> dict[str, str]:
    """The explanation of each part of the script, by its key."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((TEXT / "lines").glob("*.md"))}


def listing(run: Run) -> str:
    """The lines to choose from; gives the key of the one that is open."""
    lines = {part.key: part for part in run_parts(run) if part.key}
    state = st.session_state
    if state.setdefault("line", st.query_params.get("line", FIRST_LINE)) not in lines:
        state.line = FIRST_LINE
    state.line_widget = state.line
    st.radio(
        "Line",
        list(lines),
        format_func=lambda key: _label(lines[key]),
        key="line_widget",
        on_change=lambda: state.update(line=state.line_widget),
        label_visibility="collapsed",
    )
    return str(state.line)


def run_parts(run: Run) -> list[Part]:
    """The script of the run as it stands."""
    snapshot = run.snapshot
    return parts(run.settings, snapshot.threads if snapshot else 1, run.trainer.device.type)


def code_of(run: Run, key: str) -> str:
    """All lines of a part, as they stand when it stands alone."""
    return textwrap.dedent(next(part.code for part in run_parts(run) if part.key == key).strip("\n"))


def _label(part: Part) -> str:
    return f"{SPACE * part.depth()}`{part.line()}`"
