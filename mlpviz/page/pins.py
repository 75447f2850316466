"""Pinned runs: earlier runs, drawn faintly behind the live run."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from mlpviz.backend.specifications import PinOf
from mlpviz.page import door, memory
from mlpviz.page.words import plain
from mlpviz.snapshot import Snapshot
from mlpviz.state import PinState, RunState

MOST = 6
LETTERS = "ABCDEF"


@dataclass(frozen=True)
class Pinned:
    """A pin, and its letter on the page."""

    letter: str
    state: PinState

    @property
    def snapshot(self) -> Snapshot:
        """The run at the moment when it was pinned."""
        snapshot = door.snapshot_of(self.state)
        assert snapshot is not None
        return snapshot


def pinned() -> list[Pinned]:
    """The pins of this visit that still exist, in the order of their letters."""
    states = [(letter, door.watch(pin)) for letter, pin in sorted(memory.PINS.get().items())]
    return [Pinned(letter, state) for letter, state in states if isinstance(state, PinState)]


def pin_run(run: RunState) -> None:
    """A callback: pin the run as it is now. If six are already pinned, or there is no room, say so."""
    run, pins, pins_by_letter = door.now(run), pinned(), memory.PINS.get()
    if any(each.state.run == run.id and each.state.step == run.step for each in pins):
        return
    free = [letter for letter in LETTERS if letter not in {each.letter for each in pins}]
    if not free:
        memory.PIN_PROBLEM.set(f"You have already pinned {MOST} runs, and this is the limit. Unpin one first.")
        return
    try:
        pins_by_letter[free[0]] = door.create(PinOf(run.id)).id
    except door.RefusedError as error:
        memory.PIN_PROBLEM.set(str(error))


def pin_by_itself(run: RunState) -> None:
    """Pin a run automatically, before a branch or a lesson leaves it. The oldest automatic pin makes room. If there is
    none, the run is not pinned."""
    own, pins = memory.OWN_PINS.get(), memory.PINS.get()
    own[:] = [letter for letter in own if letter in pins]
    if len(pinned()) == MOST:
        if not own:
            return
        unpin(own[0])
    before = set(pins)
    pin_run(run)
    own.extend(set(pins) - before)


def unpin_those_by_themselves() -> None:
    """Remove all automatic pins: another experiment begins."""
    for letter in memory.OWN_PINS.get():
        unpin(letter)
    memory.OWN_PINS.forget()


def unpin_run(run_id: str) -> None:
    """Remove the automatic pins of a run that is shown again."""
    for each in pinned():
        if each.state.run == run_id and each.letter in memory.OWN_PINS.get():
            unpin(each.letter)


def unpin(letter: str) -> None:
    """A callback: remove a pin."""
    door.drop(memory.PINS.get().pop(letter, ""))


def pin_problem() -> None:
    """Say once why a run could not be pinned."""
    if problem := memory.PIN_PROBLEM.take():
        st.error(plain(problem))
