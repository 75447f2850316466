"""The interface to runs in this process."""

from __future__ import annotations

from typing import TypeVar
from weakref import WeakKeyDictionary

from mlpviz.backend.commands import Command
from mlpviz.backend.door import Reply, Trouble
from mlpviz.backend.parts import Encoder, Newest
from mlpviz.backend.questions import Question
from mlpviz.backend.specifications import Specification
from mlpviz.datasets import load_dataset
from mlpviz.results import Results
from mlpviz.runs.engine import Engine
from mlpviz.runs.run import Run
from mlpviz.runs.task import Task
from mlpviz.snapshot import TaskSnapshot
from mlpviz.state import TaskState

Answer = TypeVar("Answer")


class LocalBackend:
    """An engine with the interface of `mlpviz.backend.door.Backend`."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or Engine()
        self._encoders: WeakKeyDictionary[Task, Encoder] = WeakKeyDictionary()

    def find(self, task_id: str, owner: str) -> TaskState | None:
        return self.engine.find(task_id, owner)

    def list(self, owner: str) -> tuple[TaskState, ...]:
        return tuple(self.engine.mine(owner))

    def look(self, token: str) -> TaskState | None:
        return self.engine.look(token)

    def create(
        self, specification: Specification, owner: str, instead_of: str = "", seat_of: str = ""
    ) -> Reply[TaskState]:
        """As in `Backend`. The dataset is loaded here, in the caller's thread, so that nobody else waits."""
        name = specification.dataset_name
        dataset = load_dataset(name) if name else None
        return self.engine.create(specification, owner, dataset, instead_of, seat_of)

    def swap_seats(self, one: str, other: str, owner: str) -> None:
        if self.engine.task(one, owner) is not None and self.engine.task(other, owner) is not None:
            self.engine.swap_seats(one, other)

    def tell(self, task_id: str, owner: str, command: Command) -> Reply[TaskState]:
        return self.engine.tell(task_id, owner, command.carry_out)

    def ask(self, task_id: str, owner: str, question: Question[Answer]) -> Reply[Answer]:
        return self.engine.ask(task_id, owner, question.answer)

    def snapshot(self, task_id: str, owner: str) -> TaskSnapshot | None:
        task = self.engine.task(task_id, owner)
        return task.snapshot if task is not None else None

    def results(self, task_id: str, owner: str) -> Results | None:
        task = self.engine.task(task_id, owner)
        return task.recording.results if isinstance(task, Run) else None

    async def newest(
        self,
        token: str,
        have: tuple[str, int] | None,
        only: frozenset[str],
        hidden: bool = False,
        without: frozenset[str] = frozenset(),
    ) -> Newest | None:
        task = self.engine.watch(token, hidden)
        if task is None:
            return None
        snapshot = task.snapshot
        if snapshot is None:
            return Newest(task.id, 0, ())
        return self._encoders.setdefault(task, Encoder()).newest(snapshot, have, only, without)

    def drop(self, task_id: str, owner: str) -> None:
        self.engine.drop(task_id, owner)

    def trouble(self) -> Trouble | None:
        return Trouble(self.engine.troubles, self.engine.trouble) if self.engine.troubles else None

    def close(self) -> None:
        self.engine.close()
