"""The visitor's side of the door to the runs: find, have made, tell, ask. Nothing else in the page goes through it."""

from __future__ import annotations

import secrets
import time
from typing import TypeVar, overload

import streamlit as st

from mlpviz.backend.commands import Command
from mlpviz.backend.door import EngineFullError
from mlpviz.backend.questions import Question
from mlpviz.backend.specifications import Specification
from mlpviz.idx import DatasetError
from mlpviz.live.backend import get_backend
from mlpviz.live.visitor import COOKIE
from mlpviz.page import memory
from mlpviz.results import Results
from mlpviz.snapshot import Snapshot, TaskSnapshot
from mlpviz.state import RunState, TaskState

PATIENCE = 10.0  # seconds until a page gives up waiting
EFFECT = 0.5  # seconds for a command to take effect before the page shows where the run stands
LONG = 0.3  # seconds from which on a progress bar is shown
POLL = 0.02  # seconds between two looks at an answer that isn't there yet

BUSY = "The server is busy: this network’s steps take long, or many people are training. Try again in a moment."

Answer = TypeVar("Answer")


class RefusedError(Exception):
    """What was wanted can't be; the message is for the reader, and says what to do."""


def visitor() -> str:
    """The browser's cookie; without one, a name for this session alone."""
    cookie = st.context.cookies.get(COOKIE)
    if cookie:
        return cookie
    if not memory.VISITOR.get():
        memory.VISITOR.set(secrets.token_urlsafe(24))
    return memory.VISITOR.get()


def find(task_id: str) -> TaskState | None:
    """Where the visitor's own task of that id stands."""
    return get_backend().find(task_id, visitor()) if task_id else None


def find_run(run_id: str) -> RunState | None:
    """Where the visitor's own run of that id stands."""
    state = find(run_id)
    return state if isinstance(state, RunState) else None


def now(run: RunState) -> RunState:
    """Where the run stands now. A callback is given the state with which its button was drawn, which may be old."""
    return find_run(run.id) or run


def create(specification: Specification, instead_of: str = "", seat_of: str = "") -> TaskState:
    """Have a task made; `instead_of` and `seat_of` are ids, as in `Backend.create`.

    Raises:
        RefusedError: it can't be made, or there is no room.
    """
    try:
        return get_backend().create(specification, visitor(), instead_of, seat_of).result(PATIENCE)
    except TimeoutError:
        raise RefusedError(BUSY) from None
    except (ValueError, LookupError, DatasetError, EngineFullError, MemoryError) as error:
        raise RefusedError(_words(error)) from error


def tell(run: RunState, command: Command, patience: float = EFFECT) -> RunState:
    """Have the run do something; gives where it stands afterwards, or as it stood if that takes long. What can't be is
    said by the next script run."""
    try:
        state = get_backend().tell(run.id, visitor(), command).result(patience)
    except TimeoutError:
        return run
    except Exception as error:  # the run itself shows what stopped it
        memory.PROBLEM.set(_words(error))
        return now(run)
    assert isinstance(state, RunState)
    return state


@overload
def ask(run: RunState, question: Question[Answer | None]) -> Answer | None: ...
@overload
def ask(run: RunState, question: Question[Answer]) -> Answer: ...
def ask(run: RunState, question: Question[Answer]) -> Answer:
    """The answer; for a callback, which can't show anything.

    Raises:
        RefusedError: it takes too long, or there is no answer.
    """
    try:
        return get_backend().ask(run.id, visitor(), question).result(PATIENCE)
    except TimeoutError:
        raise RefusedError(BUSY) from None
    except Exception as error:
        raise RefusedError(_words(error)) from error


def answer(run: RunState, question: Question[Answer], doing: str = "Working it out…") -> Answer:
    """The answer, with a progress bar while it takes its time; where there is none, the page says so and ends there."""
    reply = get_backend().ask(run.id, visitor(), question)
    bar, begun, before, stirred = st.empty(), time.monotonic(), 0.0, time.monotonic()
    while time.monotonic() - stirred < PATIENCE:
        try:
            result = reply.result(POLL)
        except TimeoutError:
            reply.look()
            if reply.progress != before:
                before, stirred = reply.progress, time.monotonic()
            if time.monotonic() - begun > LONG:
                bar.progress(min(1.0, reply.progress), text=doing)
        except Exception as error:
            st.error(f"This could not be worked out: {_words(error)}")
            st.stop()
        else:
            bar.empty()
            return result
    bar.info(BUSY)
    st.stop()


def wait_for(run: RunState, step: int) -> None:
    """Until the run has made that many updates, or patience is at its end."""
    end = time.monotonic() + PATIENCE
    while now(run).step < step and time.monotonic() < end:
        time.sleep(POLL)


def snapshot_of(task: TaskState) -> Snapshot | None:
    """The newest snapshot of a run, or that of a pin."""
    snapshot = task_snapshot(task)
    return snapshot if isinstance(snapshot, Snapshot) else None


def task_snapshot(task: TaskState) -> TaskSnapshot | None:
    """The newest snapshot of any task."""
    return get_backend().snapshot(task.id, visitor())


def results_of(run: RunState) -> Results | None:
    """What the run's latest evaluation said of each test image."""
    return get_backend().results(run.id, visitor())


def look(token: str) -> TaskState | None:
    """Where the task that may be watched with that token stands."""
    return get_backend().look(token)


def swap_seats(one: TaskState, other: TaskState) -> None:
    """Who watches the one by a link goes on with the other."""
    get_backend().swap_seats(one.id, other.id, visitor())


def drop(task_id: str) -> None:
    """Forget a task."""
    if task_id:
        get_backend().drop(task_id, visitor())


def say_trouble() -> None:
    """Once after each: that the engine itself had an error, and goes on."""
    trouble = get_backend().trouble()
    if trouble is not None and trouble.count > memory.TROUBLES.get():
        memory.TROUBLES.set(trouble.count)
        st.warning(
            f"The training engine had an error ({trouble.message}) and was started again. Your run goes on from where "
            "it was. If this happens again, tell whoever runs this server."
        )


def _words(error: Exception) -> str:
    """What an error says; where it says nothing, its name."""
    return str(error.args[0]) if error.args and error.args[0] else type(error).__name__
