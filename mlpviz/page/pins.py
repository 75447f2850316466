"""Pinned runs: how earlier runs stood, drawn faintly behind the live one."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from mlpviz.engine import EngineFullError
from mlpviz.live.engine import get_engine
from mlpviz.page.answers import wait_for_snapshot
from mlpviz.page.visit import visitor
from mlpviz.pin import Pin
from mlpviz.run import Run

MOST = 6
LETTERS = "ABCDEF"


@dataclass(frozen=True)
class Pinned:
    """A pin, and the letter that stands for it on the page."""

    letter: str
    pin: Pin


def pinned() -> list[Pinned]:
    """Those of this visit that are still kept, in the order of their letters."""
    found = [(letter, get_engine().watch(token)) for letter, token in sorted(_tokens().items())]
    return [Pinned(letter, pin) for letter, pin in found if isinstance(pin, Pin)]


def pin_run(run: Run) -> None:
    """Pin the run as its latest snapshot shows it; where six are pinned already, or there is no room, say so."""
    wait_for_snapshot(run)
    if run.snapshot is None or any(_same(each, run) for each in pinned()):
        return
    taken = {each.letter for each in pinned()}
    free = [letter for letter in LETTERS if letter not in taken]
    if not free:
        st.session_state.pin_problem = f"{MOST} runs are pinned already. Take one down first."
        return
    try:
        pin = get_engine().add(Pin(run.snapshot, visitor()))
    except EngineFullError as error:
        st.session_state.pin_problem = str(error)
        return
    _tokens()[free[0]] = pin.token


def pin_by_itself(run: Run) -> None:
    """Pin a run that a branch or a lesson leaves; the oldest of those makes room, and where there is none, it isn't."""
    own = _by_itself()
    own[:] = [letter for letter in own if letter in _tokens()]
    if len(pinned()) == MOST:
        if not own:
            return
        unpin(own[0])
    before = set(_tokens())
    pin_run(run)
    own.extend(set(_tokens()) - before)


def unpin_those_by_themselves() -> None:
    """Another experiment begins."""
    for letter in list(_by_itself()):
        unpin(letter)
    _by_itself().clear()


def unpin_run(run_id: str) -> None:
    for each in pinned():
        if each.pin.snapshot.run == run_id and each.letter in _by_itself():
            unpin(each.letter)


def unpin(letter: str) -> None:
    pin = get_engine().watch(_tokens().pop(letter, ""))
    if pin is not None:
        get_engine().drop(pin)


def pin_problem() -> None:
    """Say what kept a run from being pinned, once."""
    if problem := st.session_state.pop("pin_problem", ""):
        st.error(problem)


def _tokens() -> dict[str, str]:
    tokens: dict[str, str] = st.session_state.setdefault("pins", {})
    return tokens


def _by_itself() -> list[str]:
    """The letters of those that nobody asked for, oldest first."""
    letters: list[str] = st.session_state.setdefault("pins_by_themselves", [])
    return letters


def _same(each: Pinned, run: Run) -> bool:
    return each.pin.snapshot.run == run.id and each.pin.step == run.step
