"""The visitor's side of the door to the runs: find, have made, tell, ask. Nothing else in the page goes through it."""

from __future__ import annotations

import secrets
import time
from typing import TypeVar

import streamlit as st

from mlpviz.backend.commands import Command
from mlpviz.backend.questions import Question
from mlpviz.backend.specifications import Specification
from mlpviz.live.backend import get_backend
from mlpviz.live.visitor import COOKIE
from mlpviz.page import memory
from mlpviz.page.words import plain
from mlpviz.results import Results
from mlpviz.snapshot import Snapshot, Status, TaskSnapshot
from mlpviz.state import RunState, TaskState

PATIENCE = 10.0  # seconds until a page gives up waiting
EFFECT = 0.5  # seconds for a command to take effect before the page shows where the run stands
LONG = 0.3  # seconds from which on a progress bar is shown
POLL = 0.02  # seconds between two looks at an answer that isn't there yet

BUSY = "The server is busy: each step of this network takes long, or many people are training. Try again in a moment."

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


def watch(task_id: str) -> TaskState | None:
    """The same; keeps the task going, and in its place."""
    state = find(task_id)
    return look(state.token) if state is not None else None


def find_run(run_id: str) -> RunState | None:
    """Where the visitor's own run of that id stands."""
    state = find(run_id)
    return state if isinstance(state, RunState) else None


def latest_run() -> RunState | None:
    """The run that the visitor had made last, if it is still there; a twin doesn't count."""
    runs = [state for state in get_backend().list(visitor()) if isinstance(state, RunState)]
    twins = {run.twin.id for run in runs if run.twin is not None}
    return next((run for run in reversed(runs) if run.id not in twins), None)


def now(run: RunState) -> RunState:
    """Where the run stands now. A callback is given the state with which its button was drawn, which may be old."""
    return find_run(run.id) or run


def create(specification: Specification, instead_of: str = "", seat_of: str = "") -> TaskState:
    """Have a task made; `instead_of` and `seat_of` are ids, as in `Backend.create`.

    Another click ends a script run at its next word to Streamlit. So whoever calls this has the place at hand where the
    new task's id is written, and writes it before anything else: else nobody would know of the task.

    Raises:
        RefusedError: it can't be made, or there is no room.
    """
    notes = memory.NOTES.get()
    try:
        reply = get_backend().create(specification, visitor(), instead_of, seat_of)
        try:
            state = reply.result(PATIENCE)
        except TimeoutError:
            if reply.cancel():  # so that it isn't made behind the visitor's back
                raise RefusedError(BUSY) from None
            state = reply.result(PATIENCE)
        notes += [state.note] if state.note else []
        return state
    except (RefusedError, TimeoutError):
        raise RefusedError(BUSY) from None
    except Exception as error:  # settings that can't be, no room, no dataset, too little memory
        raise RefusedError(_words(error)) from error


def tell(run: RunState, command: Command, patience: float = EFFECT) -> RunState:
    """Have the run do something; gives where it stands afterwards, or as it stood if that takes long. What can't be is
    said by the next script run."""
    try:
        state = get_backend().tell(run.id, visitor(), command).result(patience)
    except TimeoutError:
        return run
    except Exception as error:
        after = find_run(run.id)
        if after is not None and after.status != Status.FAILED:  # a run that is gone, or failed, is told by the page
            memory.PROBLEM.set(_words(error))
        return after or run
    assert isinstance(state, RunState)
    return state


def answer(run: RunState, question: Question[Answer], doing: str = "Computing…") -> Answer:
    """The answer, with a progress bar while it takes its time; where there is none, the page says so and ends there."""
    reply = get_backend().ask(run.id, visitor(), question)
    bar, before = st.empty(), 0.0
    begun = moved = time.monotonic()
    try:
        while time.monotonic() - moved < PATIENCE:
            try:
                result = reply.result(POLL)
            except TimeoutError:
                reply.look()
                if reply.progress != before:
                    before, moved = reply.progress, time.monotonic()
                if time.monotonic() - begun > LONG:
                    bar.progress(min(1.0, reply.progress), text=doing)
            except Exception as error:
                st.error(plain(f"mlpviz could not compute this: {_words(error)}"))
                st.stop()
            else:
                bar.empty()
                return result
        bar.info(BUSY)
        st.stop()
    finally:
        reply.cancel()  # a click has ended this script run, say: then nobody waits any more


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


def say_notes() -> None:
    """Say once what went wrong, and what making a task has cost."""
    if problem := memory.PROBLEM.take():
        st.error(plain(problem))
    for note in memory.NOTES.take():
        st.info(note)


def say_trouble() -> None:
    """Say once after each: the engine itself had an error, and goes on."""
    trouble = get_backend().trouble()
    count = trouble.count if trouble is not None else 0
    known = memory.TROUBLES.get()
    memory.TROUBLES.set(count)
    if trouble is not None and known is not None and count > known:  # what came before this visit is no news
        st.warning(
            f"The training engine had an error ({plain(trouble.message)}) and has restarted. Your run continues from "
            "the same step. If this happens again, tell the person who runs this server."
        )


def _words(error: Exception) -> str:
    """What an error says; where it says nothing, its name."""
    return str(error.args[0]) if error.args and error.args[0] else type(error).__name__
