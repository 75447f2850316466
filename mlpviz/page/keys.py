"""Keyboard shortcuts, shown next to a button's name but not in it."""

from __future__ import annotations

import streamlit as st


def show_keys(keys: dict[str, str]) -> None:
    """Show each button's keyboard shortcut. Streamlit's own label would make it part of the button's name. In CSS, a
    screen reader gets the text after the slash, here nothing.

    Args:
        keys: widget key → keyboard shortcut.
    """
    look = "margin-left: 0.6rem; opacity: 0.6; font-size: 0.85rem;"
    rules = [f".st-key-{name} kbd {{ display: none; }}" for name in keys]
    rules += [f'.st-key-{name} button::after {{ content: "{key}" / ""; {look} }}' for name, key in keys.items()]
    st.html(f"<style>{' '.join(rules)}</style>")
