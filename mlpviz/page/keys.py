"""Keyboard shortcuts: shown next to a button's name but not in it, and a switch that turns them off."""

from __future__ import annotations

import streamlit as st

from mlpviz.page import memory


def show_keys(keys: dict[str, str]) -> None:
    """Show each button's keyboard shortcut. Streamlit's own label would make it part of the button's name. In CSS, a
    screen reader gets the text after the slash, here nothing.

    Args:
        keys: widget key → keyboard shortcut.
    """
    look = "margin-left: 0.6rem; opacity: 0.6; font-size: 0.85rem;"
    rules = [f".st-key-{name} kbd {{ display: none; }}" for name in keys]
    if keys_on():
        rules += [f'.st-key-{name} button::after {{ content: "{key}" / ""; {look} }}' for name, key in keys.items()]
    st.html(f"<style>{' '.join(rules)}</style>")


def keys_on() -> bool:
    """Whether shortcuts act. Somebody who speaks to the computer, or who needs the keys for other things, can turn them
    off."""
    return bool(st.session_state.get(memory.KEYS, True))


def shortcut(key: str) -> str | None:
    """The shortcut for a button; None if shortcuts are off."""
    return key if keys_on() else None


def choose_keys() -> None:
    """The switch, in the sidebar."""
    st.toggle(
        "Keyboard shortcuts",
        value=True,
        key=memory.KEYS,
        persist_state="session",
        help="P: start and pause. S: one step. E: to the end of the epoch. 0: reset. U: undo. "
        "Comma: slower. Full stop: faster. J, K, L: back, play and on, in the film of a run that rests. "
        "F: large type for a lecture hall.",
    )
