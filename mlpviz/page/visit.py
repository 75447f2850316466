"""Which run this page shows: the visitor's own run, found again after a reload, or a new one."""

from __future__ import annotations

from dataclasses import fields

import streamlit as st

from mlpviz.backend.commands import Change, Pause
from mlpviz.backend.door import NotNowError
from mlpviz.backend.specifications import BranchFrom, NewRun
from mlpviz.catalog import default_dataset
from mlpviz.lessons import load_lessons
from mlpviz.page import door, memory
from mlpviz.page.controls import control_params, experiment_params
from mlpviz.page.fields import fill
from mlpviz.page.guard import safely
from mlpviz.page.images.filters import filter_params
from mlpviz.page.present import present_params
from mlpviz.page.speed import remember_speed
from mlpviz.page.views import view_params
from mlpviz.page.words import plain
from mlpviz.settings import Settings, spell
from mlpviz.state import RunState

TRY_AGAIN = 3.0  # seconds until a run that can't come back now is asked for again
HERE = "Here is a new run with the same settings, at step 0."


def current_run(settings: Settings) -> RunState:
    """The run to show. If nothing is lost, it takes over `settings`; otherwise the page asks first. Here a script run
    reads the run's state, once."""
    run = current_run_or_none()
    if run is None:
        if memory.VISIT.get().run:
            memory.NOTES.get().append(f"Your run is no longer on the server. {HERE}")
        elif "run" in st.query_params:
            memory.NOTES.get().append(f"The run in this address is gone, or it belongs to another visitor. {HERE}")
        return _begin(settings, None)
    if run.settings == settings:
        return run
    if not run.settings.needs_new_run(settings):
        return door.tell(run, Change(settings))
    if run.untouched:
        return _begin(settings, run)
    return _ask(run, settings)


def wait_for_run() -> None:
    """If the run of this page is saved and can't come back now: say why, and end the script run here. The page tries
    again now and then. The visitor may also begin another run."""
    try:
        door.find_now(memory.VISIT.get().run or st.query_params.get("run", ""))
    except NotNowError as error:
        st.warning(plain(f"The run of this page can’t come back now. {error} The page tries again by itself."))
        st.button("Start a new run instead", on_click=safely(_leave))
        _try_again()
        st.stop()


@st.fragment(run_every=TRY_AGAIN)
def _try_again() -> None:
    if memory.ASKED_AGAIN.get():
        memory.ASKED_AGAIN.forget()
        st.rerun()
    memory.ASKED_AGAIN.set(True)


def _leave() -> None:
    memory.VISIT.forget()
    st.query_params.pop("run", None)


def current_run_or_none() -> RunState | None:
    """The run that this visit shows now, if there is one."""
    visit = memory.VISIT.get()
    run = door.find_run(visit.run or st.query_params.get("run", ""))
    if run is not None:
        visit.run = run.id
    return run


def come_back() -> Settings | None:
    """At the first script run, if the address names neither a run nor settings: show the visitor's latest run. If it
    names a lesson, the run must be one of that lesson. Returns the run's settings, or None if there is no such run."""
    named = {"run", *(field.name for field in fields(Settings))}
    latest = door.latest_run() if named.isdisjoint(st.query_params) else None
    if latest is None or not _is_of_lesson(latest, st.query_params.get("lesson", "")):
        return None
    memory.VISIT.get().run = latest.id
    remember_speed(latest)
    if latest.step:
        memory.NOTES.get().append(f"This is your latest run, at step {latest.step:,}. Reset starts a new one.")
    return latest.settings


def replace_run(settings: Settings, run: RunState, threads: int | None = None) -> None:
    """A callback: start a new run in place of `run`, with this number of PyTorch's threads. Undo brings `run` back. A
    second click on the same button does nothing, because the page has left that run."""
    if memory.VISIT.get().run in ("", run.id):
        _begin(settings, door.now(run), threads)


