"""Start, Pause, Step, Epoch, Reset."""

from __future__ import annotations

import threading
from collections.abc import Callable

import streamlit as st

from mlpviz.live.engine import get_engine
from mlpviz.page.controls import locked
from mlpviz.page.fields import fill
from mlpviz.page.keys import show_keys
from mlpviz.page.pins import unpin_run
from mlpviz.page.visit import previous_run, replace_run, undo
from mlpviz.run import Run
from mlpviz.settings import BOUNDS

KEYS = {"start": "P", "step": "S", "epoch": "E", "reset": "0", "undo": "U"}
WAIT = 0.5  # seconds for a command to take effect before the page shows its state


def player(run: Run, status: str) -> None:
    """The buttons, each with its key; their callbacks act before the page is drawn again."""
    show_keys(KEYS)
    engine = get_engine()
    training = status == "training"
    over = status in ("finished", "failed")
    _button(
        "Pause" if training else "Start",
        (lambda: _offer_more(run))
        if status == "finished"
        else _command(engine.pause if training else engine.start, run),
        primary=True,
        disabled=status == "failed",
    )
    _button("Step", _command(engine.step, run), disabled=over)
    _button("Epoch", _command(engine.epoch, run), disabled=over)
    _button("Reset", lambda: replace_run(run.settings, run))
    previous = previous_run()
    branched = st.session_state.get("branched", ("",))[0] == run.id
    if previous is not None and (branched or run.step == run.begun_at) and not training:
        _button("Undo", undo_and_unpin)
    if st.session_state.get("offer") == run.id and status == "finished" and not locked("epochs"):
        more = min(run.settings.epochs, int(BOUNDS["epochs"][1]) - run.settings.epochs)
        if more > 0:
            st.button(
                f"{more:,} more epoch{'s' if more > 1 else ''}",
                on_click=_more,
                args=(run, more),
                type="primary",
                key="more",
            )


def _button(label: str, act: Callable[[], None], primary: bool = False, disabled: bool = False) -> None:
    key = "start" if primary else label.lower()
    st.button(
        label,
        key=key,
        on_click=act,
        shortcut=KEYS[key],
        type="primary" if primary else "secondary",
        disabled=disabled,
    )


def _command(command: Callable[[Run], threading.Event], run: Run) -> Callable[[], None]:
    def act() -> None:
        command(run).wait(WAIT)

    return act


def undo_and_unpin() -> None:
    """The run that comes back needs no shadow of itself."""
    previous = previous_run()
    if previous is not None:
        unpin_run(previous.id)
    undo()


def _offer_more(run: Run) -> None:
    st.session_state.offer = run.id


def _more(run: Run, epochs: int) -> None:
    settings = run.settings.replace(epochs=run.settings.epochs + epochs)
    engine = get_engine()
    engine.change(run, settings)
    engine.start(run).wait(WAIT)
    fill(settings)
