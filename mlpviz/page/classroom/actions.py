"""What a teacher can do with the class. All of these are callbacks."""

from __future__ import annotations

import functools
from collections.abc import Callable

import streamlit as st

from mlpviz.backend.commands import Command, Pause, Start
from mlpviz.backend.door import Backend
from mlpviz.catalog import default_dataset
from mlpviz.classroom import lead
from mlpviz.classroom.classroom import Classroom, Member
from mlpviz.classroom.codes import RefusedError
from mlpviz.classroom.question import new_question
from mlpviz.grid import Grid
from mlpviz.lessons import load_lessons
from mlpviz.page import door, memory
from mlpviz.page.views import WATCH
from mlpviz.settings import Settings

NOT_YOURS = "You no longer lead this class. Reload the page."
FAILED = "Not everything could be deleted, because the file of saved runs can’t be written now. Try again in a moment."


def led(act: Callable[..., None]) -> Callable[..., None]:
    """What only the teacher of the class can do. The page may be older than that."""

    @functools.wraps(act)
    def act_as_teacher(room: Classroom, *arguments: object) -> None:
        if door.school().of_teacher(door.visitor()) is not room:
            memory.PROBLEM.set(NOT_YOURS)
            return
        try:
            act(room, *arguments)
        except RefusedError as error:
            memory.PROBLEM.set(str(error))

    return act_as_teacher


@led
def start_all(room: Classroom) -> None:
    """Let all runs train."""
    _begin()
    lead.start_all(_backend(), room)


@led
def pause_all(room: Classroom) -> None:
    """Pause all runs."""
    lead.pause_all(_backend(), room)


@led
def eyes_here(room: Classroom) -> None:
    """Pause all runs, and show the sentence on all screens."""
    sentence = st.session_state.get(memory.CLASS_SENTENCE, "")
    lead.eyes_here(_backend(), room, sentence, functools.partial(door.school().glances, room))


@led
def let_go(room: Classroom) -> None:
    """Take the sentence away; what it paused goes on."""
    lead.let_go(_backend(), room)


@led
def to_lesson(room: Classroom) -> None:
    """Give everybody a run with the settings of the chosen lesson."""
    name = st.session_state.get(memory.CLASS_LESSON)
    lesson = load_lessons()[0].get(name or "")
    if lesson is not None:
        _begin()
        room.take_lesson(lesson.name, Settings.from_params({"dataset": default_dataset()} | lesson.settings))
        _give_all(room)


@led
def set_all(room: Classroom, settings: Settings) -> None:
    """Give everybody a run with these settings."""
    _begin()
    room.take_lesson("", settings)
    _give_all(room)


@led
def deal(room: Classroom, grid: Grid) -> None:
    """Give each student a run with the settings of another cell."""
    _begin()
    room.deal(grid)
    _give_all(room)


@led
def ask(room: Classroom) -> None:
    """Ask the question that the teacher has typed."""
    text, options = (st.session_state.get(key, "") for key in (memory.CLASS_QUESTION, memory.CLASS_OPTIONS))
    _ask(room, text, [line for line in options.splitlines() if line.strip()])


@led
def ask_of_lesson(room: Classroom) -> None:
    """Ask the question of the lesson in which the class is."""
    lesson = load_lessons()[0].get(room.lesson)
    if lesson is not None:
        _ask(room, lesson.question, list(lesson.options), lesson.right)


@led
def show_answers(room: Classroom, start: bool = False) -> None:
    """Show how many chose each answer; and then let all runs train."""
    room.show_answers()
    if start:
        start_all(room)


@led
def tell_outcome(room: Classroom, option: int | None = None) -> None:
    """Say which answer came true: this one, or the one that is chosen in the list."""
    question = room.question
    chosen = st.session_state.get(memory.CLASS_OUTCOME)
    if question is not None and option is None and chosen in question.options:
        option = question.options.index(chosen)
    if option is None:
        raise RefusedError("First choose what happened.")
    room.tell_outcome(option)


@led
def close_question(room: Classroom) -> None:
    """Take the question away."""
    room.close_question()


@led
def hide_names(room: Classroom) -> None:
    """Show numbers instead of names, or names again."""
    room.name_members(hide=bool(st.session_state.get(memory.CLASS_HIDES)))


@led
def remove(room: Classroom) -> None:
    """Remove the chosen student. The teacher can let them in again."""
    remove_one(room, st.session_state.get(memory.CLASS_MEMBER) or "")


@led
def remove_one(room: Classroom, member_id: str) -> None:
    """Remove this student."""
    if member_id in {member.id for member in room.present()}:
        room.leave(room.member(member_id), banned=True)
        if memory.CLASS_SHOWN.get() == member_id:
            memory.CLASS_SHOWN.forget()


@led
def let_in(room: Classroom) -> None:
    """Take a student back who was removed."""
    room.let_in(st.session_state.get(memory.CLASS_BANNED) or "")


@led
def show(room: Classroom, member_id: str) -> None:
    """Show the run of one student to the class."""
    if member_id in {member.id for member in room.present()}:
        memory.CLASS_SHOWN.set(member_id)


@led
def show_at(room: Classroom, x: float, y: float) -> None:
    """Show the run of the student at this point of the map."""
    show(room, door.school().member_at(room, x, y))


def show_all() -> None:
    """Show the whole class again."""
    memory.CLASS_SHOWN.forget()


@led
def start_one(room: Classroom, member: Member) -> None:
    """Let one student's run train."""
    _tell(member, Start())


@led
def pause_one(room: Classroom, member: Member) -> None:
    """Pause one student's run."""
    _tell(member, Pause())


@led
def set_one(room: Classroom, member: Member, settings: Settings) -> None:
    """Give one student a new run with these settings."""
    lead.give(_backend(), room, [member], settings)


@led
def delete(room: Classroom) -> None:
    """Delete the class, with all its runs."""
    memory.CLASS_SHOWN.forget()
    if door.school().delete(room):
        st.session_state[memory.VIEW] = WATCH
    else:
        memory.PROBLEM.set(FAILED)


def _begin() -> None:
    """The class works now: the board takes the place of the way in, and of a single run."""
    st.session_state[memory.CLASS_INVITES] = False
    memory.CLASS_SHOWN.forget()


def _give_all(room: Classroom) -> None:
    lead.give(_backend(), room, room.present())


def _ask(room: Classroom, text: str, options: list[str], right: int | None = None) -> None:
    room.ask(new_question(text, options, right))


def _tell(member: Member, command: Command) -> None:
    lead.tell(_backend(), [member], command)


def _backend() -> Backend:
    return door.school().backend
