"""The interface to runs in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

from mlpviz.backend.commands import Command
from mlpviz.backend.door import Reply, Trouble
from mlpviz.backend.frames import Frames
from mlpviz.backend.parts import Encoder, Newest
from mlpviz.backend.questions import Question
from mlpviz.backend.saved import BringBack
from mlpviz.backend.specifications import Specification
from mlpviz.datasets import DatasetError, load_dataset
from mlpviz.results import Results
from mlpviz.runs.engine import Engine
from mlpviz.runs.errors import EngineFullError, NotNowError
from mlpviz.runs.run import Run
from mlpviz.runs.task import Task
from mlpviz.snapshot import Snapshot, TaskSnapshot
from mlpviz.state import TaskState
from mlpviz.store.store import Store

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds to wait for a task that comes back from the disk


class LocalBackend:
    """An engine with the interface of `mlpviz.backend.door.Backend`.

    Args:
        engine: it must save into the store, if there is one.
        store: the saved runs. Those that are not in memory come back when somebody asks for them.
    """

    def __init__(self, engine: Engine | None = None, store: Store | None = None) -> None:
        self.engine = engine or Engine(keeper=store)
        self.store = store
        self._encoders: WeakKeyDictionary[Task, Encoder] = WeakKeyDictionary()
        self._frames = Frames()
        self._projecting = ThreadPoolExecutor(1, thread_name_prefix="mlpviz-film")  # one: it leaves time for training
        self._bringing = ThreadPoolExecutor(2, thread_name_prefix="mlpviz-back")  # for pages that only watch

    def find(self, task_id: str, owner: str) -> TaskState | None:
        state = self.engine.find(task_id, owner)
        if state is None and self.store is not None and self._bring_back(task_id, owner):
            state = self.engine.find(task_id, owner)
        return state

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
        task = await self._watched(token, hidden)
        if task is None:
            return None
        snapshot = task.snapshot
        if snapshot is None:
            return Newest(task.id, 0, ())
        return self._encoders.setdefault(task, Encoder()).newest(snapshot, have, only, without)

    async def moment(self, token: str, step: int) -> Newest | None:
        run = await self._watched(token)
        found = run.film.at(step) if isinstance(run, Run) else None
        if found is None or not isinstance(run, Run) or not isinstance(run.snapshot, Snapshot):
            return None
        return await asyncio.get_running_loop().run_in_executor(self._projecting, self._frames.get, run, found)

    async def _watched(self, token: str, hidden: bool = False) -> Task | None:
        """The task with this token, from the disk if need be."""
        task = self.engine.watch(token, hidden)
        if task is None and self.store is not None:
            await asyncio.get_running_loop().run_in_executor(self._bringing, self._bring_back_watched, token)
            task = self.engine.watch(token, hidden)
        return task

    def drop(self, task_id: str, owner: str) -> None:
        self.engine.drop(task_id, owner)
        if self.store is not None:
            self.store.drop(task_id, owner)

    def put_away(self, task_id: str, owner: str) -> None:
        self.engine.put_away(task_id, owner)

    def forget(self, owner: str) -> bool:
        tasks = self.engine.forget(owner).result(PATIENCE)
        return self.store.forget(owner, tasks) if self.store is not None else True

    def trouble(self) -> Trouble | None:
        return Trouble(self.engine.troubles, self.engine.trouble) if self.engine.troubles else None

    def close(self) -> None:
        self.engine.close()
        for executor in (self._bringing, self._projecting):
            executor.shutdown(wait=False, cancel_futures=True)
        if self.store is not None:
            self.store.close()

    def _bring_back(self, task_id: str, owner: str) -> bool:
        """Bring a saved task back into memory. Returns whether it is there now.

        Raises:
            NotNowError: it can't come back now.
        """
        assert self.store is not None
        saved = self.store.bring_back(task_id, owner)
        if saved is None:
            return False
        try:
            reply = self.create(BringBack(saved), owner)
            try:
                reply.result(PATIENCE)
            except TimeoutError:
                if not reply.cancel():
                    reply.result(PATIENCE)
                raise NotNowError("The server is busy. Try again in a moment.") from None
        except (NotNowError, EngineFullError, DatasetError) as error:
            self._let_go(task_id, owner)
            raise NotNowError(str(error)) from error
        except Exception as error:  # another version of mlpviz saved other values
            log.exception("the saved task %s can't come back", task_id)
            self._let_go(task_id, owner)
            text = f"This version of mlpviz can’t read what was saved of it ({type(error).__name__}: {error})."
            raise NotNowError(text) from error
        return True

    def _let_go(self, task_id: str, owner: str) -> None:
        if self.store is not None and self.engine.task(task_id, owner) is None:
            self.store.let_go(task_id)

    def _bring_back_watched(self, token: str) -> None:
        """The same for a task that a page watches. If it is not possible, the page says that the run is gone."""
        assert self.store is not None
        found = self.store.with_token(token)
        if found is not None:
            with contextlib.suppress(Exception):
                self._bring_back(*found)