def branch_off(run: RunState, step: int) -> RunState:
    """From now on, show a branch of `run` from this step. `run` pauses, and Undo returns to it.

    Raises:
        RefusedError: the step doesn't exist, or there is no room.
    """
    visit = memory.VISIT.get()
    branch = door.create(BranchFrom(run.id, step))
    _change_over(visit, branch.id, run.id)
    assert isinstance(branch, RunState)
    door.tell(run, Pause())
    door.swap_seats(run, branch)
    fill(branch.settings)
    return branch


def undo() -> None:
    """A callback: return to the run before the latest reset."""
    run, previous, visit = current_run_or_none(), previous_run(), memory.VISIT.get()
    visit.previous = ""
    if previous is None:
        return
    visit.run = previous.id
    if run is not None:
        door.swap_seats(run, previous)
        if not run.untouched:  # it has been trained since: the undo can be undone
            visit.previous = run.id
            door.tell(run, Pause())
        else:
            door.drop(run.id)
    fill(previous.settings)


def previous_run() -> RunState | None:
    """The run that `undo` returns to."""
    return door.find_run(memory.VISIT.get().previous)


def _is_of_lesson(run: RunState, name: str) -> bool:
    """Whether the run has the settings of the lesson or of one of its variants. Without a lesson, any run is fine."""
    lesson = load_lessons()[0].get(name)
    if not name or lesson is None:
        return not name
    default = {"dataset": default_dataset()}
    queries = (lesson.settings, *lesson.variants.values())
    return began_with(run) in [Settings.from_params(default | query) for query in queries]


def began_with(run: RunState) -> Settings:
    """The settings with which the run was made, whatever was changed since."""
    made_from = run.specification
    return made_from.settings if isinstance(made_from, NewRun) else run.settings


def write_address(run: RunState, settings: Settings) -> None:
    """Update the address, so that a copied link opens the same experiment and a reload finds its run."""
    wanted = experiment_params(settings) | control_params() | view_params() | filter_params()
    wanted |= present_params() | {"run": run.id}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _begin(settings: Settings, old: RunState | None, threads: int | None = None) -> RunState:
    """A new run in place of `old`. If `old` has made any update, it is kept for an undo."""
    instead_of = old.id if old is not None and old.untouched else ""
    seat_of = old.id if old is not None else ""
    visit = memory.VISIT.get()
    try:
        with st.spinner("Reading the images…", show_time=False):
            run = door.create(NewRun(settings, threads), instead_of, seat_of)
            _change_over(visit, run.id, "" if instead_of else seat_of)
    except door.RefusedError as error:
        st.error(plain(str(error)))
        if old is None:
            door.say_notes()
            st.stop()
        return old
    if old is not None and old.twin is not None:
        memory.TWIN_PROBLEM.set("The twin belonged to the previous run. Make a new twin.")
    if old is not None and not instead_of and door.find_run(old.id) is not None:  # it may be gone, to make room
        door.tell(old, Pause())
    assert isinstance(run, RunState)
    return run


def _change_over(visit: memory.Visit, run: str, previous: str) -> None:
    """Remember the run that the page shows, and, if it changes, the one that Undo returns to. Nothing here may call
    Streamlit: another click would end the script run in between, and nobody would know the new run."""
    before = visit.previous
    visit.run = run
    if previous:
        visit.previous = previous
        if before not in (previous, run):
            door.put_away(before)


def _ask(run: RunState, settings: Settings) -> RunState:
    changed = run.settings.differences(settings)
    listed = ", ".join(f"{name.replace('_', ' ')} {spell(old)} → {spell(new)}" for name, (old, new) in changed.items())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**This needs a new run** ({listed}). The run below has made {run.step:,} steps.", width="stretch")
        st.button("Start a new run", type="primary", on_click=safely(replace_run), args=(settings, run))
        st.button("Keep this run", on_click=safely(fill), args=(run.settings,))
    return run
