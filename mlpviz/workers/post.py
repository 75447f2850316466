"""The front end's side of one worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from mlpviz.backend.door import GoneError, NotNowError, Trouble
from mlpviz.backend.parts import Newest
from mlpviz.runs.engine import Presence
from mlpviz.snapshot import Glance
from mlpviz.store.store import Store
from mlpviz.workers.courier import Mail
from mlpviz.workers.desk import Desk
from mlpviz.workers.worker import Report

PATIENCE = 20.0  # seconds to wait for a worker, for example while it restarts
LAST = 5.0  # seconds for a worker's last saves
PAUSE = 0.2  # seconds until a worker that did not report is asked again
LOOKS = 0.1  # seconds between two looks at the progress of a reply

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class LostError(Exception):
    """The worker has ended. Another one, or the same one started again, can do the work."""


class Post:
    """One worker, as the front end knows it. If its process ends, Ray starts it again, with an empty memory.

    Args:
        actor: a `Worker`, as a Ray actor that may restart.
        store: gets what the worker saves.

    Attributes:
        life: the name of the process that answers now; empty if there is none.
        presence: whose tasks are there, as far as we know. trouble: the latest error that stopped its engine.
        problem: why the worker could not be reached the last time.
    """

    def __init__(self, actor: Any, store: Store | None) -> None:
        self.actor = actor
        self.life = ""
        self.presence = Presence()
        self.trouble: Trouble | None = None
        self.problem = ""
        self._earlier = 0  # errors of the engine in earlier lives
        self._store = store
        self._news = threading.Condition()  # guards what follows
        self._in_file: dict[str, frozenset[str]] = {}  # what the worker does not know yet of this
        self._received = 0
        self._lost_lives: set[str] = set()
        self._closing = False
        self._desk: Desk | None = None
        self._desk_of: tuple[object, ...] = ()  # the process and the event loop that it belongs to
        self._thread = threading.Thread(target=self._receive, name="mlpviz-post", daemon=True)
        self._thread.start()

    def call(self, method: str, *arguments: Any, slow: bool = False) -> Any:
        """What a method of the worker's backend returns.

        Raises:
            LostError: the worker has ended. NotNowError: it does not answer.
        """
        return self._get((self.actor.call_slow if slow else self.actor.call).remote(method, *arguments))

    def act(self, method: str, *arguments: Any) -> FarReply[Any]:
        """The reply of a method of the worker's backend."""
        return FarReply(self.actor, method, *arguments)

    async def newest(self, *arguments: Any) -> Newest | None:
        """As in `Backend`, from the worker's desk.

        Raises:
            LostError: the worker has ended.
        """
        loop = asyncio.get_running_loop()
        if self._desk is None or self._desk_of != (self.life, loop):
            self._desk, self._desk_of = Desk(lambda asked: self._far("newest_of", asked)), (self.life, loop)
        return await self._desk.newest(*arguments)

    async def glances(self, tokens: Sequence[str]) -> dict[str, Glance | None]:
        """As in `Backend`.

        Raises:
            LostError: the worker has ended.
        """
        found: dict[str, Glance | None] = await self._far("glances", tokens)
        return found

    async def moment(self, *arguments: Any) -> Newest | None:
        """As in `Backend`.

        Raises:
            LostError: the worker has ended.
        """
        moment: Newest | None = await self._far("moment", *arguments)
        return moment

    async def _far(self, method: str, *arguments: Any) -> Any:
        try:
            return await getattr(self.actor, method).remote(*arguments)
        except RayActorError as error:
            raise LostError from error

    def wait_for_mail(self) -> None:
        """Wait until the store has what was saved in the worker so far.

        Raises:
            NotNowError: that takes too long. LostError: the worker has ended.
        """
        if self._store is not None and not self._wait_until_received(self._get(self.actor.hurry.remote())):
            raise NotNowError("It is still being saved. Try again in a moment.")

    def lost(self, life: str) -> None:
        """This process of the worker has ended, or we can't reach it. What it sends from now on is not read."""
        with self._news:
            if life != self.life or not life or self._closing:
                return
            self.life, self.presence = "", Presence()
            self._lost_lives.add(life)
            self._earlier, self.trouble = self.troubles(), None
            self._in_file, self._received = {}, 0
            self._news.notify_all()
        log.warning("a worker has ended; it starts again, and its runs come back as they were saved last")

    def troubles(self) -> int:
        """How many errors have stopped the engine itself so far."""
        return self._earlier + (self.trouble.count if self.trouble is not None else 0)

    def wait_until_up(self, seconds: float) -> bool:
        """Wait until the worker answers for the first time. Returns whether it does."""
        with self._news:
            return self._news.wait_for(lambda: bool(self.life), seconds)

    def close(self) -> None:
        """Let the worker save everything for the last time, and end it."""
        with contextlib.suppress(RayError, NotNowError, LostError):
            self._wait_until_received(self._get(self.actor.close.remote(), LAST))
        self._closing = True
        with contextlib.suppress(RayError):
            ray.kill(self.actor)

    def _get(self, reference: Any, seconds: float = PATIENCE) -> Any:
        try:
            return ray.get(reference, timeout=seconds)
        except GetTimeoutError:
            raise NotNowError("The server is busy. Try again in a moment.") from None
        except RayActorError as error:
            raise LostError from error

    def _wait_until_received(self, count: int) -> bool:
        with self._news:
            return self._news.wait_for(lambda: self._received >= count or not self.life, LAST)

    def _receive(self) -> None:
        """The thread that takes the worker's reports."""
        while not self._closing:
            life = self.life
            try:
                with self._news:
                    in_file, self._in_file = self._in_file, {}
                trouble = self._store.trouble if self._store is not None else ""
                report: Any = ray.get(self.actor.report.remote(in_file, self._received, trouble))
                self._take(report)
            except RayActorError as error:
                self.problem = " ".join(str(error).split())
                self.lost(life)
                time.sleep(PAUSE)
            except Exception:
                if not self._closing:
                    log.exception("a report of a worker can't be read")
                    time.sleep(PAUSE)

    def _take(self, report: Report) -> None:
        with self._news:
            if report.life in self._lost_lives:  # it lives, although we could not reach it; its runs are elsewhere now
                ray.kill(self.actor, no_restart=False)
                return
            if self._store is not None:
                self._pass_on(report.mail, self._store)
            self.life, self.presence, self.trouble = report.life, report.presence, report.trouble
            self._received = report.mail.up_to
            self._news.notify_all()

    def _pass_on(self, mail: Mail, store: Store) -> None:
        for parcel in mail.parcels:
            store.keep(replace(parcel, tell=self._remember(parcel.id)))
        for task in mail.gone:
            store.let_go(task)

    def _remember(self, task: str) -> Any:
        def tell(names: frozenset[str]) -> None:
            with self._news:
                self._in_file[task] = names

        return tell


