"""The page's frame: its name, its width, its margins."""

from __future__ import annotations

import streamlit as st

# Streamlit leaves 6 rem above the page; a class needs the room for figures.
STYLE = """
<style>
.stMainBlockContainer { padding: 1.1rem 1.5rem 2rem; max-width: 1700px; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.6rem; }
.stAppHeader { background: transparent; height: 2rem; min-height: 2rem; }
.mlpviz-title { font-size: 1.5rem; font-weight: 700; line-height: 1.2; margin: 0; white-space: nowrap; }
.mlpviz-title small { font-size: 0.9rem; font-weight: 400; opacity: 0.75; margin-left: 0.6rem; }
section[data-testid="stSidebar"] .stVerticalBlock { gap: 0.7rem; }
div[data-testid="stSidebarHeader"] { height: 2rem; padding-bottom: 0; margin-bottom: 0; }
</style>
"""


def frame() -> None:
    st.set_page_config(page_title="mlpviz: watch a neural network learn", page_icon="👕", layout="wide")
    st.html(STYLE)


def title() -> None:
    st.html('<h1 class="mlpviz-title">mlpviz<small>watch a neural network learn</small></h1>', width="stretch")
