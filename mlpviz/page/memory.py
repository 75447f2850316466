"""Everything that the page remembers during a visit, in one list: the keys of `st.session_state`.

Some other keys follow a rule. The widgets of the settings have the names of their fields. The keys of the gallery's
filter begin with `filter_`, and those of `computed` with `computed_`. A widget's key is not listed here if no other
code reads its value.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import streamlit as st

Value = TypeVar("Value")


class Slot(Generic[Value]):
    """One remembered value.

    Args:
        name: its key in the session's state.
        make: makes the first value.
    """

    def __init__(self, name: str, make: Callable[[], Value]) -> None:
        self.name = name
        self._make = make

    def get(self) -> Value:
        """The value; at first, the result of `make`."""
        if self.name not in st.session_state:
            st.session_state[self.name] = self._make()
        return cast(Value, st.session_state[self.name])

    def set(self, value: Value) -> None:
        """Set the value."""
        st.session_state[self.name] = value

    def take(self) -> Value:
        """Return the value and forget it."""
        value = self.get()
        self.forget()
        return value

    def forget(self) -> None:
        """Forget the value: `get` makes the first value again."""
        st.session_state.pop(self.name, None)

    def known(self) -> bool:
        """Whether there is a value yet."""
        return self.name in st.session_state


@dataclass
class Visit:
    """The runs of a visit, by their ids.

    Attributes:
        run: the one that the page shows. previous: the one that Undo returns to.
    """

    run: str = ""
    previous: str = ""


VISIT = Slot("visit", Visit)
BRANCHED: Slot[tuple[str, int]] = Slot("branched", lambda: ("", 0))  # the latest branch, and the step where it began
TASKS: Slot[dict[str, str]] = Slot("tasks", dict)  # other tasks at work: name → id
PINS: Slot[dict[str, str]] = Slot("pins", dict)  # letter → the pin's id
OWN_PINS: Slot[list[str]] = Slot("pins_by_themselves", list)  # letters of automatic pins, oldest first
VISITOR = Slot("visitor", str)  # replaces the cookie if the browser accepts none
READER = Slot("reader", lambda: secrets.token_urlsafe(9))  # the id of this tab
TROUBLES: Slot[int | None] = Slot("troubles", lambda: None)  # how many of the engine's errors are already reported

ASKED_AGAIN = Slot("asked_again", bool)  # whether the page is about to ask again for a run that can't come back now
REMEMBERED = Slot("remembered", str)  # what was kept of this visit last, as text
STORE_TROUBLE = Slot("store_trouble", str)  # the latest sentence about saving that was shown

NOTES: Slot[list[str]] = Slot("notes", list)  # which runs were removed for a new task; shown once

# The map
MAPS: Slot[list[str]] = Slot("maps", list)  # ids: each map is a closer look at the one before it
MAP_PLACE: Slot[tuple[str, int, int] | None] = Slot("map_place", lambda: None)  # a map's id, column, row
MAP_PART: Slot[Any] = Slot("map_part", lambda: None)  # a map's id, and the ends of the columns and rows in sight
MAP_PROBLEM = Slot("map_problem", str)
MAP_NAMED = Slot("map_named", str)  # the id in the address at the first script run
MAP_DELETED = Slot("map_deleted", str)  # the saved map that was deleted last, for an undo

# The class
CLASS_ROUND: Slot[tuple[str, int]] = Slot("class_round", lambda: ("", 0))  # a code, and which of its runs is shown
CLASS_PROBLEM = Slot("class_problem", str)
CLASS_SHOWN = Slot("class_shown_member", str)  # the id of the student whose run the teacher shows

# Errors in callbacks; the next script run shows each once
PROBLEM = Slot("problem", str)
FIELD_PROBLEM: Slot[tuple[str, str] | None] = Slot("field_problem", lambda: None)  # of a setting; kept while it lasts
PIN_PROBLEM = Slot("pin_problem", str)
TWIN_PROBLEM = Slot("twin_problem", str)

OPENED = Slot("opened", str)  # the run that was opened last from the list of runs
DELETED: Slot[list[str]] = Slot("deleted", list)  # the saved runs that were deleted last, for an undo

# Settings, and how an address or a lesson changes their controls
SETTINGS: Slot[Any] = Slot("settings", lambda: None)  # the last valid ones: a `Settings`
FILLED: Slot[tuple[int, dict[str, Any]]] = Slot("filled", lambda: (0, {}))  # how often, and the values before
ODD_VALUES: Slot[dict[str, set[float]]] = Slot("odd_values", dict)  # field → values that are not on its slider
LESSON: Slot[str | None] = Slot("lesson", lambda: None)
SPEED: Slot[str | None] = Slot("speed", lambda: None)  # the one that the reader or the address chose
EXAMPLES: Slot[tuple[str, Any]] = Slot("examples", lambda: ("", None))  # a dataset, and the `Examples` chosen from it
EXAMPLES_OF = Slot("examples_of", str)  # the run that has got them
LINK_LOCK = Slot("link_lock", str)
LINK_HIDE = Slot("link_hide", str)

# What the reader looks at
PRESENT = Slot("present_mode", bool)  # whether the page is shown to a lecture hall
LINE = Slot("line", str)  # the line of the script that is open
WALK: Slot[Any] = Slot(
    "walk", lambda: None
)  # the update that is taken apart: the run's id, the `Walk`, whether the run has made it
FILTER: Slot[Any] = Slot("filter", lambda: None)  # the gallery's, a `Filter`
SELECTION_ROUND = Slot("selection_round", int)  # part of the keys of everything that filters by a click
BRINGS = Slot("brings", int)  # how often the page has scrolled to the gallery
ROW_BEFORE: Slot[list[int]] = Slot("row_before", list)  # of the table of scores
OPEN_IMAGE: Slot[int | None] = Slot("open_image", lambda: None)
OPEN_UNIT: Slot[tuple[str, int, int] | None] = Slot("open_unit", lambda: None)  # a run's id, hidden layer, unit
HELD: Slot[Any] = Slot("held", lambda: None)  # a run's id, and its `Results` where the reader stopped
OWN_PIXELS: Slot[str | None] = Slot("own_pixels", lambda: None)  # the drawing, in base64

# Keys of widgets that other code reads or sets
VIEW = "view"
SECTION = "section"  # of “Line by line”
STABILITY_SECTION = "stability_section"
PART = "part"  # of “Test images”
UNIT_LAYER = "unit_layer"
WHAT_IF = "ablation"
LINE_WIDGET = "line_widget"
LESSON_CHOICE = "lesson_choice"
IMAGE = "image"  # of the mini-batch
PARAMETER = "parameter"
IMAGE_CLASS = "image_class"
FOLLOW = "follow"
KEYS = "keys"
RUN_NAME = "run_name"
RUN_NOTE = "run_note"
MAP_ACROSS = "map_across"
MAP_UP = "map_up"
RUNS_ACROSS = "runs_across"
RUNS_UP = "runs_up"
DEAL_ACROSS = "deal_across"
DEAL_UP = "deal_up"
JOIN_NAME = "join_name"
MEMBER_NAME = "member_name"
CLASS_CODE = "class_code_typed"
CLASS_SECRET = "class_secret_typed"
CLASS_TAKEN = "class_code_taken"
CLASS_INVITES = "class_invites"
CLASS_SENTENCE = "class_sentence"
CLASS_LESSON = "class_lesson"
CLASS_QUESTION = "class_question_text"
CLASS_OPTIONS = "class_options"
CLASS_OUTCOME = "class_outcome_choice"
CLASS_HIDES = "class_hides_names"
CLASS_MEMBER = "class_member_choice"
CLASS_BANNED = "class_banned_choice"


def computed(name: str, key: object, make: Callable[[], Value]) -> Value:
    """The result of `make`, computed once for each key. With another key, it is computed again."""
    slot: Slot[tuple[object, Value] | None] = Slot(f"computed_{name}", lambda: None)
    entry = slot.get()
    if entry is None or entry[0] != key:
        entry = (key, make())
        slot.set(entry)
    return entry[1]


def is_computed(name: str, key: object) -> bool:
    """Whether the result for this key exists."""
    entry = st.session_state.get(f"computed_{name}")
    return entry is not None and entry[0] == key


def forget_computed(prefix: str) -> None:
    """Forget all results whose name begins with `prefix`."""
    for key in [str(key) for key in st.session_state if str(key).startswith(f"computed_{prefix}")]:
        del st.session_state[key]