class FarReply(Generic[Answer]):
    """A reply that comes from a worker; as `mlpviz.backend.door.Reply`."""

    def __init__(self, actor: Any, method: str, *arguments: Any) -> None:
        self.progress = 0.0
        self._actor = actor
        self._ticket = secrets.token_hex(8)
        self._looked_at = time.monotonic()
        self._reference: Any = actor.act.remote(self._ticket, method, pickle.dumps(arguments))

    def look(self) -> None:
        """Say that somebody is still waiting, and see how much is done."""
        if time.monotonic() - self._looked_at >= LOOKS:
            self._looked_at = time.monotonic()
            with contextlib.suppress(RayError):
                progress: Any = ray.get(self._actor.look.remote(self._ticket), timeout=PATIENCE)
                self.progress = progress

    def cancel(self) -> bool:
        """Say that nobody is waiting any more. True if the work has not begun; then it never will."""
        if ray.wait([self._reference], timeout=0)[0]:
            return False
        with contextlib.suppress(RayError):
            return bool(ray.get(self._actor.cancel.remote(self._ticket), timeout=PATIENCE))
        return False

    def result(self, timeout: float | None = None) -> Answer:
        """The answer. Raises TimeoutError if it takes longer, or the error that came instead of an answer."""
        try:
            outcome: Any = ray.get(self._reference, timeout=timeout)
        except GetTimeoutError:
            raise TimeoutError from None
        except RayActorError:
            raise GoneError("The part of the server that trained this run has ended. Try again in a moment.") from None
        except RayError as error:
            raise RuntimeError(str(error).strip().splitlines()[-1]) from None
        if outcome.error is not None:
            raise outcome.error
        answer: Answer = outcome.answer
        return answer
