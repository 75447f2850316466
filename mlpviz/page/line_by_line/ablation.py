"""What if a line were gone? Predict, run, compare."""

from __future__ import annotations

from functools import cache

import streamlit as st

from mlpviz.backend.commands import Pause
from mlpviz.backend.specifications import CompareWith
from mlpviz.figures.comparison import OUTCOMES, outcome
from mlpviz.line_by_line.script import diff, edited, parts
from mlpviz.line_by_line.what_ifs import WHAT_IFS, WhatIf
from mlpviz.page import door, memory
from mlpviz.page.board import board
from mlpviz.page.guard import safely
from mlpviz.page.texts import TEXT
from mlpviz.page.under_way import COMPARISON
from mlpviz.settings import Settings
from mlpviz.snapshot import ComparisonSnapshot, Status
from mlpviz.state import RunState, TaskState

SECTION = "What if a line were gone?"  # the name of the section


def what_if_section(run: RunState) -> None:
    """On the left, the changes to choose from. On the right, the changed line, a prediction, and both curves."""
    left, right = st.columns([3, 7], gap="medium")
    with left:
        name = st.radio(
            SECTION,
            list(WHAT_IFS),
            format_func=lambda name: WHAT_IFS[name].title,
            key=memory.WHAT_IF,
            label_visibility="collapsed",
            persist_state="session",
        )
        st.caption(
            f"The changed program trains beside the original for {WHAT_IFS[name].steps:,} steps. Apart from the "
            "change, both use the same settings, seed and mini-batches. Your own run is paused and stays as it is."
        )
    what_if = WHAT_IFS[name]
    with right:
        if reason := what_if.pointless(run.settings):
            st.info(f"{reason} There is nothing to compare.")
            return
        st.code(_listing(what_if, run.settings), language="diff")
        if what_if.note:
            st.caption(what_if.note)
        _predict_and_run(run, what_if)


def offer_what_ifs(line: str) -> None:
    """Beside a line of the script: a button for each change of that line."""
    names = [name for name, what_if in WHAT_IFS.items() if what_if.line == line]
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("What if?")
        for name in names:
            st.button(WHAT_IFS[name].title, key=f"try_{name}", on_click=safely(_choose), args=(name,))


def _choose(name: str) -> None:
    st.session_state[memory.SECTION] = SECTION
    st.session_state[memory.WHAT_IF] = name


def _listing(what_if: WhatIf, settings: Settings) -> str:
    """The lines that change, with some lines before and after."""
    settings = what_if.adapt(settings)
    before = parts(settings, 1)
    return around_changes(diff(before, edited(before, what_if.edits(settings))))


def around_changes(listing: str, context: int = 2) -> str:
    """The changed lines of a listing, with `context` lines before and after."""
    lines = listing.splitlines()
    changed = [i for i, line in enumerate(lines) if line[:1] in "+-"]
    if not changed:
        return "  (these settings have no such line, so nothing changes)"
    return "\n".join(lines[max(0, changed[0] - context) : changed[-1] + context + 1])


def _predict_and_run(run: RunState, what_if: WhatIf) -> None:
    comparison = _comparison(run, what_if)
    status = comparison.status if comparison is not None else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        guess = st.segmented_control(
            "What will happen?",
            list(OUTCOMES),
            format_func=OUTCOMES.__getitem__,
            key=f"guess_{what_if.name}",
            persist_state="session",
            wrap=True,
            help="Both programs are compared after the same number of steps, by the accuracy that each one reports.",
        )
        label = "Run both" if comparison is None else "Run again"
        st.button(label, type="primary", key="run_both", on_click=safely(_run), args=(run, what_if))
        if status == Status.TRAINING:
            st.button("Stop", key="stop_both", on_click=safely(COMPARISON.stop))
    COMPARISON.say_problem()
    if comparison is not None:
        _answer(comparison, guess)
        board(comparison, key="comparison_board")
    with st.expander("What happens, and why", expanded=status == Status.FINISHED):
        if _unlike_the_article(run.settings):
            st.caption("This text describes the article’s settings; yours differ.")
        st.markdown(_text(what_if.name))


def _answer(comparison: TaskState, guess: str | None) -> None:
    snapshot = door.task_snapshot(comparison)
    if not isinstance(snapshot, ComparisonSnapshot) or snapshot.status != Status.FINISHED:
        return
    what = OUTCOMES[outcome(snapshot)]
    verdict = f"The result is **{what}**. "
    if guess is not None:
        right = guess == outcome(snapshot)
        verdict = f"You predicted *{OUTCOMES[guess]}*. {verdict}{'You were right. ' if right else ''}"
    st.markdown(verdict + " ".join(snapshot.facts))


def _unlike_the_article(settings: Settings) -> bool:
    full = "fashion-mnist" if settings.dataset == "fashion-mnist-mini" else settings.dataset
    return settings.replace(dataset=full, seed=0, epochs=10, device="auto") != Settings()


def _specification(run: RunState, what_if: WhatIf) -> CompareWith:
    """What is compared. The number of epochs makes no difference."""
    return CompareWith(run.settings.replace(epochs=1), what_if.name)


def _comparison(run: RunState, what_if: WhatIf) -> TaskState | None:
    """The current comparison, if it still exists and is of this change and these settings."""
    state = COMPARISON.state()
    return state if state is not None and state.specification == _specification(run, what_if) else None


def _run(run: RunState, what_if: WhatIf) -> None:
    door.tell(run, Pause())
    COMPARISON.begin(_specification(run, what_if))


@cache
def _text(name: str) -> str:
    return (TEXT / "ablations" / f"{name}.md").read_text(encoding="utf-8").replace("## ", "##### ")
