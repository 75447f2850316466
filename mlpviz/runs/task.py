"""A task: anything that the engine works at in turns, as long as somebody watches it."""

from __future__ import annotations

import logging
import math
import secrets
import string
from abc import ABC, abstractmethod
from dataclasses import replace

from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.snapshot import REFRESH, Status, TaskSnapshot
from mlpviz.state import TaskState

IN_IDS = string.ascii_letters + string.digits  # so that an id never looks like an option of a command
LEASE = 10.0  # seconds that one look keeps a task going, so that a page may lose several requests
HIDDEN_LEASE = 90.0  # the same for a page in a hidden tab: browsers let it ask only once a minute

log = logging.getLogger(__name__)


class Task(ABC):
    """Work in small pieces.

    Other threads may call `look`, `watched` and `unwatched_seconds`, and read `id`, `owner`, the published `state` and
    the `snapshot`. Everything else belongs to the engine's thread.

    Attributes:
        id: part of the address of its page.
        owner: the visitor who may give it commands.
        memory: about how many bytes it takes. If a task doesn't say, the engine uses the value of its specification.
        step_memory: about how many more bytes it takes during each step.
        kind: its name in messages. remedy: what to do if an error has stopped it.
        specification: what it was made from. made_at: when, by its clock.
        threads: PyTorch's number of threads for it, because its bits depend on it; None: the engine's own number.
        first_version: the versions of its snapshots are larger.
        snapshot: what a board shows of it; immutable.
        state: its latest published state; immutable.
        failed: whether an exception stopped it; `message` says which.
        yields: whether it leaves most of the time to other tasks, as long as these have work.
        over: whether nobody needs it any more, so that the engine can remove it.
    """

    snapshot: TaskSnapshot | None = None
    state: TaskState
    specification: object = None
    step_memory = 0
    threads: int | None = None
    first_version = 0
    failed = False
    yields = False
    over = False
    message = ""
    kind = "task"
    remedy = "Begin it again. If the error returns, try a smaller network or other settings."

    def __init__(self, owner: str, memory: int = 0, clock: Clock = CLOCK) -> None:
        self.id = "".join(secrets.choice(IN_IDS) for _ in range(12))
        self.owner = owner
        self.memory = memory
        self.clock = clock
        self.made_at = clock.now()
        self._credit = 0.0
        self._leased_until = 0.0
        self.look()

    # what a watcher does

    def look(self, seconds: float = LEASE) -> None:
        """Keep the task going for that long from now on."""
        self._leased_until = max(self._leased_until, self.clock.now() + seconds)

    def watched(self) -> bool:
        """Whether somebody looked at it recently."""
        return self.clock.now() < self._leased_until

    def unwatched_seconds(self) -> float:
        """The seconds since it was last watched."""
        return max(0.0, self.clock.now() - self._leased_until)

    def companions(self) -> list[Task]:
        """The tasks that are removed together with this one."""
        return []

    # what the engine does

    def work(self, seconds: float) -> None:
        """Work for about that long. If a turn takes too long, the next turns are shorter, so that all tasks get the
        same share."""
        self._credit += seconds
        if self._credit <= 0:
            return
        begun = self.clock.worked()
        while self.has_work():
            self.advance()
            if self.clock.worked() - begun >= self._credit:
                break
        self._credit = min(0.0, self._credit - (self.clock.worked() - begun))

    def publish(self) -> None:
        """Let other threads see its present state."""
        self.state = self.make_state()

    def has_news(self) -> bool:
        """Whether its published state is out of date, though it had no work: a follower, for example."""
        known = self.state
        return (known.step, known.version, known.status) != (self.step, self.version, self.status)

    def fail(self, error: BaseException) -> None:
        """Stop for good, and publish this at once. It computes nothing for that, because the network may be broken."""
        if self.failed:
            return
        log.error("task %s failed", self.id, exc_info=error)
        message = f"An error stopped this {self.kind} ({type(error).__name__}: {error}). {self.remedy}"
        self.failed, self.message = True, message
        if self.snapshot is None:
            self.snapshot = TaskSnapshot(1, self.id, Status.FAILED, message, self.step, self.total_steps)
        else:
            version = self.snapshot.version + 1
            self.snapshot = replace(self.snapshot, version=version, status=Status.FAILED, message=message)
        self.state = replace(self.state, status=Status.FAILED, message=message, version=self.snapshot.version)

    def make_state(self) -> TaskState:
        """Its present state."""
        return TaskState(
            id=self.id,
            status=self.status,
            message=self.message,
            step=self.step,
            total_steps=self.total_steps,
            version=self.version,
            specification=self.specification,
        )

    @property
    def version(self) -> int:
        """The version of the newest snapshot; `first_version` before the first."""
        return self.snapshot.version if self.snapshot is not None else self.first_version

    @property
    @abstractmethod
    def step(self) -> int:
        """The number of updates so far."""

    @property
    @abstractmethod
    def total_steps(self) -> int:
        """The number of updates at its end."""

    @property
    @abstractmethod
    def status(self) -> Status:
        """What it is doing."""

    @abstractmethod
    def has_work(self) -> bool:
        """Whether `advance` has anything to do now."""

    def wait(self) -> float:
        """If it has nothing to do now: the seconds until it will, or infinity if nobody knows."""
        return math.inf

    @abstractmethod
    def advance(self) -> None:
        """Do the next piece: a step, or a batch of an evaluation."""

    @abstractmethod
    def refresh(self, watched: int) -> None:
        """Publish a snapshot if one is due and would show anything new. `watched` tasks share the engine."""


class FiniteTask(Task):
    """A task that begins by itself, works to its end, and publishes a snapshot when it has made progress."""

    def __init__(self, owner: str, clock: Clock = CLOCK) -> None:
        super().__init__(owner, clock=clock)
        self._next_refresh = 0.0
        self._shown: object = None

    @property
    def status(self) -> Status:
        """Training until its end."""
        if self.failed:
            return Status.FAILED
        return Status.TRAINING if self.has_work() else Status.FINISHED

    def refresh(self, watched: int) -> None:
        now, status = self.clock.now(), self.status
        shown = (status, self.progress())
        if shown == self._shown or (now < self._next_refresh and status == Status.TRAINING):
            return
        self._next_refresh, self._shown = now + REFRESH, shown
        self.snapshot = self.make_snapshot(self.version + 1, status)

    def progress(self) -> object:
        """A value that changes when there is more to show."""
        return self.step

    @abstractmethod
    def make_snapshot(self, version: int, status: Status) -> TaskSnapshot:
        """A snapshot of its results so far."""
