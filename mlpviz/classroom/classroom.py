"""One class: its students, its question, and what its teacher has chosen. It knows no runs, only their ids."""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from mlpviz.classroom.codes import RefusedError
from mlpviz.classroom.names import clean_name, free_name
from mlpviz.classroom.question import LONGEST, Question
from mlpviz.grid import Axis, Grid, Place
from mlpviz.settings import Settings
from mlpviz.sweep.order import coarse_to_fine

MOST_MEMBERS = 300
LATER = 1000  # versions after a restart
AWAY = 15.0  # seconds without a sign of a student's page, after which they count as away
HIDDEN_AWAY = 90.0  # the same for a page in a hidden tab: browsers let it ask only once a minute


@dataclass
class Member:
    """A student of the class.

    Attributes:
        id: known to the teacher's page. owner: the visitor. number: in the order in which they came.
        run, token: of the run that their page shows. own: the ids of the runs that they had before.
        runs: the ids of all others, which go with the class.
        round: grows when the class gives them another run, so that their page can follow.
        dealt: the number of the dealt cell, in the order in which cells are dealt; None if there was no deal.
        answers: the option that they chose, by the id of the question.
        removed: whether they have left, or the teacher has removed them. banned: only the latter.
        version: grows when something changes that only this student sees.
        away_at: when they count as away, unless their page is heard of again.
    """

    id: str
    owner: str
    name: str
    number: int
    run: str = ""
    token: str = ""
    own: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    round: int = 0
    dealt: int | None = None
    answers: dict[str, int] = field(default_factory=dict)
    removed: bool = False
    banned: bool = False
    version: int = 0
    away_at: float = -math.inf

    @property
    def here(self) -> bool:
        """Whether their page has been heard of lately."""
        return time.monotonic() < self.away_at


