"""The interface to runs in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

from mlpviz.backend.commands import Command
from mlpviz.backend.door import Reply, Trouble
from mlpviz.backend.frames import Frames
from mlpviz.backend.parts import HEAD, Encoder, Newest
from mlpviz.backend.questions import Question
from mlpviz.backend.returning import PATIENCE, Returning
from mlpviz.backend.specifications import Specification
from mlpviz.backend.thrift import Thrift
from mlpviz.datasets import load_dataset
from mlpviz.results import Results
from mlpviz.runs.engine import Engine
from mlpviz.runs.publishing import glance
from mlpviz.runs.run import Run
from mlpviz.runs.task import Task
from mlpviz.snapshot import Glance, Snapshot, TaskSnapshot
from mlpviz.state import TaskState
from mlpviz.store.store import Store

Answer = TypeVar("Answer")


class LocalBackend(Returning):
    """An engine with the interface of `mlpviz.backend.door.Backend`.

    Args:
        engine: it must save into the store, if there is one.
        store: the saved runs. Those that are not in memory come back when somebody asks for them.
    """

    def __init__(self, engine: Engine | None = None, store: Store | None = None) -> None:
        super().__init__(store)
        self.engine = engine or Engine(keeper=store)
        self._encoders: WeakKeyDictionary[Task, Encoder] = WeakKeyDictionary()
        self.thrift = Thrift()
        self._frames = Frames()
        self._projecting = ThreadPoolExecutor(1, thread_name_prefix="mlpviz-film")  # one: it leaves time for training

    def in_memory(self, task_id: str, owner: str) -> TaskState | None:
        """The state of the visitor's own task with this id, if it is in memory."""
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
        return self.engine.tell(task_id, owner, command.tell)

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
        task = await self._watched(token, hidden)
        if task is None:
            return None
        snapshot = task.snapshot
        if snapshot is None:
            return Newest(task.id, 0, ())
        encoder = self._encoders.setdefault(task, Encoder())
        if encoder.has(snapshot) or only == {HEAD}:
            return encoder.newest(snapshot, have, only, without)
        can_wait = have is not None and have[0] == task.id and not encoder.is_stale(snapshot)
        if have is not None and can_wait and self.thrift.is_used_up():
            return Newest(*have, ())  # as if there were no news; they come with one of the next answers
        with self.thrift.work():
            return encoder.newest(snapshot, have, only, without)

    def is_encoded(self, token: str, hidden: bool = False) -> bool:
        """Whether `newest` could answer without encoding anything. Also keeps the task working."""
        task = self.engine.watch(token, hidden)
        if task is None or task.snapshot is None:
            return True
        return task in self._encoders and self._encoders[task].has(task.snapshot)

    async def moment(self, token: str, step: int) -> Newest | None:
        run = await self._watched(token)
        found = run.film.at(step) if isinstance(run, Run) else None
        if found is None or not isinstance(run, Run) or not isinstance(run.snapshot, Snapshot):
            return None
        return await asyncio.get_running_loop().run_in_executor(self._projecting, self._frames.get, run, found)

    async def glances(self, tokens: Sequence[str]) -> Mapping[str, Glance | None]:
        found = {token: self.engine.with_token(token) for token in tokens}
        self.bring_back_soon([token for token, task in found.items() if task is None])
        runs = {token: task for token, task in found.items() if isinstance(task, Run)}
        return {
            token: glance(run.snapshot, run.state.status) if isinstance(run.snapshot, Snapshot) else None
            for token, run in runs.items()
        }

    def hold(self, tokens: Sequence[str]) -> None:
        for token in tokens:
            self.engine.watch(token)

    async def _watched(self, token: str, hidden: bool = False) -> Task | None:
        """The task with this token, from the disk if need be."""
        task = self.engine.watch(token, hidden)
        if task is None and self.store is not None:
            await self.bring_back_watched(token)
            task = self.engine.watch(token, hidden)
        return task

    def drop_from_memory(self, task_id: str, owner: str) -> None:
        """Remove a task from the memory."""
        self.engine.drop(task_id, owner)

    def forget_in_memory(self, owner: str) -> Sequence[str]:
        """Remove all tasks of a visitor from the memory. Returns their ids."""
        return self.engine.forget(owner).result(PATIENCE)

    def wait_for_mail(self, owner: str) -> None:
        """There is no mail: the engine gives the store what it saves."""

    def put_away(self, task_id: str, owner: str) -> None:
        self.engine.put_away(task_id, owner)

    def trouble(self) -> Trouble | None:
        return Trouble(self.engine.troubles, self.engine.trouble) if self.engine.troubles else None

    def close(self) -> None:
        self.engine.close()
        self._projecting.shutdown(wait=False, cancel_futures=True)
        super().close()
