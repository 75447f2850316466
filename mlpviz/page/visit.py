"""Whose run this page shows: the visitor's own, found again after a reload, or a new one."""

from __future__ import annotations

import secrets

import streamlit as st

from mlpviz.datasets import DatasetError, load_dataset
from mlpviz.engine import EngineFullError
from mlpviz.live.engine import get_engine
from mlpviz.live.visitor import COOKIE
from mlpviz.page.controls import control_params, experiment_params
from mlpviz.page.fields import fill
from mlpviz.page.test_images.filters import filter_params
from mlpviz.page.views import view_params
from mlpviz.run import Run
from mlpviz.settings import LIVE_FIELDS, Settings, spell


def current_run(settings: Settings) -> Run:
    """The run to show, brought into line with `settings` where that loses nothing; else the page asks first."""
    run = _find()
    if run is None:
        return _begin(settings, None)
    if run.settings == settings:
        return run
    if not run.settings.needs_new_run(settings):
        get_engine().change(run, settings).wait(0.5)
        return run
    if run.step == 0:
        return _begin(settings, run)
    return _ask(run, settings)


def replace_run(settings: Settings, run: Run) -> None:
    """A fresh run in place of `run`, which can be had back."""
    _begin(settings, run)


def show_instead(other: Run, run: Run) -> None:
    """Show `other` from now on; `run` rests, and an undo goes back to it."""
    get_engine().pause(run)
    _drop_previous()
    st.session_state.previous = run.id
    st.session_state.run = other.id
    _hand_over_seat(run, other)
    fill(other.settings)


def current_run_or_none() -> Run | None:
    """The run that this visit shows now, if there is one yet."""
    return _find()


def undo() -> None:
    """Back to the run before the latest reset."""
    run = _find()
    previous = get_engine().find(st.session_state.pop("previous", ""), visitor())
    if previous is None:
        return
    if run is not None and run.step > 0:  # it has learnt something since: undo may be undone
        get_engine().pause(run)
        st.session_state.previous = run.id
    elif run is not None:
        get_engine().drop(run)
    st.session_state.run = previous.id
    if run is not None:
        _hand_over_seat(run, previous)
    fill(previous.settings)


def previous_run() -> Run | None:
    """The run that `undo` goes back to."""
    return get_engine().find(st.session_state.get("previous", ""), visitor())


def visitor() -> str:
    """The browser's cookie; without one, a name for this session alone."""
    return st.context.cookies.get(COOKIE) or st.session_state.setdefault("visitor", secrets.token_urlsafe(24))


def write_address(run: Run, settings: Settings) -> None:
    """Keep the address such that a copied link opens the same experiment, and a reload finds its run."""
    wanted = experiment_params(settings) | control_params() | view_params() | filter_params() | {"run": run.id}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _find() -> Run | None:
    run_id = st.session_state.get("run") or st.query_params.get("run", "")
    run = get_engine().find(run_id, visitor())
    if run is not None:
        st.session_state.run = run.id
    return run


def _begin(settings: Settings, old: Run | None) -> Run:
    """A new run in place of `old`, which is kept for an undo if it has learnt anything."""
    engine = get_engine()
    try:
        with st.spinner("Reading the images…", show_time=False):
            untrained = old if old is not None and old.step == 0 else None
            run = engine.create(settings, load_dataset(settings.dataset), visitor(), instead_of=untrained)
    except (ValueError, DatasetError, EngineFullError) as error:
        st.error(str(error))
        if old is None:
            st.stop()
        return old
    st.session_state.run = run.id
    if old is not None:
        _hand_over_seat(old, run)
    if old is not None and old.twin is not None:
        st.session_state.twin_problem = "The twin was of the run before this one: make another."
    if old is not None and untrained is None:
        engine.pause(old)
        _drop_previous()
        st.session_state.previous = old.id
    return run


def _hand_over_seat(old: Run, new: Run) -> None:
    """Who watches by a link goes on with the run that is shown now."""
    old.token, new.token = new.token, old.token


def _drop_previous() -> None:
    previous = previous_run()
    if previous is not None:
        get_engine().drop(previous)


def _ask(run: Run, settings: Settings) -> Run:
    changed = {n: pair for n, pair in run.settings.differences(settings).items() if n not in LIVE_FIELDS}
    listed = ", ".join(f"{name.replace('_', ' ')} {spell(old)} → {spell(new)}" for name, (old, new) in changed.items())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**This needs a new run** ({listed}). The one below has made {run.step:,} steps.", width="stretch")
        st.button("Start a new run", type="primary", on_click=replace_run, args=(settings, run))
        st.button("Keep this run", on_click=fill, args=(run.settings,))
    return run
