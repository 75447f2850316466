"""The interface to runs in workers: it knows which worker has whose runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mlpviz.backend.commands import Command
from mlpviz.backend.door import NotNowError, Reply, Trouble
from mlpviz.backend.parts import Newest
from mlpviz.backend.questions import Question
from mlpviz.backend.returning import Returning
from mlpviz.backend.specifications import Specification
from mlpviz.results import Results
from mlpviz.runs.long_question import Reply as LocalReply
from mlpviz.snapshot import Glance, TaskSnapshot
from mlpviz.state import RunState, TaskState
from mlpviz.store.store import Store
from mlpviz.workers.post import PATIENCE, LostError, Post

POLL = 0.05  # seconds between two looks for a worker that answers
GLANCE = 1.5  # seconds for a worker to show all its runs at a glance
NEW = 60.0  # seconds for which a visitor without tasks keeps the same worker

Answer = TypeVar("Answer")


@dataclass
class Visitor:
    """Where the tasks of a visitor are.

    Attributes:
        post: the worker. life: its process. tokens: of the tasks. seen_at: when we last heard of one.
    """

    post: Post
    life: str
    tokens: set[str] = field(default_factory=set)
    seen_at: float = field(default_factory=time.monotonic)

    def is_there(self) -> bool:
        """Whether the process is still the same."""
        return self.life == self.post.life


class WorkersBackend(Returning):
    """Workers with the interface of `mlpviz.backend.door.Backend`.

    All tasks of one visitor are in one worker, because many start from one another. A new visitor goes to the worker
    with the least to do. When a worker ends, its visitors go to the others, and their saved runs come back there.

    Args:
        posts: the workers. store: the saved runs; None if nothing is saved.
        end: is called at the end, when the workers have ended.
    """

    def __init__(
        self, posts: Sequence[Post], store: Store | None = None, end: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(store)
        self.posts = tuple(posts)
        self._end = end
        self._lock = threading.Lock()  # guards what follows
        self._visitors: dict[str, Visitor] = {}
        self._owners: dict[str, str] = {}  # by token
        self._tidied_at = time.monotonic()
        self._closed = False
        self._troubles = [0 for _ in self.posts]  # the errors of each engine that are known already
        self._trouble = ""

    # what others see

    def in_memory(self, task_id: str, owner: str) -> TaskState | None:
        """The state of the visitor's own task with this id, if it is in memory."""
        state: TaskState | None = self._call(owner, "find", task_id, owner)
        return self._noted(state, owner) if state is not None else None

    def list(self, owner: str) -> tuple[TaskState, ...]:
        states: Sequence[TaskState] = self._call_or((), owner, "list", owner)
        return tuple(self._noted(state, owner) for state in states)

    def look(self, token: str) -> TaskState | None:
        owner = self._owners.get(token)
        state: TaskState | None = self._call_or(None, owner, "look", token) if owner is not None else None
        return state

    def create(
        self, specification: Specification, owner: str, instead_of: str = "", seat_of: str = ""
    ) -> Reply[TaskState]:
        """As in `Backend`. The worker loads the dataset, so an error about it comes with the reply."""
        return _Noting(self._act(owner, "create", specification, owner, instead_of, seat_of), self, owner)

    def swap_seats(self, one: str, other: str, owner: str) -> None:
        self._call_or(None, owner, "swap_seats", one, other, owner)

    def tell(self, task_id: str, owner: str, command: Command) -> Reply[TaskState]:
        return _Noting(self._act(owner, "tell", task_id, owner, command), self, owner)

    def ask(self, task_id: str, owner: str, question: Question[Answer]) -> Reply[Answer]:
        return self._act(owner, "ask", task_id, owner, question)

    def snapshot(self, task_id: str, owner: str) -> TaskSnapshot | None:
        found: TaskSnapshot | None = self._call_or(None, owner, "snapshot", task_id, owner)
        return found

    def results(self, task_id: str, owner: str) -> Results | None:
        found: Results | None = self._call_or(None, owner, "results", task_id, owner)
        return found

    async def newest(
        self,
        token: str,
        have: tuple[str, int] | None,
        only: frozenset[str],
        hidden: bool = False,
        without: frozenset[str] = frozenset(),
    ) -> Newest | None:
        return await self._watched("newest", token, have, only, hidden, without)

    async def moment(self, token: str, step: int) -> Newest | None:
        return await self._watched("moment", token, step)

    async def glances(self, tokens: Sequence[str]) -> Mapping[str, Glance | None]:
        found: dict[str, Glance | None] = {}

        async def look(visitor: Visitor, theirs: Sequence[str]) -> None:
            try:
                found.update(await asyncio.wait_for(visitor.post.glances(theirs), GLANCE))
            except LostError:
                visitor.post.lost(visitor.life)
            except TimeoutError:
                found.update(dict.fromkeys(theirs))  # it is there, but busy

        await asyncio.gather(*(look(visitor, theirs) for visitor, theirs in self._by_worker(tokens)))
        self.bring_back_soon([token for token in tokens if token not in found])
        return found

    def hold(self, tokens: Sequence[str]) -> None:
        for visitor, theirs in self._by_worker(tokens):
            try:
                visitor.post.call("hold", theirs)
            except LostError:
                visitor.post.lost(visitor.life)
            except NotNowError:
                continue  # it is busy; the next call may come through

    def _by_worker(self, tokens: Sequence[str]) -> Sequence[tuple[Visitor, Sequence[str]]]:
        """For each worker, a visitor whose tasks it has, and those of the tokens that it has."""
        with self._lock:
            there = {token: self._visitors.get(self._owners.get(token, "")) for token in tokens}
        found: dict[int, tuple[Visitor, list[str]]] = {}
        for token, visitor in there.items():
            if visitor is not None and visitor.is_there():
                found.setdefault(id(visitor.post), (visitor, []))[1].append(token)
        return list(found.values())

    def put_away(self, task_id: str, owner: str) -> None:
        self._call_or(None, owner, "put_away", task_id, owner)

    def drop_from_memory(self, task_id: str, owner: str) -> None:
        """Remove a task from the memory."""
        self._call_or(None, owner, "drop", task_id, owner)

    def forget_in_memory(self, owner: str) -> Sequence[str]:
        """Remove all tasks of a visitor from the memory. Returns their ids."""
        tasks: Sequence[str] = self._call(owner, "forget_in_memory", owner, slow=True)
        return tasks

    def wait_for_mail(self, owner: str) -> None:
        """Wait until the store has what was saved of this visitor's tasks so far.

        Raises:
            NotNowError: that takes too long.
        """
        try:
            self._visitor(owner).post.wait_for_mail()
        except LostError:
            return  # what is not in the store yet is lost

    def trouble(self) -> Trouble | None:
        counts = [post.troubles() for post in self.posts]
        for post, count, before in zip(self.posts, counts, self._troubles, strict=True):
            if count > before and post.trouble is not None:
                self._trouble = post.trouble.message
        self._troubles = counts
        return Trouble(sum(counts), self._trouble) if any(counts) else None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        closing = [threading.Thread(target=post.close) for post in self.posts]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()
        super().close()
        self._end()

    # which worker

    def note(self, state: TaskState, owner: str) -> None:
        """Remember the tokens of a task, so that others can watch it."""
        twin = state.twin if isinstance(state, RunState) else None
        tokens = {state.token} | ({twin.token} if twin is not None else set())
        with self._lock:
            visitor = self._visitors.get(owner)
            if visitor is not None:
                visitor.tokens |= tokens
                visitor.seen_at = time.monotonic()
                self._owners.update(dict.fromkeys(tokens, owner))

    def _noted(self, state: TaskState, owner: str) -> TaskState:
        self.note(state, owner)
        return state

    def _visitor(self, owner: str) -> Visitor:
        """The visitor, with a worker that is there.

        Raises:
            NotNowError: no worker answers.
        """
        end = time.monotonic() + PATIENCE
        while True:
            with self._lock:
                self._tidy()
                visitor = self._visitors.get(owner)
                if visitor is not None and visitor.is_there():
                    visitor.seen_at = time.monotonic()
                    return visitor
                up = [(self._load(post), i, post, life) for i, post in enumerate(self.posts) if (life := post.life)]
                if up:
                    *_, post, life = min(up)
                    self._visitors[owner] = Visitor(post, life, visitor.tokens if visitor is not None else set())
                    return self._visitors[owner]
            if time.monotonic() > end:
                raise NotNowError("No worker of this server answers. Try again in a moment.")
            time.sleep(POLL)

    def _load(self, post: Post) -> tuple[int, int]:
        """How much a worker has to do: watched tasks, with those who came just now; and visitors."""
        here = [owner for owner, visitor in self._visitors.items() if visitor.post is post]
        new = sum(owner not in post.presence.owners for owner in here)
        return post.presence.watched + new, len(here)

    def _tidy(self) -> None:
        """Now and then, forget the visitors who have had no task for a while."""
        now = time.monotonic()
        if now - self._tidied_at < NEW / 2:
            return
        self._tidied_at = now
        for owner, visitor in list(self._visitors.items()):
            if owner not in visitor.post.presence.owners and now - visitor.seen_at > NEW:
                del self._visitors[owner]
                for token in visitor.tokens:
                    self._owners.pop(token, None)

    # how it is asked

    def _call(self, owner: str, method: str, *arguments: Any, slow: bool = False) -> Any:
        """What the visitor's worker answers. If it has just ended, what another one answers.

        Raises:
            NotNowError: no worker answers.
        """
        for _ in (*self.posts, None):
            visitor = self._visitor(owner)
            try:
                return visitor.post.call(method, *arguments, slow=slow)
            except LostError:
                visitor.post.lost(visitor.life)
        raise NotNowError("The part of the server that trained this run has ended. Try again in a moment.")

    def _call_or(self, otherwise: Any, owner: str, method: str, *arguments: Any) -> Any:
        """The same; `otherwise` if no worker answers."""
        try:
            return self._call(owner, method, *arguments)
        except NotNowError:
            return otherwise

    def _act(self, owner: str, method: str, *arguments: Any) -> Reply[Any]:
        """The reply of the visitor's worker."""
        try:
            return self._visitor(owner).post.act(method, *arguments)
        except NotNowError as error:
            failed: LocalReply[Any] = LocalReply()
            failed.set_exception(error)
            return failed

    async def _watched(self, method: str, token: str, *arguments: Any) -> Newest | None:
        """What the worker with this task answers. If it isn't there, it may come back from the disk."""
        found = await self._ask_for(method, token, *arguments)
        if found is None and self.store is not None:
            await self.bring_back_watched(token)
            found = await self._ask_for(method, token, *arguments)
        return found

    async def _ask_for(self, method: str, token: str, *arguments: Any) -> Newest | None:
        visitor = self._visitors.get(self._owners.get(token, ""))
        if visitor is None or not visitor.is_there():
            return None
        try:
            found: Newest | None = await getattr(visitor.post, method)(token, *arguments)
        except LostError:
            visitor.post.lost(visitor.life)
            return None
        return found


class _Noting:
    """A reply with the state of a task, whose tokens are remembered."""

    def __init__(self, reply: Reply[TaskState], backend: WorkersBackend, owner: str) -> None:
        self._reply = reply
        self._backend = backend
        self._owner = owner

    @property
    def progress(self) -> float:
        return self._reply.progress

    def look(self) -> None:
        self._reply.look()

    def cancel(self) -> bool:
        return self._reply.cancel()

    def result(self, timeout: float | None = None) -> TaskState:
        state = self._reply.result(timeout)
        self._backend.note(state, self._owner)
        return state
