"""An errand: a long question to a run, worked at in turns like everything else."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.runs.task import LEASE, Task
from mlpviz.snapshot import Status

Answer = TypeVar("Answer")


class Reply(Future[Answer], Generic[Answer]):
    """What comes back for a question or a command, sooner or later.

    Attributes:
        progress: how much of the work is done, from 0 to 1.
        clock: by which its patience is measured.
    """

    def __init__(self, clock: Clock = CLOCK) -> None:
        super().__init__()
        self.progress = 0.0
        self.clock = clock
        self.look()

    def look(self) -> None:
        """Say that somebody still waits: work that nobody waits for ends after ten seconds."""
        self._looked_at = self.clock.now()

    def waited_for(self) -> bool:
        """Whether somebody has said so lately."""
        return not self.cancelled() and self.clock.now() < self._looked_at + LEASE


class Errand(Task):
    """Works off the pieces of an answer.

    Args:
        pieces: yields after each piece how much is done, from 0 to 1, and returns the answer.
        reply: gets the answer, or the exception that came instead.
    """

    def __init__(self, pieces: Generator[float, None, Any], reply: Reply[Any], owner: str) -> None:
        super().__init__(owner, memory=0)
        self._pieces = pieces
        self._reply = reply
        self._made = 0

    def watched(self) -> bool:
        """Always: `refresh` ends an errand for whose answer nobody waits."""
        return True

    @property
    def step(self) -> int:
        """How many pieces are made."""
        return self._made

    @property
    def total_steps(self) -> int:
        """Nobody knows how many pieces there are before the last."""
        return self._made

    @property
    def status(self) -> Status:
        """At work until it is over."""
        return Status.FINISHED if self.over else Status.TRAINING

    def has_work(self) -> bool:
        """Until there is an answer, or nobody waits for one."""
        return not self.over

    def advance(self) -> None:
        """Make the next piece."""
        try:
            self._reply.progress = next(self._pieces)
            self._made += 1
        except StopIteration as stop:
            self.over = True
            self._reply.set_result(stop.value)
        except Exception as error:
            self.over = True
            self._reply.set_exception(error)

    def refresh(self, watched: int) -> None:
        """There is nothing to show but the answer."""
        self.over = self.over or not self._reply.waited_for()

    def fail(self, message: str) -> None:
        """The engine gives it up."""
        self.over = True
        if not self._reply.done():
            self._reply.set_exception(RuntimeError(message))
