"""Whose run this page shows: the visitor's own, found again after a reload, or a new one."""

from __future__ import annotations

import streamlit as st

from mlpviz.backend.commands import Change, Pause
from mlpviz.backend.specifications import NewRun
from mlpviz.page import door, memory
from mlpviz.page.controls import control_params, experiment_params
from mlpviz.page.fields import fill
from mlpviz.page.images.filters import filter_params
from mlpviz.page.views import view_params
from mlpviz.settings import LIVE_FIELDS, Settings, spell
from mlpviz.state import RunState, TaskState


def current_run(settings: Settings) -> RunState:
    """The run to show, brought into line with `settings` where that loses nothing; else the page asks first. This is
    where a script run reads its state, once."""
    run = current_run_or_none()
    if run is None:
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
    run = door.find_run(memory.RUN.get() or st.query_params.get("run", ""))
    if run is not None:
        memory.RUN.set(run.id)
    return run


def replace_run(settings: Settings, run: RunState) -> None:
    """A callback: a fresh run in place of `run`, which can be had back."""
    _begin(settings, door.now(run))


def show_instead(other: RunState, run: RunState) -> None:
    """Show `other` from now on; `run` rests, and an undo goes back to it."""
    door.tell(run, Pause())
    _drop_previous()
    memory.PREVIOUS.set(run.id)
    memory.RUN.set(other.id)
    door.swap_seats(run, other)
    fill(other.settings)


def undo() -> None:
    """A callback: back to the run before the latest reset."""
    run, previous = current_run_or_none(), previous_run()
    memory.PREVIOUS.forget()
    if previous is None:
        return
    if run is not None:
        door.swap_seats(run, previous)
        if not run.untouched:  # it has learnt something since: undo may be undone
            door.tell(run, Pause())
            memory.PREVIOUS.set(run.id)
        else:
            door.drop(run.id)
    memory.RUN.set(previous.id)
    fill(previous.settings)


def previous_run() -> RunState | None:
    """The run that `undo` goes back to."""
    return door.find_run(memory.PREVIOUS.get())


def write_address(run: RunState, settings: Settings) -> None:
    """Keep the address such that a copied link opens the same experiment, and a reload finds its run."""
    wanted = experiment_params(settings) | control_params() | view_params() | filter_params() | {"run": run.id}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _begin(settings: Settings, old: RunState | None) -> RunState:
    """A new run in place of `old`, which is kept for an undo if it has learnt anything."""
    untouched = old is not None and old.untouched
    old_id = old.id if old is not None else ""
    try:
        with st.spinner("Reading the images…", show_time=False):
            run = _run(door.create(NewRun(settings), instead_of=old_id if untouched else "", seat_of=old_id))
    except door.RefusedError as error:
        st.error(str(error))
        if old is None:
            st.stop()
        return old
    memory.RUN.set(run.id)
    if old is not None and old.twin is not None:
        memory.TWIN_PROBLEM.set("The twin was of the run before this one: make another.")
    if old is not None and not untouched:
        door.tell(old, Pause())
        _drop_previous()
        memory.PREVIOUS.set(old.id)
    return run


def _run(state: TaskState) -> RunState:
    assert isinstance(state, RunState)
    return state


def _drop_previous() -> None:
    previous = previous_run()
    if previous is not None:
        door.drop(previous.id)


def _ask(run: RunState, settings: Settings) -> RunState:
    changed = {n: pair for n, pair in run.settings.differences(settings).items() if n not in LIVE_FIELDS}
    listed = ", ".join(f"{name.replace('_', ' ')} {spell(old)} → {spell(new)}" for name, (old, new) in changed.items())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**This needs a new run** ({listed}). The one below has made {run.step:,} steps.", width="stretch")
        st.button("Start a new run", type="primary", on_click=replace_run, args=(settings, run))
        st.button("Keep this run", on_click=fill, args=(run.settings,))
    return run
