"""The teacher's board, from top to bottom."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable
from typing import Literal

import streamlit as st

from mlpviz.classroom.classroom import Classroom, Member
from mlpviz.classroom.codes import spoken
from mlpviz.classroom.question import Question
from mlpviz.classroom.table import as_csv
from mlpviz.figures.classroom import seat_label
from mlpviz.lessons import load_lessons
from mlpviz.page import door, memory
from mlpviz.page.board import Points, board
from mlpviz.page.classroom import actions
from mlpviz.page.classroom.invitation import invitation
from mlpviz.page.classroom.teacher import my_class
from mlpviz.page.guard import safely
from mlpviz.page.map.axes import choose_deal
from mlpviz.page.words import plain
from mlpviz.settings import Settings
from mlpviz.snapshot import Status
from mlpviz.state import RunState, TaskState

ASK_WHAT = "What will happen to the loss?"
ASK_OPTIONS = "It falls\nIt stays where it is\nIt rises"


def class_view(run: RunState, settings: Settings) -> None:
    """The board of the class, or the run of one student, with all that the teacher can do. `settings` are the
    sidebar's."""
    room = my_class()
    if room is None:
        st.info("You have no class. In the sidebar, below “Class”, you can open one.")
        return
    with st.container(key="class_bar", horizontal=True, vertical_alignment="center", gap="small"):
        _bar(room, settings)
    if room.question is not None:
        _question(room, room.question)
    if st.session_state.get(memory.CLASS_INVITES):
        invitation(room.code)
    member = next((each for each in room.present() if each.id == memory.CLASS_SHOWN.get()), None)
    if member is not None:
        _one(room, member, settings)
    else:
        state = TaskState(id=room.id, token=room.token, status=Status.PAUSED, step=0, total_steps=0, version=0)
        points = Points(1, functools.partial(actions.show_at, room), lambda *corners: None)
        count = len(room.present())  # the page runs when it changes: its lists name the students
        members = functools.partial(actions.show, room)
        board(state, key="class_board", evaluations=count, points=points, members=members)


def _bar(room: Classroom, settings: Settings) -> None:
    """The code, and what the teacher can do with everybody."""
    st.html(f'<p class="mlpviz-code">Class <b>{html.escape(spoken(room.code))}</b></p>', width="content")
    st.toggle("How to join", key=memory.CLASS_INVITES, value=not room.present(), persist_state="session")
    kind: Literal["primary", "secondary"] = "secondary" if room.question is not None else "primary"
    st.button("Start all", key="class_start", type=kind, on_click=safely(actions.start_all), args=(room,))
    st.button("Pause all", key="class_pause", on_click=safely(actions.pause_all), args=(room,))
    if room.sentence:
        st.button("Let go", key="class_let_go", type="primary", on_click=safely(actions.let_go), args=(room,))
    else:
        with st.popover("Eyes here"):
            _eyes(room)
    with st.popover("Lesson for all"):
        _lesson(room, settings)
    with st.popover("Deal"):
        _deal(room, settings)
    with st.popover("Predict"):
        _predict(room)
    with st.popover("Students"):
        _students(room)
    with st.popover("More"):
        _end(room)


def _eyes(room: Classroom) -> None:
    st.markdown(
        "All runs pause, and all screens show this sentence, until you press *Let go*. Then what trained goes on."
    )
    st.text_input("Sentence", "Look at the front, please.", key=memory.CLASS_SENTENCE, max_chars=300)
    st.button("Show it on all screens", key="class_eyes", on_click=safely(actions.eyes_here), args=(room,))


def _lesson(room: Classroom, settings: Settings) -> None:
    lessons = load_lessons()[0]
    order = list(lessons)
    st.markdown("Everybody gets a new run with the settings of a lesson, and sees the lesson.")
    st.selectbox(
        "Lesson",
        order,
        order.index(room.lesson) if room.lesson in order else None,
        format_func=lambda name: f"{order.index(name) + 1}. {lessons[name].title}",
        key=memory.CLASS_LESSON,
        placeholder="Choose a lesson…",
    )
    st.button("Send everybody there", key="class_lesson_go", on_click=safely(actions.to_lesson), args=(room,))
    st.markdown("Or everybody gets a new run with the settings of your sidebar.")
    st.button("Give everybody my settings", key="class_set", on_click=safely(actions.set_all), args=(room, settings))


def _deal(room: Classroom, settings: Settings) -> None:
    st.markdown(
        "Choose two settings. Each student gets a new run with a pair of values. All other settings come from "
        "your sidebar. Together, the class fills the map."
        + (
            " Each student’s earlier runs stay in their list of runs."
            if door.saves()
            else " The earlier runs are lost."
        )
    )
    grid = choose_deal(settings)
    if grid is not None:
        again = " Some students share a pair." if len(room.present()) > len(grid) else ""
        st.caption(f"{len(grid)} pairs of values, for {_count(room)}.{again}")
        st.button(
            "Deal to everybody",
            key="class_deal",
            type="primary",
            on_click=safely(actions.deal),
            args=(room, grid),
        )


