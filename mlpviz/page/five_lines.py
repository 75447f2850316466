"""The program behind the figures, as it runs."""

from __future__ import annotations

import inspect

import streamlit as st

from mlpviz.page.texts import TEXT
from mlpviz.trainer import train_step


def five_lines() -> None:
    """The five lines, from the source that trains, beside the mathematics that they carry out."""
    with st.expander("The five lines behind it"):
        code, mathematics = st.columns(2)
        code.code(inspect.getsource(train_step), language="python")
        mathematics.markdown((TEXT / "five_lines.md").read_text(encoding="utf-8"))
