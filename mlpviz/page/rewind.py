"""Back to a kept step, and on from there: a branch, drawn over the run that it left."""

from __future__ import annotations

import streamlit as st

from mlpviz.engine import EngineFullError
from mlpviz.live.engine import get_engine
from mlpviz.page.answers import PATIENCE
from mlpviz.page.pins import pin_by_itself
from mlpviz.page.visit import show_instead, visitor
from mlpviz.run import Run

WAIT = 2.0  # seconds for the pause to take effect


def branch_from(run: Run, step: int) -> None:
    """A callback: show a branch of the run from that step; the run itself stays, faint, and can be had back."""
    engine, owner = get_engine(), visitor()
    engine.pause(run).wait(WAIT)
    try:
        branch = engine.ask(run, lambda run: run.branch(step, owner)).result(PATIENCE)
        engine.add(branch)
    except (EngineFullError, LookupError, ValueError) as error:
        st.session_state.problem = str(error)
        return
    except TimeoutError:
        st.session_state.problem = "The server is busy, so nothing was changed. Try again in a moment."
        return
    pin_by_itself(run)
    show_instead(branch, run)
    st.session_state.branched = (branch.id, branch.step)


def say_branched(run: Run, status: str) -> None:
    """Once, after a branch: where one is, and what to do."""
    branched = st.session_state.get("branched")
    if branched is not None and branched[0] == run.id and run.step == branched[1] and status != "training":
        st.info(
            f"You are back at step {run.step:,}, with the weights, the optimizer and the mini-batches of that step. "
            "Change the learning rate, then Start; the run that you left stays behind the curves, faint, and Undo "
            "goes back to it.",
            icon=":material/history:",
        )
