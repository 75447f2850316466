"""The view “Runs”, from top to bottom."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import streamlit as st

from mlpviz.figures.runs import RESULTS, differing, loss_curves, parallel, scatter
from mlpviz.grid import LOG
from mlpviz.page import door, memory
from mlpviz.page.board import board
from mlpviz.page.guard import safely
from mlpviz.page.plot import plot
from mlpviz.page.runs import actions
from mlpviz.page.runs.table import as_csv, choose, matches
from mlpviz.page.words import plain
from mlpviz.state import RunState, SavedRun

MOST_RUNS, MOST_MB = 200, 500  # of one visitor, as in `mlpviz.store.store`
NEARLY = 0.9  # of these: then the page says so


def saved_runs(run: RunState) -> None:
    """The table of the visitor's runs, what can be done with them, and figures that compare them."""
    board(run, key="strip", strip_only=True)
    if not door.saves():
        st.info("This server doesn’t save runs. Whoever runs it can turn saving on: leave out “--store none”.")
        return
    if trouble := door.trouble_with_saving():
        st.warning(plain(trouble))
    runs = sorted(door.saved_runs(), key=lambda saved: -saved.made_at)
    _deleted()
    if not runs:
        st.info("You have no saved runs yet. A run is saved by itself as soon as it has trained.")
        if door.saved_maps():
            _room()
        return
    wanted = st.text_input("Find", placeholder="a name, a setting, a diagnosis… Then press Enter.", key="find_runs")
    found = [saved for saved in runs if matches(saved, wanted)]
    if not found:
        st.info(plain(f"No run found for “{wanted}”. You have {len(runs)} runs."))
    else:
        _table(found, run)
    _room(runs)


def _table(found: Sequence[SavedRun], run: RunState) -> None:
    chosen = choose(found, run.id)
    if not chosen:
        st.caption("Tick a run to open, name or delete it. Tick several to compare them.")
    elif len(chosen) == 1:
        _one(chosen[0], run)
    else:
        _several(chosen, run)


def _one(saved: SavedRun, run: RunState) -> None:
    here = saved.id == run.id
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _button(
            "Open this run", lambda: actions.open_run(saved, run), "Show it on the page.", disabled=here, primary=True
        )
        _button("Branch", lambda: actions.branch_off(saved, run), "Start a new run from this one’s last checkpoint.")
        _button("Pin", lambda: actions.pin_saved([saved], run), "Show its curves in Watch.")
        _button(
            "Delete",
            lambda: actions.delete([saved], run),
            "You can undo this for an hour.",
            disabled=here or saved.elsewhere,
        )
    left, right = st.columns([1, 2])
    keep = functools.partial(actions.write_words, saved)
    left.text_input("Name", saved.name, max_chars=80, key=f"{memory.RUN_NAME}_{saved.id}", on_change=safely(keep))
    right.text_input("Note", saved.note, max_chars=400, key=f"{memory.RUN_NOTE}_{saved.id}", on_change=safely(keep))
    plot(loss_curves([saved]), key="runs_curve", height=240)


def _several(chosen: Sequence[SavedRun], run: RunState) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _button(
            f"Pin {len(chosen)} runs",
            lambda: actions.pin_saved(chosen, run),
            "Show their curves in Watch.",
        )
        _button(f"Delete {len(chosen)} runs", lambda: actions.delete(chosen, run), "You can undo this for an hour.")
    plot(loss_curves(chosen), key="runs_curves", height=320)
    names = differing(chosen)
    if not names:
        st.caption("These runs have the same settings.")
        return
    left, right = st.columns(2)
    first = next((name for name in LOG if name in names), names[0])
    with left:
        across = st.selectbox("Setting", names, names.index(first), format_func=_words, key=memory.RUNS_ACROSS)
    with right:
        up = st.selectbox("Result", list(RESULTS), key=memory.RUNS_UP)
    plot(scatter(chosen, across, up), key="runs_scatter", height=300)
    plot(parallel(chosen), key="runs_parallel", height=320)


def _deleted() -> None:
    """After a deletion: what was deleted, and the way back."""
    count = len(memory.DELETED.get())
    if count:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{count} run{'s' if count > 1 else ''} deleted.")
            _button("Undo the deletion", actions.undo_delete, "Bring back what was deleted last.")


def _room(runs: Sequence[SavedRun] = ()) -> None:
    """How much is saved, how much can be, the whole table as a file, and how to delete everything."""
    (count, size), maps = door.usage(), len(door.saved_maps())
    megabytes = size / 10**6
    named = f"{len(runs)} saved runs" + (f" and {maps} map{'s' if maps > 1 else ''}" if maps else "")
    each = " A map counts as one run." if maps else ""
    used = f"You have {named} ({megabytes:,.0f} MB). At most, {MOST_RUNS} runs or {MOST_MB} MB are saved.{each}"
    if max(count / MOST_RUNS, megabytes / MOST_MB) >= NEARLY:
        st.warning(f"{used} Beyond that, each new run replaces your oldest one. Runs with a name or a note go last.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(used)
        if runs:
            st.download_button(
                "All as CSV", functools.partial(as_csv, runs), "mlpviz-runs.csv", "text/csv", icon=":material/download:"
            )
        with st.popover("Forget me"):
            st.markdown(
                "This deletes all your runs and maps on this server, with their names, notes and pins, and the run on "
                "the page. You can’t undo it."
            )
            _button("Delete everything", actions.forget_me, "You can’t undo it.")


def _button(label: str, act: object, help_text: str, disabled: bool = False, primary: bool = False) -> None:
    st.button(
        label,
        key=f"runs_{label.split()[0]}_{label.split()[-1]}",
        on_click=safely(act),  # type: ignore[arg-type]
        help=help_text,
        disabled=disabled,
        type="primary" if primary else "secondary",
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