@dataclass
class Classroom:
    """A class. Every method may be called from any thread.

    Attributes:
        code: with it, students join. token: anybody who has it may see the teacher's board, and nothing else.
        teacher: the visitor who leads it.
        settings: of new students' runs. lesson: its name, if everybody was sent to one; or empty.
        grid: the cells that are dealt; None if there was no deal. dealt: how many cells were dealt so far.
        hides_names: whether the board shows numbers instead of names.
        sentence: what all screens show instead of the page; empty if they don't.
        paused: the ids of the runs that were paused for that.
        questions: all so far. version: grows when something changes that students see.
        changed: how often anything has changed that must be saved.
    """

    code: str
    teacher: str
    settings: Settings
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    lesson: str = ""
    grid: Grid | None = None
    dealt: int = 0
    hides_names: bool = False
    sentence: str = ""
    paused: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    version: int = 1
    changed: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    giving: threading.RLock = field(default_factory=threading.RLock, repr=False)  # while new runs are made

    # the students

    def present(self) -> list[Member]:
        """The students who are in the class now, in the order in which they came."""
        with self.lock:
            return [member for member in self.members.values() if not member.removed]

    def member(self, member_id: str) -> Member:
        """The student with this id.

        Raises:
            RefusedError: they are no longer in the class.
        """
        found = self.members.get(member_id)
        if found is None or found.removed:
            raise RefusedError("This student is no longer in the class.")
        return found

    def of_owner(self, owner: str) -> Member | None:
        """The student who is this visitor, also if they have left."""
        with self.lock:
            return next((member for member in self.members.values() if member.owner == owner), None)

    def join(self, owner: str, name: str) -> Member:
        """Take a visitor into the class, or back into it.

        Raises:
            RefusedError: the class is full, or the teacher has removed this visitor.
        """
        with self.lock:
            known = self.of_owner(owner)
            if known is not None and known.banned:
                raise RefusedError("Your teacher has removed you from this class. Ask them to let you in again.")
            if known is not None and not known.removed:
                return known
            if len(self.present()) >= MOST_MEMBERS:
                raise RefusedError(f"This class is full. It can have {MOST_MEMBERS} students.")
            name = free_name(name, [member.name for member in self.present()])
            if known is None:
                number = max((member.number for member in self.members.values()), default=0) + 1
                known = Member(secrets.token_hex(4), owner, name, number)
                self.members[known.id] = known
            known.name, known.removed = name, False
            known.away_at = time.monotonic() + AWAY
            self._note()
            return known

    def rename(self, member: Member, name: str) -> None:
        """Give a student another name. Without a name, nothing changes."""
        with self.lock:
            if clean_name(name) and clean_name(name) != member.name:
                member.name = free_name(name, [each.name for each in self.present() if each is not member])
                self._note(member)

    def leave(self, member: Member, banned: bool = False) -> None:
        """A student leaves. With `banned`, the teacher has removed them, and they can't come back by themselves."""
        with self.lock:
            member.removed, member.banned = True, banned
            self._note(member)

    def let_in(self, member_id: str) -> None:
        """Take back a student whom the teacher has removed."""
        with self.lock:
            if member_id in self.members:
                self.members[member_id].removed = self.members[member_id].banned = False
                self._note(self.members[member_id])

    def settle(self, member: Member, run: str, token: str, known: int) -> None:
        """The student’s page shows this run now. `known` is the latest round that the page knows. If the class has
        given another run in the meantime, nothing changes."""
        with self.lock:
            if member.round == known and (member.run, member.token) != (run, token):
                member.run, member.token = run, token
                member.runs += [run] if run not in [*member.runs, *member.own] else []
                self.changed += 1

    def give(self, member: Member, run: str, token: str) -> None:
        """The class has made a run for this student. Their page follows."""
        with self.lock:
            self.settle(member, run, token, member.round)
            member.round += 1
            self._note(member)

    def forget(self, owner: str) -> None:
        """Forget everything of a visitor."""
        with self.lock:
            self.members = {name: each for name, each in self.members.items() if each.owner != owner}
            self._note()

    def banned(self) -> list[Member]:
        """The students whom the teacher has removed."""
        with self.lock:
            return [member for member in self.members.values() if member.banned]

    def hear(self, member: Member, hidden: bool) -> None:
        """The student's page has asked for news."""
        member.away_at = max(member.away_at, time.monotonic() + (HIDDEN_AWAY if hidden else AWAY))

    # which settings

    def deal(self, grid: Grid) -> None:
        """From now on, each student gets another cell of this grid. The first cells are spread over all of it."""
        with self.lock:
            self.grid, self.dealt, self.lesson, self.settings, self.paused = grid, 0, "", grid.settings, []
            for member in self.members.values():
                member.dealt = None
            self._note()

    def take_lesson(self, name: str, settings: Settings) -> None:
        """From now on, all students are in this lesson."""
        with self.lock:
            self.lesson, self.settings, self.grid, self.paused = name, settings, None, []
            self._note()

    def settings_for(self, member: Member) -> Settings:
        """The settings of the next run of this student: those of their cell, if there was a deal."""
        with self.lock:
            if self.grid is None:
                return self.settings
            if member.dealt is None:
                member.dealt, self.dealt = self.dealt, self.dealt + 1
            return self.grid.settings_of(self._cell(self.grid, member.dealt))

    def _cell(self, grid: Grid, number: int) -> Place:
        """The cell with this number. If there are more students than cells, cells are dealt again."""
        cells = coarse_to_fine(grid)
        return cells[number % len(cells)]

    # what all screens show

    def show_sentence(self, sentence: str) -> None:
        """All screens show this sentence."""
        with self.lock:
            self.sentence = " ".join(sentence.split())[:LONGEST] or "Look at the front, please."
            self._note()

    def remember_paused(self, runs: list[str]) -> None:
        """These runs were paused for the sentence."""
        with self.lock:
            self.paused = [*dict.fromkeys([*self.paused, *runs])]
            self.changed += 1

    def forget_paused(self) -> None:
        """No run goes on when the sentence is taken away."""
        with self.lock:
            self.paused = []
            self.changed += 1

    def let_go(self) -> list[Member]:
        """All screens show the page again. Returns the students whose runs were paused."""
        with self.lock:
            paused = [member for member in self.present() if member.run in self.paused]
            self.sentence, self.paused = "", []
            self._note()
            return paused

    @property
    def question(self) -> Question | None:
        """The present question."""
        latest = self.questions[-1] if self.questions else None
        return latest if latest is not None and not latest.over else None

    def ask(self, question: Question) -> None:
        """Ask everybody. The question before it is over."""
        with self.lock:
            self.close_question()
            self.questions.append(question)
            self._note()

    def answer(self, owner: str, question_id: str, option: int) -> None:
        """A student's answer. It can be changed as long as the answers are hidden.

        Raises:
            RefusedError: there is no such question or option, or it is too late.
        """
        with self.lock:
            member, question = self.of_owner(owner), self.question
            if member is None or member.removed:
                raise RefusedError("You are not in this class.")
            if question is None or question.id != question_id or question.shown:
                raise RefusedError("This question is closed.")
            if not 0 <= option < len(question.options):
                raise RefusedError("There is no such answer.")
            member.answers[question.id] = option
            member.version += 1
            self.changed += 1

    def show_answers(self) -> None:
        """Show how many chose each option. From now on, nobody can answer."""
        with self.lock:
            if self.question is not None:
                self.question.shown = True
                self._note()

    def tell_outcome(self, option: int) -> None:
        """Say which option came true."""
        with self.lock:
            if self.question is not None and 0 <= option < len(self.question.options):
                self.question.shown, self.question.outcome = True, option
                self._note()

    def close_question(self) -> None:
        """The screens show no question any more."""
        with self.lock:
            if self.question is not None:
                self.question.over = True
                self._note()

    def counts(self, question: Question) -> tuple[int, ...]:
        """How many students chose each option."""
        with self.lock:
            chosen = [member.answers.get(question.id) for member in self.present()]
            return tuple(chosen.count(i) for i in range(len(question.options)))

    def name_members(self, hide: bool) -> None:
        """Whether the board shows names, or numbers in their place."""
        with self.lock:
            self.hides_names = hide
            self.changed += 1

    # what a student's page gets

    def version_for(self, member: Member) -> str:
        """A text that changes when there is news for this student."""
        return f"{self.id}.{self.version}.{member.version}"

    def note_for(self, member: Member) -> dict[str, Any]:
        """What the student's page shows over its own content."""
        with self.lock:
            question = self.question
            asked = None
            if question is not None:
                counts = self.counts(question) if question.shown else ()
                asked = {
                    "id": question.id,
                    "text": question.text,
                    "options": question.options,
                    "mine": member.answers.get(question.id),
                    "counts": counts,
                    "outcome": question.outcome,
                }
            note = {"name": member.name, "round": member.round, "sentence": self.sentence, "question": asked}
            note["students"] = len(self.present())
            return {"version": self.version_for(member)} | note

    def _note(self, member: Member | None = None) -> None:
        """Something has changed that students see: this one, or all."""
        self.changed += 1
        if member is None:
            self.version += 1
        else:
            member.version += 1

    # in the file

    def to_json(self) -> str:
        """Everything as text. `from_json` reads it back."""
        with self.lock:
            known = {name: getattr(self, name) for name in PLAIN}
            grid = self.grid
            axes = [[axis.name, list(axis.values)] for axis in grid.axes] if grid is not None else []
            return json.dumps(
                known
                | {
                    "settings": self.settings.to_dict(),
                    "axes": axes,
                    "base": grid.settings.to_dict() if grid is not None else {},
                    "members": [_kept(member) for member in self.members.values()],
                    "questions": [asdict(question) for question in self.questions],
                }
            )

    @classmethod
    def from_json(cls, text: str) -> Classroom:
        """The class as `to_json` wrote it.

        Raises:
            ValueError, TypeError, KeyError: another version of mlpviz wrote it.
        """
        values = json.loads(text)
        room = cls(teacher=values["teacher"], code=values["code"], settings=Settings.from_dict(values["settings"]))
        for name in PLAIN:
            setattr(room, name, values[name])
        axes = [Axis(name, tuple(_values(name, given))) for name, given in values["axes"]]
        room.grid = Grid(Settings.from_dict(values["base"]), 1, *axes) if axes else None
        room.members = {each["id"]: Member(**each) for each in values["members"]}
        room.questions = [Question(**each) for each in values["questions"]]
        # What was not saved yet may have been sent to pages: all that comes now must be newer.
        room.version += LATER
        for member in room.members.values():
            member.version += LATER
        return room


PLAIN = ("code", "teacher", "id", "token", "lesson", "dealt", "hides_names", "sentence", "paused", "version")


def _kept(member: Member) -> dict[str, Any]:
    """What is saved of a student: all but when their page was heard of."""
    return {name: value for name, value in asdict(member).items() if name != "away_at"}


def _values(name: str, given: list[Any]) -> Iterator[Any]:
    """The values of an axis from JSON, which has no tuples."""
    return (tuple(value) if name == "hidden_sizes" else value for value in given)
