"""What a door to the runs can do, wherever the runs are: in this process, in another one, on another machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from mlpviz.backend.commands import Command
from mlpviz.backend.parts import Newest
from mlpviz.backend.questions import Question
from mlpviz.backend.specifications import Specification
from mlpviz.results import Results
from mlpviz.runs.errors import EngineFullError, GoneError
from mlpviz.snapshot import TaskSnapshot
from mlpviz.state import TaskState

__all__ = ["Backend", "EngineFullError", "GoneError", "Reply", "Trouble"]

Answer = TypeVar("Answer")
AnswerOut = TypeVar("AnswerOut", covariant=True)


class Reply(Protocol[AnswerOut]):
    """What comes back for a command or a question, sooner or later."""

    @property
    def progress(self) -> float:
        """How much of the work is done, from 0 to 1."""

    def look(self) -> None:
        """Say that somebody still waits: work that nobody waits for ends after ten seconds."""

    def cancel(self) -> bool:
        """Say that nobody waits any more. True where the work was not begun, and won't be."""

    def result(self, timeout: float | None = None) -> AnswerOut:
        """The answer; TimeoutError where it takes longer, or whatever error came instead."""


@dataclass(frozen=True)
class Trouble:
    """An error that stopped the engine itself, which has begun again since.

    Attributes:
        count: how many there were. message: the latest, in words.
    """

    count: int
    message: str


class Backend(Protocol):
    """The door.

    Tasks are known by their id, and belong to an owner, the visitor who had them made. Whoever has a task's token may
    watch it, and nothing else. Everything that goes through can be pickled.
    """

    def find(self, task_id: str, owner: str) -> TaskState | None:
        """Where the visitor's own task of that id stands; a `RunState` where it is a run."""

    def list(self, owner: str) -> tuple[TaskState, ...]:
        """Where all of a visitor's tasks stand."""

    def look(self, token: str) -> TaskState | None:
        """Where the task that may be watched with that token stands; keeps it going."""

    def create(
        self, specification: Specification, owner: str, instead_of: str = "", seat_of: str = ""
    ) -> Reply[TaskState]:
        """Have a task made.

        Args:
            instead_of: the id of a task of the same visitor that is forgotten for it.
            seat_of: the id of a task whose watchers are to watch the new one from now on.

        Raises:
            DatasetError: the dataset isn't on this machine, or a file of it is damaged.

        The reply raises ValueError or LookupError where it can't be, EngineFullError where there is no room.
        """

    def swap_seats(self, one: str, other: str, owner: str) -> None:
        """Who watches the one task by a link watches the other from now on, and the other way round."""

    def tell(self, task_id: str, owner: str, command: Command) -> Reply[TaskState]:
        """Have a run do something, between two steps; gives where it stands afterwards."""

    def ask(self, task_id: str, owner: str, question: Question[Answer]) -> Reply[Answer]:
        """Ask a run something."""

    def snapshot(self, task_id: str, owner: str) -> TaskSnapshot | None:
        """The task's newest snapshot."""

    def results(self, task_id: str, owner: str) -> Results | None:
        """What the run's latest evaluation said of each test image."""

    async def newest(
        self, token: str, have: tuple[str, int] | None, only: frozenset[str], hidden: bool = False
    ) -> Newest | None:
        """The newest snapshot's encoded parts, for whoever has that token; keeps the task going.

        Args:
            have: the run and the version that whoever asks has already; parts that haven't changed since are left out.
            only: the names of the parts that are wanted; none for all.
            hidden: whether whoever asks may not be able to ask again soon: then the task goes on for longer.

        Returns:
            None where there is no such task.
        """

    def drop(self, task_id: str, owner: str) -> None:
        """Forget a task."""

    def trouble(self) -> Trouble | None:
        """The latest error that stopped the engine itself, if there was one."""

    def close(self) -> None:
        """End all work. May be called twice."""
