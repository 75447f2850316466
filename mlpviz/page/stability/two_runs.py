"""The section “Two runs”: a twin with one changed setting, other seeds, and pinned runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from mlpviz.backend.commands import EndTwin, Pause
from mlpviz.backend.specifications import SeedsOf, TwinOf
from mlpviz.figures.chart import number, percent
from mlpviz.figures.diagnosis import TITLES
from mlpviz.page import door, memory
from mlpviz.page.board import board
from mlpviz.page.controls import locked
from mlpviz.page.fields import LABELS, in_words
from mlpviz.page.guard import safely
from mlpviz.page.overlays import overlays
from mlpviz.page.pins import Pinned, pin_problem, pin_run, pinned, unpin
from mlpviz.page.under_way import SEEDS
from mlpviz.page.visit import current_run_or_none, replace_run
from mlpviz.page.words import plain
from mlpviz.settings import CHOICES, LIVE_FIELDS, Settings, parse, spell
from mlpviz.snapshot import Snapshot, Status
from mlpviz.state import RunState, TwinState

FIELDS = [
    "learning_rate",
    "momentum",
    "weight_decay",
    "batch_size",
    "init_std",
    "init",
    "activation",
    "hidden_sizes",
    "optimizer",
    "train_size",
    "seed",
]
HERE, ANEW = "from here", "both from step 0"


def two_runs(run: RunState, snapshot: Snapshot | None) -> None:
    """Make a twin, watch both runs, test whether the difference is chance, and pin runs."""
    if problem := memory.TWIN_PROBLEM.take():
        st.error(plain(problem))
    if run.twin is not None:
        _twin(run, run.twin)
    else:
        _offer_twin(run)
    board(run, key="twin_board", overlays=overlays(run))
    _pins(run, snapshot)


def _offer_twin(run: RunState) -> None:
    if all(locked(name) for name in FIELDS):
        st.caption("A twin needs one changed setting, but all settings are locked here.")
        return
    st.markdown(
        "**A twin** is this run with one setting changed. The two runs train step by step on the same mini-batches. "
        "Every chart shows both; the twin’s lines are dotted."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        free = [name for name in FIELDS if not locked(name)]
        name = st.selectbox("Change", free, key="twin_field", format_func=LABELS.__getitem__, width=200)
        value = _value(run.settings, name)
        starts = [HERE, ANEW] if run.step and name in LIVE_FIELDS else [ANEW]
        start = st.segmented_control(
            "Begin",
            starts,
            default=starts[0],
            required=True,
            key=f"twin_start_{len(starts)}",
            disabled=len(starts) == 1,
        )
        st.button(
            "Make the twin",
            key="make_twin",
            type="primary",
            on_click=safely(_make),
            args=(run, name, value, start == ANEW and run.step > 0),
        )
    if name == "batch_size":
        st.caption("With another batch size, the images come in the same order, but in mini-batches of another size.")


def _value(settings: Settings, name: str) -> Any:
    """The new value, from a list or a text field."""
    now = getattr(settings, name)
    if name in CHOICES:
        others = [choice for choice in CHOICES[name] if choice != now]
        return st.selectbox("To", others, key=f"twin_to_{name}", width=180)
    return st.text_input(f"From {spell(now)} to", value=_suggestion(settings, name), key=f"twin_to_{name}", width=180)


def _suggestion(settings: Settings, name: str) -> str:
    now = getattr(settings, name)
    match name:
        case "learning_rate" | "init_std":
            return f"{now * 3:g}" if now else "0.1"
        case "momentum":
            return "0.9" if not now else "0.0"
        case "weight_decay":
            return "0.001" if not now else "0.0"
        case "batch_size":
            return str(max(1, now // 4))
        case "hidden_sizes":
            return "256-256" if len(now) == 1 else "256"
        case "train_size":
            return "1000"
        case _:
            return str(now + 1)


def _make(run: RunState, name: str, value: Any, from_start: bool) -> None:
    """A callback: make a twin of this run, or of a new run that replaces it."""
    run = door.now(run)
    try:
        parsed = parse(name, value) if isinstance(value, str) else value
        changed = run.settings.replace(**{name: parsed})
        if changed == run.settings:
            raise ValueError(f"{LABELS[name]} is already {spell(parsed)}. Choose another value for the twin.")
        if from_start:
            replace_run(run.settings, run)
            run = current_run_or_none() or run
        door.create(TwinOf(run.id, ((name, parsed),)))
    except ValueError as error:
        memory.TWIN_PROBLEM.set(in_words(error))
    except door.RefusedError as error:
        memory.TWIN_PROBLEM.set(str(error))


def _twin(run: RunState, twin: TwinState) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.markdown(f"**The twin**: {twin.what}. **Start** trains both.", width="stretch")
        seeds = st.number_input("Other seeds", 2, 10, 5, key="seeds", width=130)
        st.button(
            "Is it chance?",
            key="try_seeds",
            on_click=safely(_try_seeds),
            args=(run, twin, seeds),
            disabled=run.step == 0 or "seed" in dict(twin.changes),
            help="Pauses your two runs. Then trains the same pair with other seeds, up to the step that your runs "
            f"have reached ({SeedsOf.most_steps:,} steps at most).",
        )
        st.button("End the twin", key="end_twin", on_click=safely(_end_twin), args=(run,))
    SEEDS.say_problem()
    task = SEEDS.state()
    if task is not None and task.specification == _seeds(run, twin, getattr(task.specification, "seeds", 0)):
        board(task, key="seeds_board")


def _end_twin(run: RunState) -> None:
    door.tell(run, EndTwin(), door.PATIENCE)


def _seeds(run: RunState, twin: TwinState, seeds: int) -> SeedsOf:
    return SeedsOf(run.id, run.settings, twin.changes, twin.begun_at, seeds)


def _try_seeds(run: RunState, twin: TwinState, seeds: int) -> None:
    """A callback: train the same pair with other seeds, up to the step that the two have reached."""
    run = door.tell(run, Pause(), door.PATIENCE)
    SEEDS.begin(_seeds(run, twin, seeds))


def _pins(run: RunState, snapshot: Snapshot | None) -> None:
    pins = pinned()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            "**Pinned runs** stay in the charts as faint lines with a letter, six at most."
            if pins
            else "**Pin** a run to keep it in the charts, as faint lines behind later runs.",
            width="stretch",
        )
        st.button(
            "Pin this run",
            key="pin",
            icon=":material/push_pin:",
            on_click=safely(pin_run),
            args=(run,),
            disabled=run.step == 0 or run.status == Status.TRAINING,
            help="Keeps this run in its present state. Only a paused or finished run can be pinned.",
        )
    pin_problem()
    if not pins:
        return
    st.dataframe(_table(pins, run, snapshot), hide_index=True)
    with st.container(horizontal=True, gap="small"):
        for each in pins:
            st.button(f"Unpin {each.letter}", key=f"unpin_{each.letter}", on_click=safely(unpin), args=(each.letter,))


def _table(pins: list[Pinned], run: RunState, snapshot: Snapshot | None) -> pd.DataFrame:
    """A row for each run: the settings that differ, the step, and the results."""
    snapshots = [(each.letter, each.snapshot) for each in pins]
    shown = [(letter, pinned.settings, pinned) for letter, pinned in snapshots]
    if snapshot is not None:
        shown.append(("this run", run.settings, snapshot))  # its settings may be newer than its snapshot
    first = shown[0][1]
    differing = {name for _, settings, _ in shown for name in first.differences(settings)}
    names = [name for name in first.to_dict() if name in differing]
    return pd.DataFrame([_row(label, settings, snapshot, names) for label, settings, snapshot in shown])


def _row(label: str, settings: Settings, snapshot: Snapshot, names: list[str]) -> dict[str, str]:
    evaluation = snapshot.evaluation()
    spelt = {name.replace("_", " "): spell(getattr(settings, name)) for name in names}
    changes = "; ".join(f"{text} at {step:,}" for step, text in snapshot.changes)
    return (
        {"run": label}
        | spelt
        | {
            "step": f"{snapshot.step:,}",
            "train loss": number(snapshot.recent[0]) if snapshot.recent else "–",
            "test loss": number(evaluation[0]) if evaluation else "–",
            "test accuracy": percent(evaluation[1]) if evaluation else "–",
            "diagnosis": TITLES[snapshot.diagnosis.kind] if snapshot.diagnosis else "–",
            "changes while it trained": changes or "–",
        }
    )
