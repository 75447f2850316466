"""All classes of this server: who teaches and who is in which, what is saved of them, and what their runs need."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time

from mlpviz.backend.door import Backend, NotNowError
from mlpviz.backend.parts import Newest
from mlpviz.classroom import lead
from mlpviz.classroom.board import ClassBoard
from mlpviz.classroom.classroom import Classroom, Member
from mlpviz.classroom.codes import RefusedError, Tries, new_code, read_code
from mlpviz.settings import Settings
from mlpviz.snapshot import Glance
from mlpviz.state import PinState

BEAT = 0.5  # seconds between two saves
HOLD = 3.0  # seconds after which the runs are told again that somebody needs them
LEADS = 600.0  # seconds without a sign of the teacher's page, after which runs that nobody watches pause
MOST_CLASSES = 100
OWNER, NAME = "class ", "class"  # how a class is kept among the texts of the store
WRONG_CODE = "There is no class with this code. Look at the code again, or ask your teacher."
WRONG_SECRET = "This is not the teacher’s secret. The server prints it when it starts, unless MLPVIZ_TEACHER sets it."
OWN_CLASS = "You lead this class. To try it out as a student, open the link in a private window."

log = logging.getLogger(__name__)


class School:
    """The classes of a server. Every method may be called from any thread, but for `board`.

    Args:
        secret: with it, somebody may open a class.
    """

    def __init__(self, backend: Backend, secret: str) -> None:
        self.backend = backend
        self._secret = secret
        self._code_tries, self._secret_tries = Tries(), Tries()
        self._storing = threading.Lock()  # while a class is written or deleted; taken before the other lock
        self._lock = threading.RLock()  # guards what follows
        self._rooms: dict[str, Classroom] = {}  # by code
        self._boards: dict[str, ClassBoard] = {}
        self._saved: dict[str, int] = {}  # by code: up to which change it is in the file
        self._led_at: dict[str, float] = {}  # by code: when the teacher's page was last heard of
        self._loaded = self._load()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlpviz-school", daemon=True)
        self._thread.start()

    # who

    def rooms(self) -> list[Classroom]:
        """All classes."""
        with self._lock:
            return list(self._rooms.values())

    def of_teacher(self, owner: str) -> Classroom | None:
        """The class that this visitor leads."""
        room = next((room for room in self.rooms() if room.teacher == owner), None)
        if room is not None:
            self._led_at[room.code] = time.monotonic()
        return room

    def of_member(self, owner: str) -> tuple[Classroom, Member] | None:
        """The class in which this visitor is a student."""
        for room in self.rooms():
            member = room.of_owner(owner)
            if member is not None and not member.removed:
                return room, member
        return None

    def open(self, owner: str, secret: str, address: str, settings: Settings, code: str = "") -> Classroom:
        """Open a class, or find the one that this visitor leads already.

        Args:
            secret: the teacher's. address: from where it is tried. settings: of the students' first runs.
            code: of a class that the visitor takes over, for example in another browser.

        Raises:
            RefusedError: the secret is wrong, there is no such class, or there are too many.
        """
        with self._lock:
            self._secret_tries.check(address)
            if not secrets.compare_digest(secret.strip().encode(), self._secret.encode()):
                self._secret_tries.wrong(address)
                raise RefusedError(WRONG_SECRET)
            if code:
                room = self.find(code, address)
                before = self.of_teacher(owner)
                if before is not None and before is not room:
                    if before.members:
                        raise RefusedError("You lead another class. Delete it first.")
                    self.delete(before)
                room.teacher = owner
                room.changed += 1
                return room
            known = self.of_teacher(owner)
            if known is not None:
                return known
            if len(self._rooms) >= MOST_CLASSES:
                raise RefusedError("This server has too many classes. Somebody must close one first.")
            code = next(code for code in iter(new_code, None) if code not in self._rooms)
            room = self._rooms[code] = Classroom(code, owner, settings)
            room.changed += 1
            self._led_at[code] = time.monotonic()
            return room

    def find(self, code: str, address: str) -> Classroom:
        """The class with this code.

        Raises:
            RefusedError: there is none, or there were too many wrong codes.
        """
        with self._lock:
            self._code_tries.check(address)
            room = self._rooms.get(read_code(code))
            if room is None:
                self._code_tries.wrong(address)
                raise RefusedError(WRONG_CODE)
            return room

    def join(self, room: Classroom, owner: str, name: str) -> Member:
        """Take a visitor into a class, with a run of their own. They leave the class in which they were.

        Raises:
            RefusedError: the class is full, there is no room for the run, or the teacher has removed this visitor.
        """
        if owner == room.teacher:
            raise RefusedError(OWN_CLASS)
        before, known = self.of_member(owner), room.of_owner(owner)
        is_new = known is None or known.removed
        member = room.join(owner, name)
        if not member.own and not member.runs:
            member.own = self._runs_of(owner)
        try:
            self.renew(room, member)
        except (RefusedError, NotNowError) as error:
            if is_new:
                room.leave(member)
            raise RefusedError(str(error)) from None
        if before is not None and before[0] is not room:
            before[0].leave(before[1])
        return member

    def renew(self, room: Classroom, member: Member) -> None:
        """Give a student a run if they have none, or none of the present deal, or if theirs is gone for good: one that
        was never started before the server was.

        Raises:
            RefusedError, NotNowError: that is not possible now.
        """
        with room.giving:
            undealt = room.grid is not None and member.dealt is None
            if not member.run or undealt or self.backend.find(member.run, member.owner) is None:
                lead.give(self.backend, room, [member])

    def glances(self, room: Classroom) -> dict[str, Glance]:
        """The runs of all students in a few numbers, by token; of one that does not answer now, as the board saw it
        last."""
        now, board = lead.glances(self.backend, room), self._boards.get(room.token)
        before = board.known() if board is not None else {}
        found = {member.token: now.get(member.token) or before.get(member.id) for member in room.present()}
        return {token: glance for token, glance in found.items() if glance is not None}

    def delete(self, room: Classroom) -> bool:
        """Remove the class, with all its runs and everything that is saved of it. Returns whether nothing is left; if
        not, the class is still there."""
        with self._lock:
            self._rooms.pop(room.code, None)  # from now on, nobody can join
        done = self._drop_runs(room)
        store = self.backend.store
        with self._storing:
            done = done and (store is None or store.forget(OWNER + room.code, []))
            with self._lock:
                if not done:
                    self._rooms[room.code] = room
                self._saved.pop(room.code, None)
                self._boards.pop(room.token, None)
        return done

    def _drop_runs(self, room: Classroom) -> bool:
        """Remove the runs that were made in the class, with their pins. Returns whether that worked."""
        done = True
        for member in list(room.members.values()):
            try:
                pins = [task for task in self.backend.list(member.owner) if isinstance(task, PinState)]
                for task in [*member.runs, *(pin.id for pin in pins if pin.run in member.runs)]:
                    self.backend.drop(task, member.owner)
            except Exception:  # those of the others must go all the same
                log.exception("a run of a class could not be deleted")
                done = False
        return done

    def forget(self, owner: str) -> None:
        """Forget everything of a visitor in all classes."""
        for room in self.rooms():
            if room.of_owner(owner) is not None:
                room.forget(owner)

    def _runs_of(self, owner: str) -> list[str]:
        """The ids of the runs that a visitor has."""
        store = self.backend.store
        saved = [run.id for run in store.about(owner)] if store is not None else []
        return [*dict.fromkeys([*(task.id for task in self.backend.list(owner)), *saved])]

    # what pages ask for while no script runs

    def attend(self, owner: str, known: str, hidden: bool) -> bytes | None:
        """What the class shows on the pages of this student, as JSON; None if the page knows it already.

        Args:
            known: the version that the page knows; empty at first. hidden: whether the page is in a hidden tab.
        """
        found = self.of_member(owner)
        if found is None:
            return b"null" if known else None  # the class is over for this page
        room, member = found
        room.hear(member, hidden)
        return json.dumps(room.note_for(member)).encode() if room.version_for(member) != known else None

    async def board(
        self, token: str, have: tuple[str, int] | None, only: frozenset[str], without: frozenset[str]
    ) -> Newest | None:
        """The newest parts of the teacher's board with this token; None if there is no such class."""
        room = next((room for room in self.rooms() if room.token == token), None)
        if room is None:
            return None
        self._led_at[room.code] = time.monotonic()
        board = self._boards.setdefault(token, ClassBoard(room))
        return await board.newest(self.backend, have, only, without)

    def member_at(self, room: Classroom, x: float, y: float) -> str:
        """The id of the student whose point of the board's map this is; empty if it is nobody's."""
        board = self._boards.get(room.token)
        return board.student_at(x, y) if board is not None else ""

    # what happens by itself

    def close(self) -> None:
        """Save everything for the last time. It is safe to call this twice."""
        self._closing.set()
        self._thread.join(5.0)
        self._save()

    def _work(self) -> None:
        held_at = time.monotonic()
        while not self._closing.wait(BEAT):
            try:
                self._loaded = self._loaded or self._load()
                self._save()
                if time.monotonic() - held_at >= HOLD:
                    held_at = time.monotonic()
                    self._hold()
            except Exception:  # the next beat tries again
                log.exception("the classes could not be saved or held")

    def _hold(self) -> None:
        """Keep the runs of the classes whose teacher is here."""
        now = time.monotonic()
        led = [room for room in self.rooms() if now - self._led_at.get(room.code, -LEADS) < LEADS]
        tokens = [member.token for room in led for member in room.present() if member.token]
        if tokens:
            self.backend.hold(tokens)

    def _save(self) -> None:
        store = self.backend.store
        for room in self.rooms() if store is not None else ():
            changed = room.changed
            if self._saved.get(room.code) != changed and store is not None:
                text = room.to_json()
                with self._storing:  # it may have been deleted in between
                    if room.code in self._rooms and store.remember(OWNER + room.code, NAME, text):
                        self._saved[room.code] = changed

    def _load(self) -> bool:
        """Read the saved classes. Returns whether the file could be read."""
        store = self.backend.store
        for owner, text in store.recall_all(NAME).items() if store is not None else ():
            try:
                room = Classroom.from_json(text)
            except (ValueError, TypeError, KeyError):
                log.exception("what was saved of %s can't be read", owner)
                continue
            with self._lock:
                self._rooms.setdefault(room.code, room)
                self._saved[room.code] = room.changed
        return store is None or not store.trouble
