"""Memory for tasks: whether a new task fits, and which tasks must go for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlpviz.runs.errors import EngineFullError, TooLargeError
from mlpviz.runs.memory import Needs
from mlpviz.runs.task import Task

SHARE = 8  # one visitor may use this fraction of the memory: 1/8
MOST_RUNS = 12  # of one visitor
FORGET = 600.0  # seconds without a watcher after which a run may be removed for somebody else's
HEAVIER = 1.5  # a visitor who uses this many times as much as another would use loses tasks to the other


class Room:
    """How much memory the tasks may use together, and one visitor's share of it.

    Args:
        memory: bytes for all tasks.
        runs: of one visitor.
    """

    def __init__(self, memory: int, runs: int = MOST_RUNS) -> None:
        self.memory = memory
        self.runs = runs

    @property
    def share(self) -> int:
        """Bytes that the tasks of one visitor may use together."""
        return self.memory // SHARE

    def who_leaves(
        self,
        tasks: Sequence[Task],
        owner: str,
        needs: Needs,
        leaving: Task | None = None,
        origin: Task | None = None,
        beside: int = 0,
    ) -> list[Task]:
        """The tasks that must go so that the owner can have a new one.

        Args:
            tasks: all existing tasks.
            leaving: goes in any case.
            origin: the new task starts from it; it stays in any case.
            beside: bytes that other work uses now.

        Raises:
            TooLargeError: the new task can never fit. EngineFullError: it doesn't fit now.
        """
        self._check(needs)
        plan = _Plan(tasks, owner, needs)
        plan.let_go(leaving)
        protected = _with_companions(origin)
        while not self._in_share(plan):
            own = [task for task in plan.candidates(protected) if task.owner == owner]
            own = [task for task in own if needs.essential or not task.watched()]
            if self._too_many(plan):
                own = [task for task in own if task.kind == "run"]
            if not own:
                raise EngineFullError(self._share_is_full(plan))
            plan.let_go(min(own, key=_worth))
        while not self._in_memory(plan, beside):
            going = _first(plan.candidates(protected), owner, plan)
            if going is None:
                raise EngineFullError(
                    f"The server has no room for this now: all runs together may use {_size(self.memory)} of memory. "
                    "Try again in a few minutes, or choose smaller hidden layers."
                )
            plan.let_go(going)
        return plan.gone

    def say_lost(self, lost: Sequence[Task]) -> str:
        """A message to a visitor whose runs were removed for a new one; empty if none were."""
        runs = [task for task in lost if task.kind == "run"]
        if not runs:
            return ""
        which = f"your run at step {runs[0].step:,}" if len(runs) == 1 else f"{len(runs)} of your runs"
        return (
            f"To make room, the server removed {which}. One visitor may have {self.runs} runs, and "
            f"{_size(self.share)} of memory for them. It first removes runs that nobody has watched for a long time."
        )

    def _check(self, needs: Needs) -> None:
        """Refuse what can never fit."""
        most = min(self.share, self.memory - needs.step)
        if needs.kept > most:
            raise TooLargeError(
                f"This needs about {_size(needs.kept + needs.step)} of memory. On this server, one visitor may use "
                f"{_size(self.share)}. Choose fewer or smaller hidden layers."
            )

    def _in_share(self, plan: _Plan) -> bool:
        return not self._too_many(plan) and plan.usage(plan.owner) <= self.share

    def _too_many(self, plan: _Plan) -> bool:
        runs = sum(task.kind == "run" for task in plan.staying if task.owner == plan.owner)
        return plan.needs.is_run and runs >= self.runs

    def _in_memory(self, plan: _Plan, beside: int) -> bool:
        step = max([plan.needs.step, *(task.step_memory for task in plan.staying)])
        return _memory(plan.staying) + plan.needs.kept + step + beside <= self.memory

    def _share_is_full(self, plan: _Plan) -> str:
        if self._too_many(plan):
            return (
                f"You already have {self.runs} runs on this server. One visitor may not have more. Close one of your "
                "pages or end a twin, and try again after ten seconds."
            )
        used = plan.usage(plan.owner) - plan.needs.kept
        return (
            f"This needs {_size(plan.needs.kept)} of memory. Your runs already use {_size(used)}, and one visitor may "
            f"use {_size(self.share)}. Choose smaller hidden layers, unpin a run or end a twin."
        )


class _Plan:
    """The tasks that stay and those that go."""

    def __init__(self, tasks: Sequence[Task], owner: str, needs: Needs) -> None:
        self.staying = list(tasks)
        self.gone: list[Task] = []
        self.owner, self.needs = owner, needs

    def let_go(self, task: Task | None) -> None:
        """Let a task go, with its companions."""
        for each in _with_companions(task):
            self.gone.append(each)
            if each in self.staying:
                self.staying.remove(each)

    def candidates(self, protected: Sequence[Task]) -> list[Task]:
        """The tasks that may go. A companion of another task doesn't go alone."""
        follow = {each.id for task in self.staying for each in task.companions()}
        return [task for task in self.staying if task not in protected and task.id not in follow]

    def usage(self, owner: str) -> int:
        """Bytes that a visitor uses, including the new task."""
        wanted = self.needs.kept if owner == self.owner else 0
        return _memory(task for task in self.staying if task.owner == owner) + wanted


def _first(candidates: Sequence[Task], owner: str, plan: _Plan) -> Task | None:
    """The task that goes first: one that nobody has watched for long (at once if it never trained); then an unwatched
    task of the owner; then one of a visitor who uses far more, so that heavy use can't block others."""
    idle = [task for task in candidates if task.unwatched_seconds() > (FORGET if task.step else 0)]
    if idle:
        return min(idle, key=_worth)
    own = [task for task in candidates if task.owner == owner and not task.watched()]
    if own:
        return min(own, key=_worth)
    enough = HEAVIER * plan.usage(owner)
    theirs = [task for task in candidates if task.owner != owner and plan.usage(task.owner) > enough]
    return min(theirs, key=lambda task: (task.watched(), -plan.usage(task.owner), _worth(task)), default=None)


def _worth(task: Task) -> tuple[bool, bool, float, float]:
    """A sort key, smallest loss first: unwatched tasks, then tasks that never trained, then those unwatched for the
    longest time, then the oldest."""
    return (task.watched(), task.step > 0, -task.unwatched_seconds(), task.made_at)


def _with_companions(task: Task | None) -> list[Task]:
    return [task, *task.companions()] if task is not None else []


def _memory(tasks: Iterable[Task]) -> int:
    return sum(task.memory for task in tasks)


def _size(count: int) -> str:
    """A number of bytes as text for the reader."""
    if count >= 2**30:
        return f"{count / 2**30:.1f} GiB"
    return f"{count / 2**20:,.0f} MiB" if count >= 10 * 2**20 else f"{count / 2**20:.1f} MiB"
