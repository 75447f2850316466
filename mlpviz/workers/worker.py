"""What a worker process does: it has an engine, and answers the front end. It imports neither Streamlit nor Ray."""

from __future__ import annotations

import asyncio
import logging
import pickle
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mlpviz.backend.door import Reply, Trouble
from mlpviz.backend.local import LocalBackend
from mlpviz.backend.parts import Newest
from mlpviz.backend.saved import codec
from mlpviz.catalog import default_dataset
from mlpviz.datasets import load_dataset
from mlpviz.runs.engine import Engine, Presence
from mlpviz.snapshot import Glance
from mlpviz.store.packing import Packer
from mlpviz.workers.courier import Courier, Mail

PIECE = 0.010  # seconds after which no other snapshot is encoded
MOST_DONE = 1000  # replies that are remembered when they are over
NEWS = 1.0  # seconds after which a worker reports, if there is no mail

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """What the front end wants to know about a worker from time to time.

    Attributes:
        life: the name of the process. mail: what was saved. presence: whose tasks are there.
        trouble: the latest error that stopped the engine, if there was one.
    """

    life: str
    mail: Mail
    presence: Presence
    trouble: Trouble | None


@dataclass(frozen=True)
class Outcome:
    """The answer to a command or a question, or the error in its place."""

    answer: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Asked:
    """What the front end wants to know about a task; as in `Backend.newest`."""

    token: str
    have: tuple[str, int] | None
    only: frozenset[str]
    hidden: bool


Answered = Newest | Exception | None


class Worker:
    """One engine. All methods are coroutines of one event loop, so none of them may take long.

    Args:
        memory: how many bytes its tasks may use together.
        threads: PyTorch's threads.
        saves: whether the front end saves runs.
    """

    def __init__(self, memory: int, threads: int, saves: bool) -> None:
        self._life = secrets.token_hex(4)
        self._courier = Courier(Packer(codec())) if saves else None
        self.backend = LocalBackend(Engine(memory=memory, threads=threads, keeper=self._courier))
        self._replies: dict[str, Reply[Any]] = {}
        self._given_up: set[str] = set()  # before they began
        self._done: deque[str] = deque(maxlen=MOST_DONE)
        self._slow = ThreadPoolExecutor(4, thread_name_prefix="mlpviz-slow")
        self._mailing = ThreadPoolExecutor(1, thread_name_prefix="mlpviz-mail")
        self._slow.submit(load_dataset, default_dataset())  # so that the first visitor need not wait

    async def call(self, method: str, *arguments: Any) -> Any:
        """A method of the backend that answers at once."""
        return getattr(self.backend, method)(*arguments)

    async def call_slow(self, method: str, *arguments: Any) -> Any:
        """A method of the backend that may have to wait."""
        return await self._in(self._slow, getattr(self.backend, method), *arguments)

    async def newest_of(self, asked: Sequence[Asked]) -> list[Answered]:
        """The newest snapshot of each task, or the error in its place. To encode them all can take long: what does not
        fit in now is answered as if there were no news, and comes the next time."""
        end = time.monotonic() + PIECE
        answers: list[Answered] = []
        for each in asked:
            try:
                answers.append(await self._newest(each, later=time.monotonic() > end))
            except Exception as error:  # of this task alone
                log.exception("a snapshot can't be encoded")
                answers.append(RuntimeError(f"{type(error).__name__}: {error}"))
            await asyncio.sleep(0)  # others may be waiting
        return answers

    async def _newest(self, asked: Asked, later: bool) -> Newest | None:
        if later and asked.have is not None and not self.backend.is_encoded(asked.token, asked.hidden):
            return Newest(*asked.have, ())
        return await self.backend.newest(asked.token, asked.have, asked.only, asked.hidden)

    async def moment(self, *arguments: Any) -> Newest | None:
        """As in `Backend`."""
        return await self.backend.moment(*arguments)

    async def glances(self, tokens: Sequence[str]) -> Mapping[str, Glance | None]:
        """As in `Backend`."""
        return await self.backend.glances(tokens)

    async def act(self, ticket: str, method: str, packed: bytes) -> Outcome:
        """A method of the backend that gives a reply. The answer comes when the reply has it.

        Args:
            ticket: the caller's name for the reply. packed: the arguments. Ray would share their arrays, and then a run
                that comes back could not write into its own.
        """
        try:
            arguments = pickle.loads(packed)
            await self._load(arguments[0])
            if ticket in self._given_up:
                return Outcome(error=TimeoutError("Nobody waited for the answer."))
            self._replies[ticket] = reply = getattr(self.backend, method)(*arguments)
            return Outcome(await asyncio.wrap_future(reply))
        except asyncio.CancelledError:
            return Outcome(error=TimeoutError("Nobody waited for the answer."))
        except Exception as error:
            return Outcome(error=error)
        finally:
            self._replies.pop(ticket, None)
            self._given_up.discard(ticket)
            self._done.append(ticket)

    async def look(self, ticket: str) -> float:
        """Say that somebody waits for a reply. Returns how much of the work is done, from 0 to 1."""
        reply = self._replies.get(ticket)
        if reply is None:
            return 0.0
        reply.look()
        return reply.progress

    async def cancel(self, ticket: str) -> bool:
        """Say that nobody waits any more. True if the work has not begun; then it never will."""
        reply = self._replies.get(ticket)
        if reply is not None:
            return reply.cancel()
        if ticket in self._done:
            return False
        self._given_up.add(ticket)
        return True

    async def hurry(self) -> int:
        """Send the next report at once. Returns how many saves there have been so far."""
        return self._courier.hurry() if self._courier is not None else 0

    async def report(self, in_file: Mapping[str, frozenset[str]], received: int, trouble: str) -> Report:
        """The next report. It comes when there is mail, or after a second.

        Args:
            in_file, received: as in `Courier.collect`. trouble: why the file can't be written now.
        """
        mail = Mail()
        if self._courier is None:
            await asyncio.sleep(NEWS)
        else:
            self._courier.trouble = trouble
            alive = self.backend.engine.presence().ids
            mail = await self._in(self._mailing, self._courier.collect, in_file, received, alive, NEWS)
        return Report(self._life, mail, self.backend.engine.presence(), self.backend.trouble())

    async def close(self) -> int:
        """End all work. Returns how many saves there have been."""
        await self._in(self._slow, self.backend.close)
        return await self.hurry()

    async def _load(self, request: Any) -> None:
        """Read the dataset of a new task beside the loop, because that can take seconds."""
        name = getattr(request, "dataset_name", "")
        if name:
            await self._in(self._slow, load_dataset, name)

    async def _in(self, executor: ThreadPoolExecutor, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *arguments)
