"""Questions to a run, put to the engine from the page."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import TypeVar

import streamlit as st
from torch import nn

from mlpviz.live.engine import get_engine
from mlpviz.run import Run

PATIENCE = 10.0  # seconds

Answer = TypeVar("Answer")


def answer(run: Run, question: Callable[[Run], Answer]) -> Answer:
    """What the question finds, asked between two steps; where that takes too long or fails, the page says so and ends
    there."""
    try:
        return get_engine().ask(run, question).result(PATIENCE)
    except TimeoutError:
        st.info(
            "The server is busy: this network’s steps take long, or many people are training. Try again in a moment."
        )
    except (RuntimeError, MemoryError) as error:
        st.error(f"This could not be worked out for this network: {error}")
    st.stop()


def wait_for(run: Run, step: int) -> None:
    """Until the run has made that many updates, or patience is at its end."""
    end = time.monotonic() + PATIENCE
    while run.step < step and time.monotonic() < end:
        time.sleep(0.005)


def wait_for_snapshot(run: Run) -> None:
    """Until the run can be seen where it has come to rest, as it can a moment later, or patience is at its end."""
    end = time.monotonic() + PATIENCE
    while _behind(run) and time.monotonic() < end:
        run.look()
        time.sleep(0.02)


def _behind(run: Run) -> bool:
    """Whether the latest snapshot isn't of the step at which the run rests."""
    return run.snapshot is None or (run.step >= run.goal and run.snapshot.step != run.step)


def frozen(run: Run) -> tuple[int, nn.Sequential]:
    """A copy of the run's network on the CPU, and after how many updates it was made."""

    def copied(run: Run) -> tuple[int, nn.Sequential]:
        return run.step, copy.deepcopy(run.trainer.net).cpu()

    return answer(run, copied)
