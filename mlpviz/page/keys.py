"""Keyboard shortcuts, shown without a trace in a button's name."""

from __future__ import annotations

import streamlit as st


def show_keys(keys: dict[str, str]) -> None:
    """Show each button's key without making it part of the button's name, as Streamlit's own label for it would be: in
    CSS, the text behind the slash is what a screen reader gets.

    Args:
        keys: by the widget's key.
    """
    look = "margin-left: 0.6rem; opacity: 0.6; font-size: 0.85rem;"
    rules = [f".st-key-{name} kbd {{ display: none; }}" for name in keys]
    rules += [f'.st-key-{name} button::after {{ content: "{key}" / ""; {look} }}' for name, key in keys.items()]
    st.html(f"<style>{' '.join(rules)}</style>")
