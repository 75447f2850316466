"""What the page remembers of a run beyond this visit: its pins, and the run that Undo returns to."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from mlpviz.page import door, memory
from mlpviz.snapshot import Status
from mlpviz.state import RunState


def recall(run: RunState) -> None:
    """At the first script run of a visit: take up what the page remembered of this run."""
    if memory.REMEMBERED.known():
        return
    text = door.recall(_name(run))
    memory.REMEMBERED.set(text or "")
    try:
        kept: dict[str, Any] = json.loads(text) if text else {}
    except ValueError:
        return
    memory.VISIT.get().previous = str(kept.get("previous", ""))
    memory.PINS.set(dict(kept.get("pins", {})))
    memory.OWN_PINS.set(list(kept.get("own_pins", [])))


def remember(run: RunState) -> None:
    """At the end of a script run: keep it, if anything has changed."""
    kept = {"previous": memory.VISIT.get().previous, "pins": memory.PINS.get(), "own_pins": memory.OWN_PINS.get()}
    text = json.dumps({"run": run.id} | kept)
    new = any(kept.values()) or memory.REMEMBERED.get()  # there is nothing to keep of most visits
    if new and text != memory.REMEMBERED.get() and door.remember(_name(run), text):
        memory.REMEMBERED.set(text)


def say_back(run: RunState) -> None:
    """Say where the run is, if it was saved while it trained and has come back from there."""
    if run.step == run.interrupted_at and run.status != Status.TRAINING:
        st.info(
            f"The training of this run was interrupted. It is back at step {run.step:,}, where it was saved last. "
            "Press Start to go on from there.",
            icon=":material/history:",
        )


def _name(run: RunState) -> str:
    return f"run {run.id}"
