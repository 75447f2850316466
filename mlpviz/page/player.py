"""Start, Pause, Step, Epoch, Reset."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mlpviz.backend.commands import Change, Command, OneEpoch, OneStep, Pause, Start
from mlpviz.page import door, memory
from mlpviz.page.controls import locked
from mlpviz.page.fields import fill
from mlpviz.page.guard import safely
from mlpviz.page.keys import shortcut, show_keys
from mlpviz.page.pins import unpin_run
from mlpviz.page.visit import previous_run, replace_run, undo
from mlpviz.settings import BOUNDS
from mlpviz.snapshot import Status
from mlpviz.state import RunState

KEYS = {"start": "P", "step": "S", "epoch": "E", "reset": "0", "undo": "U"}


def player(run: RunState) -> None:
    """The buttons and their keys. A callback acts before the page is drawn again."""
    show_keys(KEYS)
    training, finished = run.status == Status.TRAINING, run.status == Status.FINISHED
    failed = run.status == Status.FAILED
    more = more_epochs(run) if finished else 0
    if more:
        _button(f"{more:,} more epoch{'s' if more > 1 else ''}", lambda: _train_on(run, more), primary=True)
    else:
        act = _telling(run, Pause() if training else Start())
        _button("Pause" if training else "Start", act, primary=True, disabled=failed or finished)
    _button("Step", _telling(run, OneStep()), disabled=finished or failed)
    _button("Epoch", _telling(run, OneEpoch()), disabled=finished or failed)
    _button("Reset", lambda: replace_run(run.settings, run))
    # Always shown. If it came and went, the buttons would move, and a reader could press the wrong one.
    _button("Undo", undo_and_unpin, disabled=training or not _can_undo(run))


def _button(label: str, act: Callable[[], None], primary: bool = False, disabled: bool = False) -> None:
    key = "start" if primary else label.lower()
    st.button(
        label,
        key=key,
        on_click=safely(act),
        shortcut=shortcut(KEYS[key]),
        type="primary" if primary else "secondary",
        disabled=disabled,
    )


def _telling(run: RunState, command: Command) -> Callable[[], None]:
    def tell() -> None:
        door.tell(run, command)

    return tell


def _can_undo(run: RunState) -> bool:
    """Whether there is a previous run, and this one has made no step yet, is a branch, or was opened from the list."""
    left = run.id in (memory.BRANCHED.get()[0], memory.OPENED.get())
    return previous_run() is not None and (left or run.step == run.begun_at)


def undo_and_unpin() -> None:
    """Go back to the previous run, and unpin it: it need not also be drawn behind itself."""
    previous = previous_run()
    if previous is not None:
        unpin_run(previous.id)
    undo()


def more_epochs(run: RunState) -> int:
    """How many epochs a finished run can train on: as many again, within the largest number; 0 if they are locked."""
    left = int(BOUNDS["epochs"][1]) - run.settings.epochs
    return 0 if locked("epochs") else min(run.settings.epochs, left)


def _train_on(run: RunState, epochs: int) -> None:
    run = door.now(run)
    settings = run.settings.replace(epochs=run.settings.epochs + epochs)
    door.tell(run, Change(settings))
    door.tell(run, Start())
    fill(settings)
