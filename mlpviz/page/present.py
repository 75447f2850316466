"""Present: the page for a lecture hall. Large type, no sidebar, the lesson beside the figures."""

from __future__ import annotations

import streamlit as st

from mlpviz.page import memory
from mlpviz.page.guard import safely
from mlpviz.page.keys import shortcut, show_keys

KEY = "F"

# One rem is 24 px on a projector with 1280 × 720 pixels, and grows with the screen. All sizes on the page follow.
STYLE = """
<style>
html { font-size: 112% !important; }
@media (min-width: 900px) { html { font-size: max(125%, min(3.34vh, 1.88vw)) !important; } }
section[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] { display: none !important; }
.stMainBlockContainer { padding: 0.5rem 0.8rem 1rem; max-width: none; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.4rem; }
.mlpviz-title small { display: none; }
.st-key-head { gap: 0.35rem; }
.st-key-head .mlpviz-title { font-size: 1rem; }
.st-key-head button, .st-key-head button p { font-size: 0.8rem; letter-spacing: -0.01em; }
.st-key-head button, .st-key-start button { min-height: 1.8rem; min-width: 0; padding: 0.1rem 0.45rem; }
.st-key-start button { min-width: 4rem !important; }
.st-key-class_bar button { min-height: 1.8rem; min-width: 0; padding: 0.1rem 0.4rem; }
.st-key-class_bar button p, .st-key-class_bar label p { font-size: 0.75rem; }
.mlpviz-code { font-size: 0.8rem; }
.mlpviz-code b { font-size: 1.1rem; }
.st-key-class_one h2 { font-size: 1.2rem; }
.st-key-class_one button { min-height: 1.8rem; padding: 0.1rem 0.45rem; }
.st-key-class_one button p, .st-key-class_question button p { font-size: 0.8rem; }
.st-key-head button::after { display: none; }
.st-key-lesson { padding: 0.5rem 0.7rem; }
.st-key-lesson p, .st-key-lesson button p { font-size: 0.75rem; line-height: 1.3; margin-bottom: 0.15rem; }
.st-key-lesson .stVerticalBlock, .st-key-lesson [data-testid="stHorizontalBlock"] { gap: 0.25rem !important; }
@media (min-width: 900px) {
  .stMainBlockContainer > .stVerticalBlock:has(.st-key-lesson) {
    display: grid; grid-template-columns: 15rem minmax(0, 1fr); align-items: start; column-gap: 0.5rem; }
  .stMainBlockContainer > .stVerticalBlock:has(.st-key-lesson) > * { grid-column: 2; }
  .stMainBlockContainer > .stVerticalBlock:has(.st-key-lesson) > :has(.st-key-head) { grid-column: 1 / -1; }
  .stMainBlockContainer > .stVerticalBlock:has(.st-key-lesson) > :has(.st-key-lesson) { grid-column: 1;
    grid-row: span 9; position: sticky; top: 0.4rem; }
  .st-key-lesson { min-height: 0; max-height: calc(100vh - 3.3rem); overflow: auto; }
  .st-key-lesson [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .st-key-lesson [data-testid="stColumn"] { min-width: 100%; }
}
</style>
"""


def presenting() -> bool:
    """Whether the page is shown to a lecture hall; at first, what the address says."""
    if not memory.PRESENT.known():
        memory.PRESENT.set(st.query_params.get("present") == "1")
    return memory.PRESENT.get()


def present_button() -> None:
    """The button that turns it on and off."""
    show_keys({"present": KEY})
    on = presenting()
    st.button(
        "Leave" if on else "Present",
        key="present",
        on_click=safely(_toggle),
        shortcut=shortcut(KEY),
        help="Back to the page with its settings." if on else "Large type and no sidebar, for a lecture hall.",
    )


def present_style() -> None:
    """How the page looks while it is shown to a lecture hall."""
    st.html(STYLE if presenting() else "<style></style>")


def present_params() -> dict[str, str]:
    """The address parameter; none if it is off."""
    return {"present": "1"} if presenting() else {}


def _toggle() -> None:
    memory.PRESENT.set(not presenting())
