"""The page's frame: its name, its width, its margins."""

from __future__ import annotations

import streamlit as st

from mlpviz.figures.palette import FOR_STYLES
from mlpviz.live.routes import BOARD

# Streamlit leaves 6 rem above the page. We need this space for figures.
STYLE = """
<style>
/* Streamlit sets a size in px. The reader's own choice, in the browser, comes first. */
html { font-size: 100% !important; }
.stMainBlockContainer { padding: 1.1rem 1.5rem 2rem; max-width: 150rem; }
[data-testid="stMarkdownContainer"] :is(p, li) { max-width: 85ch; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.6rem; }
.stAppHeader { background: transparent; height: 2rem; min-height: 2rem; }
.mlpviz-title { font-size: 1.5rem; font-weight: 700; line-height: 1.2; margin: 0; white-space: nowrap; }
.mlpviz-title small { font-size: 0.9rem; font-weight: 400; opacity: 0.75; margin-left: 0.6rem; }
.st-key-start button { min-width: 4.7rem; }
[data-testid="stHeading"] h2 { font-size: 1.5rem; padding: 0.5rem 0 1rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-messages) { position: absolute; }
.st-key-lesson { padding: 0.5rem 0.9rem 0.8rem; }
@media (min-width: 1121px) { .st-key-lesson { min-height: 13.8rem; } }
.st-key-lesson .stVerticalBlock { gap: 0.35rem; }
.st-key-lesson p { font-size: 0.9rem; line-height: 1.4; margin-bottom: 0.3rem; }
.st-key-lesson [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-lesson [role="radiogroup"] { gap: 0 1rem; }
.st-key-lesson [role="radiogroup"] label { padding: 0.15rem 0; min-height: 0; }
.st-key-lesson button { min-height: 2rem; padding-block: 0.1rem; }
@media (min-width: 641px) and (max-width: 1120px) {
  .st-key-head { gap: 0.25rem; }
  .st-key-head .stElementContainer:has(.mlpviz-title) { position: absolute; width: 1px; clip-path: inset(50%); }
  .st-key-head button, .st-key-head button p { font-size: 0.8rem; letter-spacing: -0.02em; }
  .st-key-head button, .st-key-start button { min-height: 2rem; min-width: 0; padding: 0.15rem 0.3rem; }
  .st-key-lesson { min-height: 12rem; max-height: 12rem; overflow: auto; }
}
@media (max-width: 900px) {
  .st-key-lesson [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .st-key-lesson [data-testid="stColumn"] { min-width: 100%; }
}
.st-key-messages { position: fixed; right: 1.5rem; bottom: 1rem; z-index: 999; width: min(38rem, calc(100vw - 2rem));
  max-height: 60vh; overflow: auto; background: Canvas; border-radius: 0.5rem;
  box-shadow: 0 6px 24px rgb(0 0 0 / 25%); }
.stSlider [data-orientation] p, button[data-selected="true"] p { color: CanvasText; }
button[data-selected="true"] p { font-weight: 600; }
@media (max-width: 640px) {
  .st-key-head { gap: 0.5rem; }
  .st-key-start button { min-width: 3.6rem; }
}
@media (max-width: 1600px) { .mlpviz-title small { display: none; } }
[data-testid="stMain"] [data-testid="stElementToolbar"]:has(~ [data-testid="stDataFrame"]),
[data-testid="stMain"] .stDataFrame [data-testid="stElementToolbar"] { display: none; }
@media (max-width: 1640px) {
  .st-key-head button { padding-inline: 0.6rem; }
  .st-key-head button::after { display: none; }
}
@media (max-width: 1360px) {
  .st-key-head { gap: 0.45rem; }
  .st-key-head button { padding-inline: 0.45rem; }
}
@media (max-width: 1400px) {
  [class*="st-key-stack_"] [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  [class*="st-key-stack_"] [data-testid="stColumn"] { min-width: 100%; }
  .st-key-line_widget p code { font-size: 0.7rem; letter-spacing: -0.02em; }
}
.st-key-class_bar { gap: 0.4rem !important; }
.st-key-class_bar button { padding-inline: 0.6rem; }
.st-key-class_bar button p, .st-key-class_bar label p { font-size: 0.9rem; }
.mlpviz-code { font-size: 1.1rem; margin: 0; white-space: nowrap; }
.mlpviz-code b { font-size: 1.4rem; letter-spacing: 0.06em; margin-left: 0.2rem; }
.mlpviz-invitation { align-items: center; display: flex; flex-wrap: wrap; gap: 1.5rem; }
.mlpviz-invitation img { border-radius: 0.5rem; width: min(22rem, 45vh, 80vw); }
.mlpviz-invitation p { font-size: 1.5rem; line-height: 1.3; margin: 0; }
.mlpviz-invitation .address { font-size: min(2.6rem, 5vw); font-weight: 600; overflow-wrap: anywhere; }
.mlpviz-invitation .code { font-size: min(5.5rem, 14vw); font-weight: 700; letter-spacing: 0.06em; line-height: 1.1; }
.st-key-class_one h2 { font-size: 1.5rem !important; padding: 0 !important; }
.st-key-map_and_run h3 { font-size: 1.2rem; padding: 0.3rem 0; }
@media (max-width: 1000px) {
  .st-key-map_and_run [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .st-key-map_and_run [data-testid="stColumn"] { min-width: 100%; }
}
.mlpviz-numbers { container-type: inline-size; line-height: 1; max-width: 520px; }
.mlpviz-numbers div { display: grid; font-size: 1.75cqw; grid-template-columns: repeat(28, minmax(0, 1fr)); }
.mlpviz-numbers i { aspect-ratio: 1; overflow: hidden; display: grid; place-items: center; font-style: normal;
  background: rgb(var(--g) var(--g) var(--g)); color: hsl(0 0% clamp(15%, calc((128 - var(--g)) * 99%), 85%)); }
.mlpviz-stages { display: grid; grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); gap: 12px; }
.mlpviz-batch { display: grid; grid-template-columns: repeat(auto-fill, minmax(72px, 1fr)); gap: 8px; }
.st-key-line_widget, .st-key-line_widget > div { width: 100%; }
.st-key-line_widget div, .st-key-line_widget label, .st-key-line_widget p { min-width: 0; max-width: 100%; }
.st-key-line_widget p { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.st-key-line_widget code { font-size: 0.82rem; background: none; padding: 0; white-space: nowrap; }
section[data-testid="stSidebar"] .stVerticalBlock { gap: 0.7rem; }
@media (forced-colors: active) {
  .stSlider [data-orientation], .stCheckbox label > :first-child, .stRadio label > :first-child {
    forced-color-adjust: none; }
  .stSlider [data-orientation] p { forced-color-adjust: auto; }
}
@media print {
  @page { margin: 10mm; }
  :root, .stApp, .stApp :is(p, h1, h2, h3, label, span, td, th) { color: #10151e !important; }
  .stApp, .stMain { background: #fff !important; }
  .stApp, .stApp > div, .stMain, .stAppViewContainer { position: static !important; height: auto !important;
    overflow: visible !important; display: block !important; }
  section[data-testid="stSidebar"], .stAppHeader, .stButton, .stExpander, .stButtonGroup,
  .st-key-messages { display: none !important; }
  .stMainBlockContainer { padding: 0; }
  .stElementContainer { break-inside: avoid; }
  .stElementContainer:has(.board) { break-inside: auto; }
}
div[data-testid="stSidebarHeader"] { height: 2rem; padding-bottom: 0; margin-bottom: 0; }
</style>
"""

#: Of the figures in all views, once. The board's own styles come after it.
CARDS = "\n".join((BOARD / f"{name}.css").read_text(encoding="utf-8") for name in ("card", "print"))


def frame() -> None:
    st.set_page_config(page_title="mlpviz: watch a neural network learn", page_icon="👕", layout="wide")
    st.html(STYLE)
    st.html(f"<style>{CARDS}</style>")
    st.html(f"<style>:root {{ {' '.join(f'{name}: {color};' for name, color in FOR_STYLES.items())} }}</style>")


def title() -> None:
    st.html('<h1 class="mlpviz-title">mlpviz<small>watch a neural network learn</small></h1>', width="stretch")
