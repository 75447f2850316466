"""The page's access to the runs: find, create, tell, ask. No other part of the page uses the backend."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from mlpviz.backend.commands import Command
from mlpviz.backend.door import NotNowError
from mlpviz.backend.questions import Question
from mlpviz.backend.specifications import Specification
from mlpviz.classroom.school import School
from mlpviz.live.backend import get_backend
from mlpviz.live.school import get_school
from mlpviz.live.visitor import COOKIE, owner_of
from mlpviz.page import memory
from mlpviz.page.words import plain
from mlpviz.results import Results
from mlpviz.snapshot import Snapshot, Status, TaskSnapshot
from mlpviz.state import RunState, SavedRun, TaskState

PATIENCE = 10.0  # seconds that a page waits at most
EFFECT = 0.5  # seconds that the page waits for a command to take effect before it shows the run
LONG = 0.3  # seconds after which a progress bar appears
POLL = 0.02  # seconds between two checks for an answer

BUSY = "The server is busy: each step of this network takes long, or many people are training. Try again in a moment."

Answer = TypeVar("Answer")
State = TypeVar("State", bound=TaskState)


class RefusedError(Exception):
    """The request is impossible. The message is for the reader and says what to do."""


def visitor() -> str:
    """A name for the browser, made from its cookie. Without a cookie, a name for this session only."""
    cookie = st.context.cookies.get(COOKIE)
    if cookie:
        return owner_of(cookie)
    if not memory.VISITOR.get():
        memory.VISITOR.set(secrets.token_urlsafe(24))
    return memory.VISITOR.get()


def school() -> School:
    """The classes of this server."""
    return get_school()


def sends_cookies() -> bool:
    """Whether this browser accepts the cookie by which the server knows it again."""
    return bool(st.context.cookies.get(COOKIE))


def find(task_id: str) -> TaskState | None:
    """The state of the visitor's own task with this id."""
    try:
        return find_now(task_id)
    except NotNowError:
        return None


def find_now(task_id: str) -> TaskState | None:
    """The same.

    Raises:
        NotNowError: it is saved, and it can't come back now.
    """
    return get_backend().find(task_id, visitor()) if task_id else None


def watch(task_id: str) -> TaskState | None:
    """The same. Also keeps the task working, and keeps the server from removing it."""
    state = find(task_id)
    return look(state.token) if state is not None else None


def find_run(run_id: str) -> RunState | None:
    """The state of the visitor's own run with this id."""
    state = find(run_id)
    return state if isinstance(state, RunState) else None


def latest_run() -> RunState | None:
    """The visitor's newest run in memory, or else the one that was saved last. A twin doesn't count."""
    runs = [state for state in get_backend().list(visitor()) if isinstance(state, RunState)]
    twins = {run.twin.id for run in runs if run.twin is not None}
    saved = (find_run(run.id) for run in saved_runs() if not run.elsewhere)
    return next((run for run in reversed(runs) if run.id not in twins), None) or next(saved, None)


def saved_runs() -> list[SavedRun]:
    """The visitor's saved runs that have been trained, the latest first."""
    return [run for run in _saved() if not run.map]


def saved_maps() -> list[SavedRun]:
    """The visitor's saved maps, the latest first."""
    return [run for run in _saved() if run.map]


def _saved() -> list[SavedRun]:
    store = get_backend().store
    return [run for run in store.about(visitor()) if run.step > run.begun_at] if store is not None else []


def trouble_with_saving() -> str:
    """Why runs can't be saved now; empty if all is well."""
    store = get_backend().store
    return store.trouble if store is not None else ""


def saves() -> bool:
    """Whether runs are saved on this server."""
    return get_backend().store is not None


def usage() -> tuple[int, int]:
    """How many runs of the visitor are saved, and how many bytes they take."""
    store = get_backend().store
    return store.usage(visitor()) if store is not None else (0, 0)


def write_words(run_id: str, name: str, note: str) -> bool:
    """Set the name and the note of a saved run. Returns whether that worked."""
    store = get_backend().store
    return store is not None and store.write_words(run_id, visitor(), name, note)


def delete_saved(run_id: str, deleted: bool = True) -> bool:
    """Delete a saved run, or bring it back: that is possible for an hour. Returns whether that worked."""
    store = get_backend().store
    done = store is not None and store.delete(run_id, visitor(), deleted)
    if done and deleted:
        put_away(run_id)
    return done


def forget_me() -> bool:
    """Remove all runs of the visitor, and everything that is saved of them. Returns whether nothing is left."""
    school().forget(visitor())
    return get_backend().forget(visitor())


def remember(name: str, text: str) -> bool:
    """Keep a text of this visitor beyond the visit. Returns whether that worked, or nothing is saved on this server."""
    store = get_backend().store
    return store is None or store.remember(visitor(), name, text)


def recall(name: str) -> str | None:
    """The text that was kept under this name."""
    store = get_backend().store
    return store.recall(visitor(), name) if store is not None else None


