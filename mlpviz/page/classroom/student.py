"""What a student sees of their class: the way in, what the teacher has given them, and the way out."""

from __future__ import annotations

import contextlib

import streamlit as st

from mlpviz.backend.door import NotNowError
from mlpviz.classroom.classroom import Classroom, Member
from mlpviz.classroom.codes import RefusedError, read_code, spoken
from mlpviz.classroom.names import LONGEST
from mlpviz.page import door, memory
from mlpviz.page.fields import fill, prepare
from mlpviz.page.frame import title
from mlpviz.page.guard import safely
from mlpviz.page.texts import TEXT
from mlpviz.page.views import WATCH
from mlpviz.page.words import plain
from mlpviz.state import RunState

PARAMETER = "class"  # of the address
NO_CLASS = ("", 0)
ENDED = "You are no longer in the class. It has ended, or you were removed, or you have left it in another tab."
NO_COOKIES = "Your browser sends no cookies, so the class would not know you again. Allow cookies here, then reload."


def joining() -> bool:
    """Whether the address names a class that this visitor has not joined, or asks for the form with `?class`."""
    found, code = _mine(), read_code(st.query_params.get(PARAMETER, ""))
    return PARAMETER in st.query_params and (found is None or code not in ("", found[0].code))


def join_page() -> None:
    """The way into a class, instead of the page."""
    code = read_code(st.query_params.get(PARAMETER, ""))
    st.html('<span class="mlpviz-ready"></span>')
    title()
    with st.container(border=True, width=560):
        st.markdown(f"## Join the class {plain(spoken(code))}" if code else "## Join a class")
        if problem := memory.CLASS_PROBLEM.take():
            st.error(plain(problem))
        with st.form("join", border=False):
            if not code:
                st.text_input("Code of the class", key=memory.CLASS_CODE, max_chars=12)
            st.text_input(
                "Your name (optional)",
                key=memory.JOIN_NAME,
                max_chars=LONGEST,
                placeholder="Leave empty to get a name like Amber Fox",
            )
            st.markdown((TEXT / "joining.md").read_text(encoding="utf-8"))
            st.form_submit_button("Join", type="primary", on_click=safely(_join), args=(code,))
        st.button("Not now", key="join_not", type="tertiary", on_click=safely(_leave_form))


def attend() -> None:
    """At the beginning of a script run: if the class has given this student a run, show it from now on.

    Another click may end the script run at any call to Streamlit. Then the next one does all of this again, because
    the round is noted last.
    """
    visit, found = memory.VISIT.get(), _mine()
    if found is None:
        if memory.CLASS_ROUND.get() != NO_CLASS:
            memory.NOTES.get().append(ENDED)
        memory.CLASS_ROUND.set(NO_CLASS)
        return
    room, member = found
    before, now = memory.CLASS_ROUND.get(), (room.code, member.round)
    if before == now:
        return
    run = _run_of(room, member)
    if run is None:
        return  # not now; the board asks for another script run after a while
    previous, follows = visit.run, before[0] == room.code
    (fill if memory.SETTINGS.known() else prepare)(run.settings)
    if follows or (room.lesson and not memory.LESSON.get()):
        memory.LESSON.set(room.lesson or None)
    if follows and memory.VIEW in st.session_state:
        st.session_state[memory.VIEW] = WATCH
    if follows:
        memory.PROBLEM.forget()  # of a click on what is no longer there
    visit.run, visit.previous = run.id, previous if previous != run.id else visit.previous
    memory.CLASS_ROUND.set(now)


def settle(run: RunState) -> None:
    """The teacher's board shows the run that this page shows."""
    found, (code, known) = _mine(), memory.CLASS_ROUND.get()
    if found is not None and found[0].code == code:
        found[0].settle(found[1], run.id, run.token, known)


def _run_of(room: Classroom, member: Member) -> RunState | None:
    """The run that the class has given last; another one if it is gone for good. None if it can't come back now."""
    with contextlib.suppress(NotNowError, RefusedError):
        door.school().renew(room, member)
    return door.find_run(member.run)


def class_of_student() -> None:
    """Which class this is, and what its teacher may do; in the sidebar."""
    found = _mine()
    if found is None:
        return
    room, member = found
    with st.container(border=True, key="my_class"):
        st.markdown(f"Class **{plain(spoken(room.code))}**: you are **{plain(member.name)}**.")
        with st.popover("Change name or leave", width="stretch"):
            st.caption("Your teacher can see, start, pause and change this run, and show it to the class.")
            st.text_input("Your name", member.name, max_chars=LONGEST, key=memory.MEMBER_NAME)
            st.button("Change the name", key="class_rename", on_click=safely(_rename), args=(room, member))
            st.button("Leave the class", key="class_leave", on_click=safely(_leave), args=(room, member))


def ask_for_code() -> None:
    """The way into a class for those who have only its code."""
    with st.form("class_code", border=False):
        st.text_input("Code of the class", key=memory.CLASS_CODE, max_chars=12)
        st.form_submit_button("Join…", on_click=safely(_go_to_form))


def _mine() -> tuple[Classroom, Member] | None:
    return door.school().of_member(door.visitor())


def _go_to_form() -> None:
    code = read_code(st.session_state.get(memory.CLASS_CODE, ""))
    if code:
        st.query_params[PARAMETER] = code


def _join(code: str) -> None:
    school = door.school()
    if not door.sends_cookies():
        memory.CLASS_PROBLEM.set(NO_COOKIES)
        return
    try:
        room = school.find(code or st.session_state.get(memory.CLASS_CODE, ""), st.context.ip_address or "")
        school.join(room, door.visitor(), st.session_state.get(memory.JOIN_NAME, ""))
    except RefusedError as error:
        memory.CLASS_PROBLEM.set(str(error))


def _leave_form() -> None:
    st.query_params.pop(PARAMETER, None)


def _leave(room: Classroom, member: Member) -> None:
    room.leave(member)
    memory.CLASS_ROUND.set(NO_CLASS)


def _rename(room: Classroom, member: Member) -> None:
    room.rename(member, st.session_state.get(memory.MEMBER_NAME, ""))
