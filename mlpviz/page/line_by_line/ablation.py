"""What if a line were gone? Predict, run, compare."""

from __future__ import annotations

from functools import cache

import streamlit as st

from mlpviz.engine import EngineFullError
from mlpviz.figures.comparison import OUTCOMES, outcome
from mlpviz.line_by_line.ablations import ABLATIONS, Ablation
from mlpviz.line_by_line.comparison import Comparison, compared_settings
from mlpviz.line_by_line.script import diff, edited, parts
from mlpviz.live.engine import get_engine
from mlpviz.page.board import board
from mlpviz.page.texts import TEXT
from mlpviz.page.visit import visitor
from mlpviz.run import Run
from mlpviz.settings import Settings
from mlpviz.snapshot import ComparisonSnapshot

WHAT_IF = "What if a line were gone?"  # the section's name


def what_if(run: Run, status: str) -> None:
    """A change to choose on the left; on the right the changed line, a prediction to make, and the two curves."""
    left, right = st.columns([3, 7], gap="medium")
    with left:
        name = st.radio(
            WHAT_IF,
            list(ABLATIONS),
            format_func=lambda name: ABLATIONS[name].title,
            key="ablation",
            label_visibility="collapsed",
            persist_state="session",
        )
        st.caption(
            "Each changes the real loop and runs it beside the right one: same settings, same seed, same mini-batches, "
            f"{ABLATIONS[name].steps:,} steps each. Your own run rests meanwhile, untouched."
        )
    ablation = ABLATIONS[name]
    with right:
        if reason := ablation.pointless(run.settings):
            st.info(f"{reason} There is nothing to compare.")
            return
        st.code(_listing(ablation, run.settings), language="diff")
        if ablation.note:
            st.caption(ablation.note)
        _predict_and_run(run, ablation)


def offer_ablations(line: str) -> None:
    """Beside a line of the script: a button for each change that concerns it."""
    names = [name for name, ablation in ABLATIONS.items() if ablation.line == line]
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("What if?")
        for name in names:
            st.button(ABLATIONS[name].title, key=f"try_{name}", on_click=_choose, args=(name,))


def _choose(name: str) -> None:
    st.session_state.section = WHAT_IF
    st.session_state.ablation = name


def _listing(ablation: type[Ablation], settings: Settings) -> str:
    """The change in its place: the lines that it touches, among their neighbours."""
    settings = ablation.adapt(settings)
    before = parts(settings, 1)
    return around_changes(diff(before, edited(before, ablation.edits(settings))))


def around_changes(listing: str, context: int = 2) -> str:
    """The changed lines of a listing, with so many lines before and after."""
    lines = listing.splitlines()
    changed = [i for i, line in enumerate(lines) if line[:1] in "+-"]
    if not changed:
        return "  (these settings have no such line: nothing changes)"
    return "\n".join(lines[max(0, changed[0] - context) : changed[-1] + context + 1])


def _predict_and_run(run: Run, ablation: type[Ablation]) -> None:
    comparison = _comparison(ablation, run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        guess = st.segmented_control(
            "What will become of it?",
            list(OUTCOMES),
            format_func=OUTCOMES.__getitem__,
            key=f"guess_{ablation.name}",
            persist_state="session",
            wrap=True,
            help="Against the right program, after the same number of steps, by the accuracy that each reports.",
        )
        label = "Run both" if comparison is None else "Run again"
        st.button(label, type="primary", key="run_both", on_click=_run, args=(ablation, run))
        status = _status(comparison)
        if status == "training":
            st.button("Stop", key="stop_both", on_click=_stop)
    if problem := st.session_state.pop("comparison_problem", ""):
        st.error(problem)
    if comparison is not None:
        _answer(comparison, ablation, guess)
        board(comparison, status, key="comparison_board")
    with st.expander("What happens, and why", expanded=status == "finished"):
        if _unlike_the_article(run.settings):
            st.caption("This text speaks of the article’s settings; yours differ.")
        st.markdown(_text(ablation.name))


def _answer(comparison: Comparison, ablation: type[Ablation], guess: str | None) -> None:
    snapshot = comparison.snapshot
    if not isinstance(snapshot, ComparisonSnapshot) or snapshot.status != "finished":
        return
    what = OUTCOMES[outcome(snapshot)]
    verdict = f"It turned out **{what}**. "
    if guess is not None:
        right = guess == outcome(snapshot)
        verdict = f"You predicted *{OUTCOMES[guess]}*; it turned out **{what}**{'. Well foreseen! ' if right else '. '}"
    st.markdown(verdict + " ".join(snapshot.facts))


def _unlike_the_article(settings: Settings) -> bool:
    full = "fashion-mnist" if settings.dataset == "fashion-mnist-mini" else settings.dataset
    return settings.replace(dataset=full, seed=0, epochs=10, device="auto") != Settings()


def _comparison(ablation: type[Ablation], run: Run) -> Comparison | None:
    """The comparison on show, if it is of this change and these settings and still exists."""
    kept = get_engine().watch(st.session_state.get("comparison", ""))
    if not isinstance(kept, Comparison) or kept.ablation is not ablation:
        return None
    return kept if kept.settings == compared_settings(run.settings, ablation) else None


def _status(comparison: Comparison | None) -> str:
    """As its latest snapshot has it, so that what is said of the end is there when the end is."""
    if comparison is None:
        return ""
    return comparison.snapshot.status if comparison.snapshot is not None else "training"


def _run(ablation: type[Ablation], run: Run) -> None:
    engine = get_engine()
    engine.pause(run)
    try:
        comparison = Comparison(run.settings, run.trainer.dataset, ablation, visitor())
        engine.add(comparison, instead_of=engine.watch(st.session_state.get("comparison", "")))
        st.session_state.comparison = comparison.token
    except (ValueError, EngineFullError) as error:
        st.session_state.comparison_problem = str(error)


def _stop() -> None:
    comparison = get_engine().watch(st.session_state.pop("comparison", ""))
    if comparison is not None:
        get_engine().drop(comparison)


@cache
def _text(name: str) -> str:
    return (TEXT / "ablations" / f"{name}.md").read_text(encoding="utf-8").replace("## ", "##### ")