def now(run: RunState) -> RunState:
    """The current state of the run. A callback gets the state from when its button was drawn, which may be old."""
    return find_run(run.id) or run


def create(specification: Specification, instead_of: str = "", seat_of: str = "") -> TaskState:
    """Create a task. `instead_of` and `seat_of` are ids, as in `Backend.create`.

    Another click ends a script run at its next call to Streamlit. So the caller gets the object for the new task's id
    before this call, and writes the id into it right after this call. Otherwise nobody would know the task.

    Raises:
        RefusedError: the task is impossible, or there is no room.
    """
    notes = memory.NOTES.get()
    try:
        reply = get_backend().create(specification, visitor(), instead_of, seat_of)
        try:
            state = reply.result(PATIENCE)
        except TimeoutError:
            if reply.cancel():  # so that it isn't created later, unnoticed
                raise RefusedError(BUSY) from None
            state = reply.result(PATIENCE)
        notes += [state.note] if state.note else []
        return state
    except (RefusedError, TimeoutError):
        raise RefusedError(BUSY) from None
    except Exception as error:  # impossible settings, no room, no dataset, too little memory
        raise RefusedError(_words(error)) from error


def tell(task: State, command: Command, patience: float = EFFECT) -> State:
    """Give a run, or a map, a command. Returns the state after it, or the old state if that takes long. If the command
    fails, the next script run shows the error."""
    try:
        state = get_backend().tell(task.id, visitor(), command).result(patience)
    except TimeoutError:
        return task
    except Exception as error:
        after = find(task.id)
        if after is not None and after.status != Status.FAILED:  # the page reports a gone or failed run itself
            memory.PROBLEM.set(_words(error))
        return after if isinstance(after, type(task)) else task
    assert isinstance(state, type(task))
    return state


def answer(run: RunState, question: Question[Answer], doing: str = "Computing…") -> Answer:
    """The answer, with a progress bar if it takes long. If there is no answer, the page says so and stops there."""
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
        reply.cancel()  # for example if a click ended this script run: nobody waits any more


def later(run: RunState, question: Question[Answer]) -> Callable[[], Answer]:
    """A function that asks the question, in any thread. It raises an error if there is no answer."""
    backend, owner = get_backend(), visitor()
    return lambda: backend.ask(run.id, owner, question).result(PATIENCE)


def wait_for(run: RunState, step: int) -> None:
    """Wait until the run has made this many updates, or until `PATIENCE` is over."""
    end = time.monotonic() + PATIENCE
    while now(run).step < step and time.monotonic() < end:
        time.sleep(POLL)


def snapshot_of(task: TaskState) -> Snapshot | None:
    """The newest snapshot of a run, or the snapshot of a pin."""
    snapshot = task_snapshot(task)
    return snapshot if isinstance(snapshot, Snapshot) else None


def task_snapshot(task: TaskState) -> TaskSnapshot | None:
    """The newest snapshot of any task."""
    return get_backend().snapshot(task.id, visitor())


def later_snapshot(task: TaskState) -> Callable[[], TaskSnapshot | None]:
    """A function that gets the newest snapshot, in any thread."""
    backend, owner = get_backend(), visitor()
    return lambda: backend.snapshot(task.id, owner)


def results_of(run: RunState) -> Results | None:
    """The predictions of the run's latest evaluation for each test image."""
    return get_backend().results(run.id, visitor())


def look(token: str) -> TaskState | None:
    """The state of the task with this token."""
    return get_backend().look(token)


def swap_seats(one: TaskState, other: TaskState) -> None:
    """Anybody who watches one of the two by a link now watches the other."""
    get_backend().swap_seats(one.id, other.id, visitor())


def drop(task_id: str) -> None:
    """Remove a task."""
    if task_id:
        get_backend().drop(task_id, visitor())


def put_away(task_id: str) -> None:
    """Remove a task from the memory. If it is saved, it can be opened again."""
    if task_id:
        get_backend().put_away(task_id, visitor())


def say_notes() -> None:
    """Show once what went wrong, and which runs were removed for a new task."""
    if problem := memory.PROBLEM.take():
        st.error(plain(problem))
    for note in memory.NOTES.take():
        st.info(note)


def say_trouble() -> None:
    """After each error of the engine itself, say once that it continues. Say once why runs can't be saved."""
    unsaved = trouble_with_saving()
    if unsaved and unsaved != memory.STORE_TROUBLE.get():
        st.warning(plain(unsaved))
    memory.STORE_TROUBLE.set(unsaved)
    trouble = get_backend().trouble()
    count = trouble.count if trouble is not None else 0
    known = memory.TROUBLES.get()
    memory.TROUBLES.set(count)
    if trouble is not None and known is not None and count > known:  # errors before this visit don't matter
        st.warning(
            f"The training engine had an error ({plain(trouble.message)}) and has restarted. Your run continues from "
            "the same step. If this happens again, tell the person who runs this server."
        )


def _words(error: Exception) -> str:
    """The message of an error, or its name if there is no message."""
    return str(error.args[0]) if error.args and error.args[0] else type(error).__name__
