"""The interface to the runs, wherever they are: in this process, in another one, or on another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mlpviz.backend.commands import Command
from mlpviz.backend.parts import Newest
from mlpviz.backend.questions import Question
from mlpviz.backend.specifications import Specification
from mlpviz.results import Results
from mlpviz.runs.errors import EngineFullError, GoneError, NotNowError
from mlpviz.snapshot import Glance, TaskSnapshot
from mlpviz.state import SavedRun, TaskState

__all__ = ["Backend", "EngineFullError", "GoneError", "NotNowError", "Reply", "Shelf", "Trouble"]

Answer = TypeVar("Answer")
AnswerOut = TypeVar("AnswerOut", covariant=True)


class Reply(Protocol[AnswerOut]):
    """The future answer to a command or a question."""

    @property
    def progress(self) -> float:
        """How much of the work is done, from 0 to 1."""

    def look(self) -> None:
        """Say that somebody is still waiting. Work that nobody waits for ends after ten seconds."""

    def cancel(self) -> bool:
        """Say that nobody is waiting any more. True if the work has not begun; then it never will."""

    def result(self, timeout: float | None = None) -> AnswerOut:
        """The answer. Raises TimeoutError if it takes longer, or the error that came instead of an answer."""


@dataclass(frozen=True)
class Trouble:
    """An error that stopped the engine itself. The engine has restarted since.

    Attributes:
        count: the number of such errors so far. message: the latest one.
    """

    count: int
    message: str


class Shelf(Protocol):
    """The saved runs, as a page sees them. An error of their file only sets `trouble`."""

    @property
    def trouble(self) -> str:
        """Why runs can't be saved now, for the reader; empty if all is well."""

    def about(self, owner: str) -> list[SavedRun]:
        """The saved runs of a visitor, the latest first."""

    def usage(self, owner: str) -> tuple[int, int]:
        """How many runs of a visitor are saved, and how many bytes they take."""

    def write_words(self, task: str, owner: str, name: str, note: str) -> bool:
        """Set the name and the note of a visitor's own run. Returns whether that worked."""

    def delete(self, task: str, owner: str, deleted: bool = True) -> bool:
        """Delete a visitor's own run, or bring it back: that is possible for an hour. Returns whether that worked."""

    def remember(self, owner: str, name: str, value: str) -> bool:
        """Keep a text of a visitor under a name. Returns whether that worked."""

    def recall(self, owner: str, name: str) -> str | None:
        """The text that was kept under this name."""

    def recall_all(self, name: str) -> dict[str, str]:
        """The texts of all owners that were kept under this name, by owner."""

    def forget(self, owner: str, tasks: list[str]) -> bool:
        """Remove everything of an owner for good. Returns whether that worked."""


class Backend(Protocol):
    """The interface to the runs.

    A task has an id and an owner: the visitor who created it. Anybody with a task's token may watch it, and nothing
    else. Everything that goes in or comes out can be pickled.
    """

    @property
    def store(self) -> Shelf | None:
        """The saved runs; None if nothing is saved."""

    def find(self, task_id: str, owner: str) -> TaskState | None:
        """The state of the visitor's own task with this id; a `RunState` if it is a run. A saved task comes back.

        Raises:
            NotNowError: it is saved, and it can't come back now.
        """

    def list(self, owner: str) -> tuple[TaskState, ...]:
        """The states of all tasks of a visitor."""

    def look(self, token: str) -> TaskState | None:
        """The state of the task with this token. Also keeps the task working."""

    def create(
        self, specification: Specification, owner: str, instead_of: str = "", seat_of: str = ""
    ) -> Reply[TaskState]:
        """Create a task.

        Args:
            instead_of: the id of a task of the same visitor; it is removed.
            seat_of: the id of a task whose watchers will watch the new task from now on.

        Raises:
            DatasetError: the dataset isn't on this machine, or one of its files is damaged.

        The reply raises ValueError or LookupError if the task is impossible, EngineFullError if there is no room.
        """

    def swap_seats(self, one: str, other: str, owner: str) -> None:
        """From now on, the watchers of each of the two tasks watch the other one."""

    def tell(self, task_id: str, owner: str, command: Command) -> Reply[TaskState]:
        """Give a run a command. The run does it between two steps. The reply is the state after it."""

    def ask(self, task_id: str, owner: str, question: Question[Answer]) -> Reply[Answer]:
        """Ask a run a question."""

    def snapshot(self, task_id: str, owner: str) -> TaskSnapshot | None:
        """The task's newest snapshot."""

    def results(self, task_id: str, owner: str) -> Results | None:
        """The predictions of the run's latest evaluation for each test image."""

    async def newest(
        self,
        token: str,
        have: tuple[str, int] | None,
        only: frozenset[str],
        hidden: bool = False,
        without: frozenset[str] = frozenset(),
    ) -> Newest | None:
        """The encoded parts of the newest snapshot, for anybody with this token. Also keeps the task working.

        Args:
            have: the run and the version that the caller already has. Parts that haven't changed since are left out.
            only: the names of the wanted parts; empty for all.
            without: if `only` is empty, the names of the parts that are not wanted.
            hidden: the caller may not be able to ask again soon (a hidden tab). Then the task keeps working for longer.

        Returns:
            None if there is no such task.
        """

    async def moment(self, token: str, step: int) -> Newest | None:
        """The encoded parts of a run at an earlier step, for anybody with its token. Also keeps the run working.

        Returns:
            None if there is no such run, or no such moment in its film.
        """

    async def glances(self, tokens: Sequence[str]) -> Mapping[str, Glance | None]:
        """The runs with these tokens in a few numbers, by token, for anybody with the tokens; None if there is nothing
        to show yet. One that is not in memory is missing; if it is saved, it comes back soon."""

    def hold(self, tokens: Sequence[str]) -> None:
        """Keep the tasks with these tokens working, as if somebody watched them."""

    def drop(self, task_id: str, owner: str) -> None:
        """Remove a task, and what is saved of it."""

    def put_away(self, task_id: str, owner: str) -> None:
        """Remove a task from the memory. What is saved of it stays."""

    def forget(self, owner: str) -> bool:
        """Remove all tasks of a visitor, and everything that is saved of them. Returns whether nothing is left."""

    def trouble(self) -> Trouble | None:
        """The latest error that stopped the engine itself, if there was one."""

    def close(self) -> None:
        """End all work. It is safe to call this twice."""
