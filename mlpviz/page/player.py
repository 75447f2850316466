"""Start, Pause, Step, Epoch, Reset."""

from __future__ import annotations

import threading
from collections.abc import Callable

import streamlit as st

from mlpviz.live.engine import get_engine
from mlpviz.page.fields import fill
from mlpviz.page.visit import previous_run, reset, undo
from mlpviz.run import Run
from mlpviz.settings import BOUNDS

WAIT = 0.5  # seconds for a command to take effect before the page shows its state


def player(run: Run) -> None:
    """The buttons, each with its key; their callbacks act before the page is drawn again."""
    engine = get_engine()
    training = run.status == "training"
    over = run.status in ("finished", "failed")
    _button(
        "Pause" if training else "Start",
        "P",
        (lambda: _offer_more(run)) if run.status == "finished" else _command(engine.pause if training else engine.start, run),
        primary=True,
        disabled=run.status == "failed",
        help="Train until the last epoch, or stop where it is.",
    )
    _button("Step", "S", _command(engine.step, run), disabled=over, help="One update on one mini-batch.")
    _button("Epoch", "E", _command(engine.epoch, run), disabled=over, help="To the end of this epoch.")
    _button("Reset", "0", lambda: reset(run), help="Back to step 0: same seed, same weights.")
    previous = previous_run()
    if previous is not None and run.step == 0:
        _button("Undo", "U", undo, help=f"Back to the run before, at step {previous.step:,}.")
    if st.session_state.get("offer") == run.id and run.status == "finished":
        more = min(run.settings.epochs, int(BOUNDS["epochs"][1]) - run.settings.epochs)
        if more > 0:
            st.button(f"{more:,} more epochs", on_click=_more, args=(run, more), type="primary", key="more")


def _button(
    label: str, shortcut: str, act: Callable[[], object], help: str, primary: bool = False, disabled: bool = False
) -> None:
    st.button(
        label,
        key="start" if primary else label.lower(),
        on_click=act,
        shortcut=shortcut,
        type="primary" if primary else "secondary",
        disabled=disabled,
        help=help,
    )


def _command(command: Callable[[Run], threading.Event], run: Run) -> Callable[[], object]:
    return lambda: command(run).wait(WAIT)


def _offer_more(run: Run) -> None:
    st.session_state.offer = run.id


def _more(run: Run, epochs: int) -> None:
    settings = run.settings.replace(epochs=run.settings.epochs + epochs)
    engine = get_engine()
    engine.change(run, settings)
    engine.start(run).wait(WAIT)
    fill(settings)
