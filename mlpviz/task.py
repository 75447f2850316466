"""A task: whatever the engine works at in turns, for as long as somebody watches it."""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod

from mlpviz.snapshot import AnySnapshot

LEASE = 10.0  # seconds that one look keeps a task going
REFRESH = 0.4  # seconds between snapshots; a page asks every 0.5 s


class Task(ABC):
    """Work in small pieces.

    Other threads may call `look` and `watched` and read `id`, `token`, `owner` and the snapshot; all else belongs to
    the engine's thread.

    Attributes:
        id: stands in the address of its page.
        token: whoever has it may watch the task, and nothing else; it goes over to the run that takes its place.
        owner: the visitor who may give it commands.
        bytes: about how much memory it takes.
        step: how many updates it has made.
        snapshot: what a board shows of it; immutable.
        failed: an exception stopped it, and `message` says which.
    """

    bytes: int
    snapshot: AnySnapshot | None = None
    failed = False
    message = ""

    def __init__(self, owner: str) -> None:
        self.id = secrets.token_urlsafe(9)
        self.token = secrets.token_urlsafe(24)
        self.owner = owner
        self._credit = 0.0
        self._leased_until = 0.0
        self.look()

    # what a watcher does

    def look(self) -> None:
        """Keep the task going for another ten seconds."""
        self._leased_until = time.monotonic() + LEASE

    def watched(self) -> bool:
        return time.monotonic() < self._leased_until

    def unwatched_seconds(self) -> float:
        return max(0.0, time.monotonic() - self._leased_until)

    def companions(self) -> list[Task]:
        """Tasks that go when this one goes."""
        return []

    # what the engine does

    def work(self, seconds: float) -> None:
        """Go on for about that long. What a turn overruns, the next turn is shorter by, so that all tasks get the same
        share; by the thread's own clock, which stands still while others have the processor."""
        self._credit += seconds
        if self._credit <= 0:
            return
        begun = time.thread_time()
        while self.has_work():
            self.advance()
            if time.thread_time() - begun >= self._credit:
                break
        self._credit = min(0.0, self._credit - (time.thread_time() - begun))

    def fail(self, message: str) -> None:
        self.failed, self.message = True, message

    @property
    @abstractmethod
    def step(self) -> int: ...

    @property
    @abstractmethod
    def status(self) -> str:
        """ "preparing", "paused", "training", "examining", "finished" or "failed"."""

    @abstractmethod
    def has_work(self) -> bool: ...

    @abstractmethod
    def advance(self) -> None:
        """Do the next piece: a step, or a batch of an evaluation."""

    @abstractmethod
    def refresh(self, watched: int) -> None:
        """Publish a snapshot if one is due and would show anything new; `watched` tasks share the engine."""


class FiniteTask(Task):
    """A task that begins by itself, goes to its end, and publishes a snapshot whenever it has got further."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self._version = 0
        self._next_refresh = 0.0
        self._shown: object = None

    @property
    def status(self) -> str:
        if self.failed:
            return "failed"
        return "training" if self.has_work() else "finished"

    def refresh(self, watched: int) -> None:
        now, status = time.monotonic(), self.status
        shown = (status, self.progress())
        if shown == self._shown or (now < self._next_refresh and status == "training"):
            return
        self._next_refresh, self._shown = now + REFRESH, shown
        self._version += 1
        self.snapshot = self.make_snapshot(self._version, status)

    def progress(self) -> object:
        """Another whenever there is more to show."""
        return self.step

    @abstractmethod
    def make_snapshot(self, version: int, status: str) -> AnySnapshot: ...
