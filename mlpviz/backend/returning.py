"""How saved tasks come back into memory when somebody asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mlpviz.backend.door import Reply
from mlpviz.backend.saved import BringBack
from mlpviz.backend.specifications import Specification
from mlpviz.datasets import DatasetError
from mlpviz.runs.errors import EngineFullError, GoneError, NotNowError
from mlpviz.state import TaskState
from mlpviz.store.store import Store

log = logging.getLogger(__name__)

AGAIN = 60.0  # seconds until it is tried again to bring back a task that many runs are shown beside
PATIENCE = 20.0  # seconds to wait for a task that comes back from the disk


class Returning(ABC):
    """A part of every backend: what it does with the saved runs.

    Args:
        store: the saved runs; None if nothing is saved.
    """

    def __init__(self, store: Store | None) -> None:
        self.store = store
        self._asked_back: dict[str, float] = {}  # when each token was asked for, by those who show many runs
        self._bringing = ThreadPoolExecutor(2, thread_name_prefix="mlpviz-back")  # for pages that only watch

    @abstractmethod
    def in_memory(self, task_id: str, owner: str) -> TaskState | None:
        """The state of the visitor's own task with this id, if it is in memory."""

    @abstractmethod
    def look(self, token: str) -> TaskState | None:
        """As in `Backend`."""

    @abstractmethod
    def create(
        self, specification: Specification, owner: str, instead_of: str = "", seat_of: str = ""
    ) -> Reply[TaskState]:
        """As in `Backend`."""

    @abstractmethod
    def drop_from_memory(self, task_id: str, owner: str) -> None:
        """Remove a task from the memory."""

    @abstractmethod
    def forget_in_memory(self, owner: str) -> Sequence[str]:
        """Remove all tasks of a visitor from the memory. Returns their ids."""

    @abstractmethod
    def wait_for_mail(self, owner: str) -> None:
        """Wait until the store has what was saved of this visitor's tasks so far.

        Raises:
            NotNowError: that takes too long.
        """

    def find(self, task_id: str, owner: str) -> TaskState | None:
        """As in `Backend`."""
        state = self.in_memory(task_id, owner)
        if state is None and self.store is not None and self._bring_back(task_id, owner, self.store):
            state = self.in_memory(task_id, owner)
        return state

    def drop(self, task_id: str, owner: str) -> None:
        """As in `Backend`."""
        self.drop_from_memory(task_id, owner)
        if self.store is not None:
            self.store.drop(task_id, owner)

    def forget(self, owner: str) -> bool:
        """As in `Backend`."""
        tasks = self.forget_in_memory(owner)
        if self.store is None:
            return True
        complete = True
        try:
            self.wait_for_mail(owner)
        except NotNowError:
            complete = False  # something may be written after this
        return self.store.forget(owner, list(tasks)) and complete

    async def bring_back_watched(self, token: str) -> None:
        """Bring back the task that a page watches with this token. If it is not possible, the page says that the run is
        gone."""
        if self.store is not None:
            await asyncio.get_running_loop().run_in_executor(self._bringing, self._bring_back_quietly, token)

    def bring_back_soon(self, tokens: Sequence[str]) -> None:
        """Bring back the saved tasks with these tokens, while the caller goes on. If that fails, it is tried again
        after a while."""
        now = time.monotonic()
        for token in tokens if self.store is not None else ():
            if now - self._asked_back.get(token, -AGAIN) >= AGAIN:
                self._asked_back[token] = now
                self._bringing.submit(self._bring_back_quietly, token)

    def close(self) -> None:
        """As in `Backend`."""
        self._bringing.shutdown(wait=False, cancel_futures=True)
        if self.store is not None:
            self.store.close()

    def _bring_back(self, task_id: str, owner: str, store: Store) -> bool:
        """Bring a saved task back into memory. Returns whether it is there now.

        Raises:
            NotNowError: it can't come back now.
        """
        self.wait_for_mail(owner)
        saved = store.bring_back(task_id, owner)
        if saved is None:
            return False
        try:
            self._wait_for(lambda: self.create(BringBack(saved), owner))
        except (NotNowError, EngineFullError, DatasetError, GoneError) as error:
            self._let_go(task_id, owner, store)
            raise NotNowError(str(error)) from error
        except Exception as error:  # another version of mlpviz saved other values
            log.exception("the saved task %s can't come back", task_id)
            self._let_go(task_id, owner, store)
            text = f"This version of mlpviz can’t read what was saved of it ({type(error).__name__}: {error})."
            raise NotNowError(text) from error
        return True

    def _wait_for(self, create: Callable[[], Reply[TaskState]]) -> None:
        reply = create()
        try:
            reply.result(PATIENCE)
        except TimeoutError:
            if not reply.cancel():
                reply.result(PATIENCE)
            raise NotNowError("The server is busy. Try again in a moment.") from None

    def _let_go(self, task_id: str, owner: str, store: Store) -> None:
        if self.in_memory(task_id, owner) is None:
            store.let_go(task_id)

    def _bring_back_quietly(self, token: str) -> None:
        assert self.store is not None
        if self.look(token) is not None:
            return  # somebody else has asked for it, too
        found = self.store.with_token(token)
        if found is not None:
            with contextlib.suppress(Exception):
                self._bring_back(*found, self.store)
