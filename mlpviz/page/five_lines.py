"""The code that trains, shown to the reader."""

from __future__ import annotations

import streamlit as st

from mlpviz.line_by_line.script import training_source
from mlpviz.page.texts import TEXT


def five_lines() -> None:
    """The five lines, taken from the source code that trains, beside their mathematics."""
    with st.expander("The five lines behind it", key="five_lines", on_change="rerun") as expander:
        if not expander.open:  # the code's colours take 0.5 MB
            return
        code, mathematics = st.columns(2)
        code.code(training_source(), language="python")
        mathematics.markdown((TEXT / "five_lines.md").read_text(encoding="utf-8"))