def _predict(room: Classroom) -> None:
    st.markdown("The question appears on all screens. The predictions stay hidden until you show them.")
    lesson = load_lessons()[0].get(room.lesson)
    if lesson is not None:
        st.button(
            f"Ask the question of the lesson “{plain(lesson.title)}”",
            key="class_ask_lesson",
            on_click=safely(actions.ask_of_lesson),
            args=(room,),
        )
    st.text_input("Question", ASK_WHAT, key=memory.CLASS_QUESTION, max_chars=300)
    st.text_area("Answers to choose from, one on each line", ASK_OPTIONS, key=memory.CLASS_OPTIONS, height=110)
    st.button("Ask", key="class_ask", type="primary", on_click=safely(actions.ask), args=(room,))


def _question(room: Classroom, question: Question) -> None:
    """The question that is open, and the next step with it."""
    with st.container(key="class_question", border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(question.text)}**", width="stretch")
        if not question.shown:
            st.button("Show the predictions", key="class_show", on_click=safely(actions.show_answers), args=(room,))
            st.button(
                "Show predictions and start all",
                key="class_show_start",
                type="primary",
                on_click=safely(actions.show_answers),
                args=(room, True),
            )
        elif question.outcome is None and question.right is not None:
            st.button(
                "Show the right answer",
                key="class_outcome_lesson",
                on_click=safely(actions.tell_outcome),
                args=(room, question.right),
            )
        else:
            st.selectbox(
                "What happened?",
                question.options,
                index=question.outcome,
                key=memory.CLASS_OUTCOME,
                placeholder="What happened?",
                label_visibility="collapsed",
                width=260,
            )
            st.button("Show what happened", key="class_outcome", on_click=safely(actions.tell_outcome), args=(room,))
        st.button("End the question", key="class_close_question", on_click=safely(actions.close_question), args=(room,))


def _students(room: Classroom) -> None:
    members = {member.id: member for member in room.present()}
    st.toggle(
        "Hide names",
        room.hides_names,
        key=memory.CLASS_HIDES,
        on_change=safely(actions.hide_names),
        args=(room,),
        help="The board shows “Student 3” instead of a name.",
    )
    st.selectbox(
        "Remove a student",
        list(members),
        index=None,
        format_func=lambda each: _listed(room, members[each]),
        key=memory.CLASS_MEMBER,
        placeholder="Choose a student…",
    )
    st.button("Remove student", key="class_remove", on_click=safely(actions.remove), args=(room,))
    banned = {member.id: member for member in room.banned()}
    if banned:
        st.selectbox(
            "Removed",
            list(banned),
            format_func=lambda each: _listed(room, banned[each]),
            key=memory.CLASS_BANNED,
            help="They can’t join again from the same browser.",
        )
        st.button("Let in again", key="class_let_in", on_click=safely(actions.let_in), args=(room,))


def _end(room: Classroom) -> None:
    st.download_button(
        "Results as CSV",
        _csv(room),
        "mlpviz-class.csv",
        "text/csv",
        key="class_csv",
        icon=":material/download:",
        help="One line for each student: name, results, settings, answers.",
    )
    if not door.saves():
        st.caption("This server saves nothing: the class is lost when the server stops.")
    sure = st.checkbox("Delete the class, with the names, the answers and all runs made in it", key="class_sure")
    st.button("Delete everything", key="class_delete", disabled=not sure, on_click=safely(actions.delete), args=(room,))


def _csv(room: Classroom) -> Callable[[], bytes]:
    """The table. Streamlit makes it in another thread, when the teacher asks for it. Its first character tells
    spreadsheets how letters are written."""
    school = door.school()
    return lambda: as_csv(room, school.glances(room)).encode("utf-8-sig")


def _listed(room: Classroom, member: Member) -> str:
    """A student in a list, which may be on the projector."""
    return f"{member.number}. {seat_label('' if room.hides_names else member.name, member.number)}"


def _count(room: Classroom) -> str:
    count = len(room.present())
    return f"{count} student{'' if count == 1 else 's'}"


def _one(room: Classroom, member: Member, settings: Settings) -> None:
    """The run of one student, with all figures and without controls."""
    name = seat_label("" if room.hides_names else member.name, member.number)
    state = door.look(member.token)
    with st.container(key="class_one", horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Back to the class", key="class_back", on_click=safely(actions.show_all), icon=":material/arrow_back:"
        )
        st.markdown(f"## {plain(name)}", width="stretch")
        if isinstance(state, RunState):
            label, act = (
                ("Pause", actions.pause_one) if state.status == Status.TRAINING else ("Start", actions.start_one)
            )
            st.button(label, key="class_one_play", on_click=safely(act), args=(room, member))
        st.button(
            "New run with my settings",
            key="class_one_set",
            on_click=safely(actions.set_one),
            args=(room, member, settings),
            help="A new run for this student, with the settings of your sidebar.",
        )
        st.button("Remove student", key="class_one_remove", on_click=safely(actions.remove_one), args=(room, member.id))
    if state is None:
        st.info("This run is not in memory now, but it is coming back. Go back to the class and open it again.")
    else:
        board(state, key="class_shown", controls=False)
