"""The current lesson, and which controls a lesson or a link locks or hides."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import streamlit as st

from mlpviz.lessons import FIELDS, Lesson, covers, known_controls, load_lessons, names, parse_controls
from mlpviz.page import memory
from mlpviz.settings import Settings, spell
from mlpviz.speed import parse_speed

#: What an address may have beside the settings.
OTHERS = (
    "lesson",
    "lock",
    "hide",
    "speed",
    "view",
    "section",
    "line",
    "run",
    "map",
    "watch",
    "present",
    "class",
    "teach",
)
SIMILAR = 0.75  # from this on, a name is probably misspelt

LINKS = {"lock": memory.LINK_LOCK, "hide": memory.LINK_HIDE}


def begin() -> tuple[dict[str, str], list[str]]:
    """At the first script run: read the address. Returns the lesson’s settings, and a list of problems."""
    params, problems = st.query_params, []
    name = params.get("lesson") or None
    if name is not None and name not in load_lessons()[0]:
        problems.append(f"There is no lesson called {name!r}. Choose one in the sidebar.")
        name = None
    memory.LESSON.set(name)
    for key, slot in LINKS.items():
        text = params.get(key, "")
        known, unknown = known_controls(text)
        slot.set(names(known) if unknown else text)
        if unknown:
            problems.append(f"This link asks to {key} {', '.join(map(repr, unknown))}, but there is no such control.")
    try:
        if params.get("speed"):
            memory.SPEED.set(parse_speed(params["speed"]))
    except ValueError as error:
        problems.append(str(error))
    problems += [
        f"The address has {name!r}, which is no setting. Did you mean {meant!r}?" for name, meant in misspelt(params)
    ]
    lesson = current_lesson()
    return (lesson.settings if lesson else {}), problems


def misspelt(params: Iterable[str]) -> list[tuple[str, str]]:
    """The names that look like a setting but are none, each with the setting. Other programs add names of their own to
    addresses: these are left alone."""
    unknown = [name for name in params if name not in (*FIELDS, *OTHERS)]
    similar = [(name, get_close_matches(name, FIELDS, n=1, cutoff=SIMILAR)) for name in unknown]
    return [(name, found[0]) for name, found in similar if found]


def current_lesson() -> Lesson | None:
    """The current lesson, if there is one."""
    name = memory.LESSON.get()
    return load_lessons()[0].get(name) if name else None


def locked(field: str) -> bool:
    """Whether the field's control is locked."""
    return covers(_controls("lock"), field)


def anything_locked() -> bool:
    """Whether any control is locked."""
    return bool(_controls("lock"))


def link_locks() -> bool:
    """Whether the address itself locks anything. Then the visitor can't choose another lesson either."""
    return bool(memory.LINK_LOCK.get())


def hidden(name: str) -> bool:
    """Whether this field or group is hidden."""
    return name in _controls("hide") or covers(_controls("hide"), name)


def experiment_params(settings: Settings) -> dict[str, str]:
    """The settings as address parameters. A setting at its default is included if the lesson sets it, too."""
    lesson = current_lesson()
    said = lesson.settings if lesson else {}
    return settings.to_params() | {name: spell(getattr(settings, name)) for name in said}


def control_params() -> dict[str, str]:
    """The address parameters for the lesson, the locks and the speed."""
    asked = {"lesson": memory.LESSON.get()} | {key: slot.get() for key, slot in LINKS.items()}
    return {name: value for name, value in asked.items() if value} | speed_params()


def speed_params() -> dict[str, str]:
    """The address parameter for the speed; none if nobody chose one."""
    speed = memory.SPEED.get()
    return {"speed": speed} if speed else {}


def _controls(key: str) -> frozenset[str]:
    """The names from the link and from the lesson."""
    by_link = parse_controls(LINKS[key].get())
    lesson = current_lesson()
    return by_link | getattr(lesson, key) if lesson else by_link
