"""Says when a task is saved: when it rests or was changed, and every few seconds while it trains."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from mlpviz.runs.map import Map
from mlpviz.runs.run import Run
from mlpviz.runs.saving import Saved, is_saved, save, what_is_saved
from mlpviz.runs.task import Task

EVERY = 8.0  # seconds between two saves of a run in training; so a sudden end loses at most ten
SOON = 0.5  # seconds between two saves of a run that rests: a slider that moves is not saved at each value


log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Whoever writes what is saved. Its methods return at once."""

    def keep(self, saved: Saved) -> None:
        """Write this task."""

    def let_go(self, task: str) -> None:
        """The task with this id is no longer in memory."""

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; empty if all is well."""


class Saver:
    """Saves the tasks of one engine, in the engine's thread. An error stops only the task that can't be saved.

    Args:
        keeper: None if nothing is saved.
        token_of: gives a task's token by its id.
    """

    def __init__(
        self, keeper: Keeper | None, token_of: Callable[[str], str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._keeper = keeper
        self._token_of = token_of
        self._now = now
        self._saved: WeakKeyDictionary[Task, tuple[float, object]] = WeakKeyDictionary()  # when, and what

    @property
    def saves(self) -> bool:
        """Whether tasks are saved, and the disk writes."""
        return self._keeper is not None and not self._keeper.trouble

    def look(self, tasks: Sequence[Task]) -> None:
        """Save those for which it is time."""
        if self._keeper is None:
            return
        now = self._now()
        for task in tasks:
            at, _ = self._saved.get(task, (-math.inf, None))
            trains = task.step < task.goal if isinstance(task, Run) else task.has_work()
            if now - at >= (EVERY if trains else SOON):
                self._finish(task, self._keeper)

    def let_go(self, tasks: Sequence[Task]) -> None:
        """Save them for the last time: they leave the memory."""
        for task in tasks if self._keeper is not None else ():
            self._finish(task, self._keeper)  # type: ignore[arg-type]
            if is_saved(task):
                self._keeper.let_go(task.id)  # type: ignore[union-attr]

    def note_back(self, task: Task) -> None:
        """The task has just come back from the disk: there is nothing to save yet."""
        if self._keeper is not None:
            self._saved[task] = (self._now(), self._what(task))

    def _finish(self, task: Task, keeper: Keeper) -> None:
        """Save the task now if anything has changed. A run that was never started is not saved, and a run that an
        error stopped keeps its last save."""
        untouched = task.step == 0 and (task.goal == 0 if isinstance(task, Run) else isinstance(task, Map))
        if not is_saved(task) or untouched or task.failed:
            return
        try:
            what = self._what(task)
            if not what[0]:
                return  # it was removed in the meantime
            if what != self._saved.get(task, (0.0, None))[1]:
                twin = task.leads.follower.id if isinstance(task, Run) and task.leads is not None else ""
                keeper.keep(save(task, self._token_of(task.id), self._token_of(twin)))
            self._saved[task] = (self._now(), what)
        except Exception:  # such as too little memory for a copy: the run can still train
            log.exception("task %s can't be saved", task.id)
            self._saved[task] = (self._now(), None)

    def _what(self, task: Task) -> tuple[object, ...]:
        return (self._token_of(task.id), *what_is_saved(task))
