"""Whose run this page shows: the visitor's own, found again after a reload, or a new one."""

from __future__ import annotations

from dataclasses import fields

import streamlit as st

from mlpviz.backend.commands import Change, Pause
from mlpviz.backend.specifications import BranchFrom, NewRun
from mlpviz.catalog import default_dataset
from mlpviz.lessons import load_lessons
from mlpviz.page import door, memory
from mlpviz.page.controls import control_params, experiment_params
from mlpviz.page.fields import fill
from mlpviz.page.guard import safely
from mlpviz.page.images.filters import filter_params
from mlpviz.page.views import view_params
from mlpviz.page.words import plain
from mlpviz.settings import Settings, spell
from mlpviz.state import RunState

HERE = "Here is a new run with the same settings, at step 0."


def current_run(settings: Settings) -> RunState:
    """The run to show, brought into line with `settings` where that loses nothing; else the page asks first. This is
    where a script run reads its state, once."""
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


def current_run_or_none() -> RunState | None:
    """The run that this visit shows now, if there is one yet."""
    visit = memory.VISIT.get()
    run = door.find_run(visit.run or st.query_params.get("run", ""))
    if run is not None:
        visit.run = run.id
    return run


def come_back() -> Settings | None:
    """At the first script run, where the address names neither a run nor settings: show the visitor's latest run. Where
    it names a lesson, only if the run is one of that lesson. Gives its settings, or None where there is none."""
    named = {"run", *(field.name for field in fields(Settings))}
    latest = door.latest_run() if named.isdisjoint(st.query_params) else None
    if latest is None or not _is_of_lesson(latest, st.query_params.get("lesson", "")):
        return None
    memory.VISIT.get().run = latest.id
    if latest.step:
        memory.NOTES.get().append(f"This is your latest run, at step {latest.step:,}. Reset starts a new one.")
    return latest.settings


def replace_run(settings: Settings, run: RunState) -> None:
    """A callback: a fresh run in place of `run`, which can be had back."""
    _begin(settings, door.now(run))


def branch_off(run: RunState, step: int) -> RunState:
    """Show a branch of `run` from that step from now on; `run` rests, and an undo goes back to it.

    Raises:
        RefusedError: there is no such step, or no room.
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
    """A callback: back to the run before the latest reset."""
    run, previous, visit = current_run_or_none(), previous_run(), memory.VISIT.get()
    visit.previous = ""
    if previous is None:
        return
    visit.run = previous.id
    if run is not None:
        door.swap_seats(run, previous)
        if not run.untouched:  # it has learnt something since: undo may be undone
            visit.previous = run.id
            door.tell(run, Pause())
        else:
            door.drop(run.id)
    fill(previous.settings)


def previous_run() -> RunState | None:
    """The run that `undo` goes back to."""
    return door.find_run(memory.VISIT.get().previous)


def _is_of_lesson(run: RunState, name: str) -> bool:
    """Whether the run is what the lesson sets up, or one of its variants; any run is, where no lesson is named."""
    lesson = load_lessons()[0].get(name)
    if not name or lesson is None:
        return not name
    default = {"dataset": default_dataset()}
    return any(
        not Settings.from_params(default | query).needs_new_run(run.settings)
        for query in (lesson.settings, *lesson.variants.values())
    )


def write_address(run: RunState, settings: Settings) -> None:
    """Keep the address such that a copied link opens the same experiment, and a reload finds its run."""
    wanted = experiment_params(settings) | control_params() | view_params() | filter_params() | {"run": run.id}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _begin(settings: Settings, old: RunState | None) -> RunState:
    """A new run in place of `old`, which is kept for an undo if it has learnt anything."""
    instead_of = old.id if old is not None and old.untouched else ""
    seat_of = old.id if old is not None else ""
    visit = memory.VISIT.get()
    try:
        with st.spinner("Reading the images…", show_time=False):
            run = door.create(NewRun(settings), instead_of, seat_of)
            _change_over(visit, run.id, "" if instead_of else seat_of)
    except door.RefusedError as error:
        st.error(plain(str(error)))
        if old is None:
            door.say_notes()
            st.stop()
        return old
    if old is not None and old.twin is not None:
        memory.TWIN_PROBLEM.set("The twin belonged to the previous run. Make a new twin.")
    if old is not None and not instead_of and door.find_run(old.id) is not None:  # it may have made room
        door.tell(old, Pause())
    assert isinstance(run, RunState)
    return run


def _change_over(visit: memory.Visit, run: str, previous: str) -> None:
    """Remember which run is on show, and which one Undo goes back to, if it is another now. Nothing here may speak to
    Streamlit: another click would end the script run between the two, and leave a run that nobody knows of."""
    before = visit.previous
    visit.run = run
    if previous:
        visit.previous = previous
        door.drop(before)


def _ask(run: RunState, settings: Settings) -> RunState:
    changed = run.settings.differences(settings)
    listed = ", ".join(f"{name.replace('_', ' ')} {spell(old)} → {spell(new)}" for name, (old, new) in changed.items())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**This needs a new run** ({listed}). The run below has made {run.step:,} steps.", width="stretch")
        st.button("Start a new run", type="primary", on_click=safely(replace_run), args=(settings, run))
        st.button("Keep this run", on_click=safely(fill), args=(run.settings,))
    return run
