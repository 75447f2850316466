"""A long question to a run. It gets turns like every other task."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.runs.errors import for_the_caller
from mlpviz.runs.task import LEASE, Task
from mlpviz.snapshot import Status

Answer = TypeVar("Answer")


class Reply(Future[Answer], Generic[Answer]):
    """The future answer to a question or a command.

    Attributes:
        progress: how much of the work is done, from 0 to 1.
        clock: measures how long nobody has waited for it.
    """

    def __init__(self, clock: Clock = CLOCK) -> None:
        super().__init__()
        self.progress = 0.0
        self.clock = clock
        self._given_up = False
        self.look()

    def cancel(self) -> bool:
        """Say that nobody is waiting any more. True if the work has not begun; then it never will."""
        self._given_up = True
        return super().cancel()

    def look(self) -> None:
        """Say that somebody is still waiting. Work that nobody waits for ends after ten seconds."""
        self._looked_at = self.clock.now()

    def waited_for(self) -> bool:
        """Whether somebody has called `look` recently, and nobody `cancel`."""
        return not self._given_up and self.clock.now() < self._looked_at + LEASE


class LongQuestion(Task):
    """Computes an answer, piece by piece.

    Args:
        pieces: yields after each piece how much is done, from 0 to 1, and returns the answer.
        reply: gets the answer, or the exception that came instead.
        owner: the visitor who asked.
        memory: about how many bytes it uses.
    """

    kind = "question"

    def __init__(
        self, pieces: Generator[float, None, Any], reply: Reply[Any], owner: str = "", memory: int = 0
    ) -> None:
        super().__init__(owner, memory)
        self._pieces = pieces
        self._reply = reply
        self._made = 0
        self.publish()

    def watched(self) -> bool:
        """Always. `refresh` ends it when nobody waits for the answer."""
        return True

    @property
    def step(self) -> int:
        """How many pieces are done."""
        return self._made

    @property
    def total_steps(self) -> int:
        """The pieces so far: the total is not known before the last one."""
        return self._made

    @property
    def status(self) -> Status:
        """Training until it is over."""
        return Status.FINISHED if self.over else Status.TRAINING

    def has_work(self) -> bool:
        """Until there is an answer, or nobody waits for one."""
        return not self.over

    def advance(self) -> None:
        """Compute the next piece."""
        try:
            self._reply.progress = next(self._pieces)
            self._made += 1
        except StopIteration as stop:
            self.over = True
            self._reply.set_result(stop.value)
        except Exception as error:
            self.fail(error)

    def refresh(self, watched: int) -> None:
        """End the work if nobody waits for it. There is nothing to show except the answer."""
        if not self.over and not self._reply.waited_for():
            self.fail(TimeoutError("Nobody waited for the answer."))

    def fail(self, error: BaseException) -> None:
        """Stop the work, and give the reason to anybody who still waits."""
        self.over = True
        with contextlib.suppress(ValueError):  # it is running, and the server doesn't wait for its end
            self._pieces.close()
        if not self._reply.done():
            self._reply.set_exception(for_the_caller(error))
