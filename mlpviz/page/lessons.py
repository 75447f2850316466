"""Lessons on the page: one to choose in the sidebar; its question, its prediction and its answer above the board."""

from __future__ import annotations

import streamlit as st

from mlpviz.backend.specifications import BranchFrom
from mlpviz.catalog import default_dataset
from mlpviz.figures.chart import percent
from mlpviz.lessons import Lesson, load_lessons
from mlpviz.page import door, memory
from mlpviz.page.controls import current_lesson, hidden, link_locks
from mlpviz.page.fields import fill
from mlpviz.page.guard import safely
from mlpviz.page.pins import Pinned, pin_by_itself, pinned, unpin_those_by_themselves
from mlpviz.page.views import WATCH
from mlpviz.page.visit import began_with, current_run_or_none, replace_run
from mlpviz.page.words import plain
from mlpviz.settings import Settings, spell
from mlpviz.state import RunState


def choose_lesson() -> None:
    """The lessons, in the sidebar; what is wrong with a teacher's file is said below them."""
    if hidden("lessons"):
        return
    lessons, problems = load_lessons()
    order = list(lessons)
    st.session_state[memory.LESSON_CHOICE] = memory.LESSON.get()
    st.selectbox(
        "Lesson",
        order,
        format_func=lambda name: f"{order.index(name) + 1}. {lessons[name].title}",
        key=memory.LESSON_CHOICE,
        placeholder="Choose a lesson…",
        on_change=safely(_choose),
        disabled=link_locks(),
        help="An experiment: predict its result. You can add lessons of your own: docs/CLASS.md says how.",
    )
    for problem in problems:
        st.warning(plain(problem))


def lesson_panel(run: RunState) -> None:
    """What the lesson asks, what to watch and, in its place after a click, the answer: the figures don't move."""
    lesson = current_lesson()
    if lesson is None:
        return
    with st.container(border=True, key="lesson"):
        left, right = st.columns(2, gap="medium")
        with left:
            _heading(lesson)
            guess = st.radio(
                "Your prediction",
                lesson.options,
                index=None,
                horizontal=True,
                key=f"predict_{lesson.name}",
                label_visibility="collapsed",
                persist_state="session",
            )
            with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
                shown = st.toggle("Show the answer", key=f"answer_{lesson.name}", persist_state="session")
                _next_lesson(lesson)
            if shown and guess is not None:
                _verdict(lesson, guess)
        with right:
            st.markdown(lesson.answer if shown else f"**Watch.** {lesson.watch}")
            _variants(lesson, run)


def _heading(lesson: Lesson) -> None:
    """The lesson's number, its title and its question."""
    order = list(load_lessons()[0])
    number = f"Lesson {order.index(lesson.name) + 1} of {len(order)}: " if lesson.name in order else ""
    st.markdown(f"**{number}{lesson.title}.** {lesson.question}")


def _next_lesson(lesson: Lesson) -> None:
    order = list(load_lessons()[0])
    following = order[order.index(lesson.name) + 1 :] if lesson.name in order else []
    if following and not link_locks() and not hidden("lessons"):
        st.button("Next lesson", key="next_lesson", on_click=safely(_open), args=(following[0],))


FIRST = "Settings of the question"


def _variants(lesson: Lesson, run: RunState) -> None:
    """What is running now, and a button for each of the lesson's settings; that of the run on show is lit."""
    labels = {FIRST: _settings(lesson.settings)} | {name: _settings(query) for name, query in lesson.variants.items()}
    names = {settings: label for label, settings in labels.items()}
    on_show = names.get(began_with(run)) or names.get(run.settings)
    if on_show is None and isinstance(run.specification, BranchFrom):  # it goes on with other live settings, perhaps
        on_show = next((label for label, settings in labels.items() if not settings.needs_new_run(run.settings)), None)
    if len(labels) > 1:
        with st.container(horizontal=True, gap="small"):
            for label, settings in labels.items():
                st.button(
                    label,
                    key=f"variant_{lesson.name}_{label}",
                    type="primary" if label == on_show else "secondary",
                    on_click=safely(_set_up),
                    args=(settings, run),
                    help="Makes a new run with these settings. The run that is there now stays in the figures, pinned.",
                )
    st.caption(_running(labels, on_show, run))
    if pins := pinned():
        st.caption(" · ".join(_in_a_word(each, lesson) for each in pins))


def _in_a_word(each: Pinned, lesson: Lesson) -> str:
    """What a letter in the curves stands for, and how far it got."""
    labels = {FIRST.lower(): lesson.settings} | lesson.variants
    settings = each.snapshot.settings
    label = next((label for label, query in labels.items() if _settings(query) == settings), "another run")
    evaluation = each.snapshot.evaluation()
    return f"**{each.letter}**: {label}, {percent(evaluation[1]) if evaluation else 'not tested'}"


def _running(labels: dict[str, Settings], on_show: str | None, run: RunState) -> str:
    """Which of the lesson's settings the run on show has, and what was changed since."""
    if on_show is None:
        return "Running now: settings other than this lesson’s."
    what = (
        f"Running now: {on_show[0].lower()}{on_show[1:]}" if len(labels) > 1 else "Running now: this lesson’s settings"
    )
    changed = labels[on_show].differences(run.settings)
    now = ", ".join(f"{name.replace('_', ' ')} now {spell(new)}" for name, (_, new) in changed.items())
    return f"{what} ({now})." if now else f"{what}."


def _verdict(lesson: Lesson, guess: str) -> None:
    right = lesson.options[lesson.right]
    agrees = "You were right." if guess == right else f"The answer is: **{right}**."
    st.markdown(f"You predicted *{guess}*. {agrees}")


def _choose() -> None:
    """A callback: set up the lesson that was chosen, in a run of its own."""
    _open(st.session_state[memory.LESSON_CHOICE])


def _open(name: str | None) -> None:
    memory.LESSON.set(name)
    memory.SPEED.forget()  # the lesson has its own
    lesson = current_lesson()
    unpin_those_by_themselves()
    if lesson is not None:
        settings = _settings(lesson.settings)
        run = current_run_or_none()
        fill(settings)
        if run is not None and not (run.untouched and began_with(run) == settings):
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
