"""Go back to a saved step and train on from there: a branch, drawn over the run that it left."""

from __future__ import annotations

import streamlit as st

from mlpviz.backend.commands import Change, Pause
from mlpviz.page import door, memory
from mlpviz.page.fields import fill
from mlpviz.page.pins import pin_by_itself
from mlpviz.page.visit import branch_off
from mlpviz.snapshot import Status
from mlpviz.state import RunState

PATIENCE = 2.0  # seconds for the pause to take effect


def branch_from(run: RunState, step: int, learning_rate: float | None = None) -> bool:
    """A callback: show a branch of the run from that step, with another learning rate if one is given. The old run
    stays in the figures as faint lines, and Undo brings it back. Returns whether that worked."""
    run = door.tell(run, Pause(), PATIENCE)
    try:
        branch = branch_off(run, step)
    except door.RefusedError as error:
        memory.PROBLEM.set(str(error))
        return False
    if learning_rate is not None:
        settings = branch.settings.replace(learning_rate=learning_rate)
        door.tell(branch, Change(settings))
        fill(settings)
    pin_by_itself(run)
    memory.BRANCHED.set((branch.id, branch.step))
    return True


def say_branched(run: RunState) -> None:
    """Say once, after a branch, where the reader is and what to do."""
    if memory.BRANCHED.get() == (run.id, run.step) and run.status != Status.TRAINING:
        st.info(
            f"You are back at step {run.step:,}, with the weights, the optimizer and the mini-batches of that step. "
            f"The learning rate is {run.settings.learning_rate:g}. Press Start to go on. The run that you left stays "
            "in the figures as faint lines. Undo goes back to it.",
            icon=":material/history:",
        )
