"""What a teacher does with the runs of all students."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from mlpviz.backend.commands import Command, Pause, SetSpeed, Start
from mlpviz.backend.door import Backend, GoneError, Reply
from mlpviz.backend.specifications import NewRun
from mlpviz.classroom.classroom import Classroom, Member
from mlpviz.classroom.codes import RefusedError
from mlpviz.lessons import load_lessons
from mlpviz.settings import Settings
from mlpviz.snapshot import Glance, Status
from mlpviz.speed import best_speed
from mlpviz.state import TaskState

PATIENCE = 20.0  # seconds for a command to all runs together
LOOK = 3.0  # seconds for a look at all runs


def tell(backend: Backend, members: Sequence[Member], command: Command) -> list[Member]:
    """Give the runs of these students a command. What a run refuses is left out: another one can still do it. Returns
    the students whose runs are gone."""
    end = time.monotonic() + PATIENCE
    replies = [
        (member, backend.tell(member.run, member.owner, command))
        for member in members
        if member.run and time.monotonic() < end
    ]
    gone = []
    for member, reply in replies:
        try:
            reply.result(max(0.0, end - time.monotonic()))
        except GoneError:
            gone.append(member)
        except Exception:  # it has failed, or takes long; its own page says so
            continue
    return gone


def start_all(backend: Backend, room: Classroom) -> None:
    """Let all runs train. A run that is gone, such as one that was never started before the server was, is made again.

    Raises:
        RefusedError: as in `give`.
    """
    gone = tell(backend, room.present(), Start())
    try:
        with room.giving:
            lost = [member for member in gone if backend.find(member.run, member.owner) is None]
            if lost:
                give(backend, room, lost)
    finally:
        tell(backend, gone, Start())


def pause_all(backend: Backend, room: Classroom) -> None:
    """Pause all runs."""
    room.forget_paused()
    tell(backend, room.present(), Pause())


def eyes_here(backend: Backend, room: Classroom, sentence: str, look: Callable[[], Mapping[str, Glance]]) -> None:
    """Show a sentence on all screens, and pause all runs. `look` gives the runs in a few numbers."""
    room.show_sentence(sentence)
    trains = {glance.run for glance in look().values() if glance.status == Status.TRAINING}
    room.remember_paused(sorted(trains))
    tell(backend, room.present(), Pause())


def let_go(backend: Backend, room: Classroom) -> None:
    """Take the sentence away. The runs that it paused go on."""
    tell(backend, room.let_go(), Start())


def glances(backend: Backend, room: Classroom) -> dict[str, Glance]:
    """The runs of all students in a few numbers, by token; none if that takes long."""
    tokens = [member.token for member in room.present()]
    try:
        with ThreadPoolExecutor(1) as pool:  # the caller's thread may have an event loop already
            found = pool.submit(asyncio.run, asyncio.wait_for(backend.glances(tokens), LOOK)).result()
    except TimeoutError:
        return {}
    return {token: glance for token, glance in found.items() if glance is not None}


def give(backend: Backend, room: Classroom, members: Sequence[Member], settings: Settings | None = None) -> None:
    """A new run for each of these students, with these settings or with those that the class has for them. Their pages
    follow. If runs are saved, those before stay among their saved runs.

    Raises:
        RefusedError: some could not be made; the message says why. The others are there.
    """
    with room.giving:
        problems: list[str] = []
        made: list[tuple[Member, Reply[TaskState]]] = []
        for member in members:
            wanted = settings or room.settings_for(member)
            try:
                reply = backend.create(NewRun(wanted), member.owner, instead_of=member.run, seat_of=member.run)
                made.append((member, reply))
            except Exception as error:  # its dataset can't be read, for example
                problems.append(str(error))
        end = time.monotonic() + PATIENCE
        for member, reply in made:
            try:
                state = _made(reply, end)
            except Exception as error:  # no room, or settings that are impossible on this machine
                problems.append(str(error) or "The server is busy.")
            else:
                room.give(member, state.id, state.token)
                backend.tell(state.id, member.owner, SetSpeed(_speed(room, state)))
    if problems:
        raise RefusedError(f"{len(problems)} of {len(members)} runs could not be made. {problems[0]}")


def _made(reply: Reply[TaskState], end: float) -> TaskState:
    """The new run. If it takes too long and has not begun, it is not made."""
    with contextlib.suppress(TimeoutError):
        return reply.result(max(0.0, end - time.monotonic()))
    if reply.cancel():
        raise TimeoutError("The server is busy.")
    return reply.result(PATIENCE)


def _speed(room: Classroom, state: TaskState) -> str:
    """As on a student's own page: that of the lesson, or the one at which a run lasts about 25 seconds."""
    lesson = load_lessons()[0].get(room.lesson)
    return (lesson.speed if lesson is not None else "") or best_speed(state.total_steps)
