"""Lessons on the page: one to choose in the sidebar; its question, its prediction and its answer above the board."""

from __future__ import annotations

import streamlit as st

from mlpviz.catalog import default_dataset
from mlpviz.figures.chart import percent
from mlpviz.lessons import Lesson, load_lessons
from mlpviz.page import door, memory
from mlpviz.page.controls import current_lesson, hidden, link_locks
from mlpviz.page.fields import fill
from mlpviz.page.guard import safely
from mlpviz.page.pins import Pinned, pin_by_itself, pinned, unpin_those_by_themselves
from mlpviz.page.views import WATCH
from mlpviz.page.visit import current_run_or_none, replace_run
from mlpviz.page.words import plain
from mlpviz.settings import Settings
from mlpviz.state import RunState


def choose_lesson() -> None:
    """The lessons, in the sidebar; what is wrong with a teacher's file is said below them."""
    if hidden("lessons"):
        return
    lessons, problems = load_lessons()
    st.session_state[memory.LESSON_CHOICE] = memory.LESSON.get()
    st.selectbox(
        "Lesson",
        list(lessons),
        format_func=lambda name: lessons[name].title,
        key=memory.LESSON_CHOICE,
        placeholder="Choose a lesson…",
        on_change=safely(_choose),
        disabled=link_locks(),
        help="An experiment with a question to predict. You can add lessons of your own: docs/CLASS.md says how.",
    )
    for problem in problems:
        st.warning(plain(problem))


def lesson_panel(run: RunState) -> None:
    """What the lesson asks, what to watch, and, behind a click, the answer."""
    lesson = current_lesson()
    if lesson is None:
        return
    with st.container(border=True, key="stack_lesson"):
        left, right = st.columns([6, 5], gap="medium")
        with left:
            st.markdown(f"**{lesson.title}.** {lesson.question}")
            guess = st.radio(
                "Your prediction",
                lesson.options,
                index=None,
                horizontal=True,
                key=f"predict_{lesson.name}",
                persist_state="session",
            )
        with right:
            st.markdown(f"**Watch.** {lesson.watch}")
            _variants(lesson, run)
            shown = st.toggle("Show the answer", key=f"answer_{lesson.name}", persist_state="session")
        if shown:
            _answer(lesson, guess)


def _variants(lesson: Lesson, run: RunState) -> None:
    if not lesson.variants:
        return
    labels = {"As the question has it": lesson.settings} | lesson.variants
    with st.container(horizontal=True, gap="small"):
        for label, query in labels.items():
            settings = _settings(query)
            st.button(
                label,
                key=f"variant_{lesson.name}_{label}",
                type="primary" if run.settings == settings else "secondary",
                on_click=safely(_set_up),
                args=(settings, run),
                help="A new run with these settings; the one at hand stays behind it, pinned.",
            )
    if pins := pinned():
        st.caption(" · ".join(_in_a_word(each, lesson) for each in pins))


def _in_a_word(each: Pinned, lesson: Lesson) -> str:
    """What a letter in the curves stands for, and how far it got."""
    labels = {"as the question has it": lesson.settings} | lesson.variants
    settings = each.snapshot.settings
    label = next((label for label, query in labels.items() if _settings(query) == settings), "another run")
    evaluation = each.snapshot.evaluation()
    return f"**{each.letter}**: {label}, {percent(evaluation[1]) if evaluation else 'untested'}"


def _answer(lesson: Lesson, guess: str | None) -> None:
    right = lesson.options[lesson.right]
    if guess is not None:
        st.markdown(f"You predicted *{guess}*. " + ("**That is right.**" if guess == right else f"It is: **{right}**."))
    st.markdown(lesson.answer)


def _choose() -> None:
    """A callback: set up the lesson that was chosen, in a run of its own."""
    memory.LESSON.set(st.session_state[memory.LESSON_CHOICE])
    lesson = current_lesson()
    unpin_those_by_themselves()
    if lesson is not None:
        settings = _settings(lesson.settings)
        run = current_run_or_none()
        fill(settings)
        if run is not None and not run.untouched:
            replace_run(settings, run)
        st.session_state[memory.VIEW] = WATCH


def _set_up(settings: Settings, run: RunState) -> None:
    run = door.now(run)
    if not run.untouched:
        pin_by_itself(run)
        replace_run(settings, run)
    fill(settings)


def _settings(query: dict[str, str]) -> Settings:
    return Settings.from_params({"dataset": default_dataset()} | query)
