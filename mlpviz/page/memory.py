"""What the page remembers of a visit, in one register: the keys of `st.session_state`.

Some more keys are made by rule. The widgets of the settings have the names of their fields, those of the gallery's
filter begin with `filter_`, and what `computed` keeps begins with `computed_`. A widget whose value nobody else reads
keeps its key to itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import streamlit as st

Value = TypeVar("Value")


class Slot(Generic[Value]):
    """One thing that is remembered.

    Args:
        name: its key in the session's state.
        make: gives what it is at first.
    """

    def __init__(self, name: str, make: Callable[[], Value]) -> None:
        self.name = name
        self._make = make

    def get(self) -> Value:
        """What is remembered; at first, what `make` gives."""
        if self.name not in st.session_state:
            st.session_state[self.name] = self._make()
        return cast(Value, st.session_state[self.name])

    def set(self, value: Value) -> None:
        """Remember something else."""
        st.session_state[self.name] = value

    def take(self) -> Value:
        """What is remembered, for the last time."""
        value = self.get()
        self.forget()
        return value

    def forget(self) -> None:
        """Remember nothing: `get` gives the first value again."""
        st.session_state.pop(self.name, None)

    def known(self) -> bool:
        """Whether anything was remembered yet."""
        return self.name in st.session_state


@dataclass
class Visit:
    """The runs of a visit, by their ids.

    Attributes:
        run: the one on show. previous: the one that Undo goes back to.
    """

    run: str = ""
    previous: str = ""


VISIT = Slot("visit", Visit)
BRANCHED: Slot[tuple[str, int]] = Slot("branched", lambda: ("", 0))  # the latest branch, and where it began
OFFER = Slot("offer", str)  # the finished run for which more epochs are offered
TASKS: Slot[dict[str, str]] = Slot("tasks", dict)  # other tasks under way, by what they are
PINS: Slot[dict[str, str]] = Slot("pins", dict)  # by letter: the pin's id
OWN_PINS: Slot[list[str]] = Slot("pins_by_themselves", list)  # letters of pins that nobody asked for, oldest first
VISITOR = Slot("visitor", str)  # stands for the cookie where a browser takes none
READER = Slot("reader", lambda: secrets.token_urlsafe(9))  # stands for this tab
TROUBLES: Slot[int | None] = Slot("troubles", lambda: None)  # how many of the engine's errors need not be said any more

NOTES: Slot[list[str]] = Slot("notes", list)  # what making a task has cost, to be said once

# What went wrong in a callback, to be said once by the script run that follows
PROBLEM = Slot("problem", str)
PIN_PROBLEM = Slot("pin_problem", str)
TWIN_PROBLEM = Slot("twin_problem", str)

# Settings, and what an address or a lesson does to their controls
SETTINGS: Slot[Any] = Slot("settings", lambda: None)  # the last good ones: a `Settings`
ODD_VALUES: Slot[dict[str, set[float]]] = Slot("odd_values", dict)  # by field: values that are not on its slider
LESSON: Slot[str | None] = Slot("lesson", lambda: None)
LINK_LOCK = Slot("link_lock", str)
LINK_HIDE = Slot("link_hide", str)

# Where the reader is
LINE = Slot("line", str)  # the line of the script that is open
WALK: Slot[Any] = Slot(
    "walk", lambda: None
)  # the update that is taken apart: the run's id, the `Walk`, whether it is made
FILTER: Slot[Any] = Slot("filter", lambda: None)  # the gallery's, a `Filter`
SELECTION_ROUND = Slot("selection_round", int)  # part of the keys of what can be clicked to filter
CELL_BEFORE: Slot[tuple[int, int] | None] = Slot("cell_before", lambda: None)  # of the confusion matrix
ROW_BEFORE: Slot[list[int]] = Slot("row_before", list)  # of the table of scores
OPEN_IMAGE: Slot[int | None] = Slot("open_image", lambda: None)
HELD: Slot[Any] = Slot("held", lambda: None)  # a run's id, and its `Results` at which the reader stopped
OWN_PIXELS: Slot[str | None] = Slot("own_pixels", lambda: None)  # what is drawn, in base64

# Keys of widgets that other code reads or sets
VIEW = "view"
SECTION = "section"  # of “Line by line”
STABILITY_SECTION = "stability_section"
PART = "part"  # of “Test images”
WHAT_IF = "ablation"
LINE_WIDGET = "line_widget"
LESSON_CHOICE = "lesson_choice"
IMAGE = "image"  # of the mini-batch
PARAMETER = "parameter"
IMAGE_CLASS = "image_class"
FOLLOW = "follow"


def computed(name: str, key: object, make: Callable[[], Value]) -> Value:
    """What `make` gives, computed once for each key: with another key it is computed again."""
    slot: Slot[tuple[object, Value] | None] = Slot(f"computed_{name}", lambda: None)
    entry = slot.get()
    if entry is None or entry[0] != key:
        entry = (key, make())
        slot.set(entry)
    return entry[1]


def is_computed(name: str, key: object) -> bool:
    """Whether it is computed for that key."""
    entry = st.session_state.get(f"computed_{name}")
    return entry is not None and entry[0] == key


def forget_computed(prefix: str) -> None:
    """Compute whatever has such a name again next time."""
    for key in [str(key) for key in st.session_state if str(key).startswith(f"computed_{prefix}")]:
        del st.session_state[key]
