"""Room for tasks: whether another fits, and which leave for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlpviz.runs.errors import EngineFullError, TooLargeError
from mlpviz.runs.memory import Needs
from mlpviz.runs.task import Task

SHARE = 8  # one visitor may use this fraction of the memory: 1/8
MOST_RUNS = 12  # of one visitor
FORGET = 600.0  # seconds unwatched after which a run may make room for somebody else's
HEAVIER = 1.5  # a visitor who uses this many times what another would use makes room for the other


class Room:
    """How much the tasks may take together, and one visitor's share of it.

    Args:
        memory: bytes for all tasks.
        runs: of one visitor.
    """

    def __init__(self, memory: int, runs: int = MOST_RUNS) -> None:
        self.memory = memory
        self.runs = runs

    @property
    def share(self) -> int:
        """Bytes that the tasks of one visitor may take together."""
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
        """The tasks that leave so that the owner can have another.

        Args:
            tasks: all that are there.
            leaving: leaves in any case.
            origin: what the other is made from; it stays in any case.
            beside: bytes that work other than tasks takes now.

        Raises:
            TooLargeError: it never fits. EngineFullError: it doesn't fit now.
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
        """Tell a visitor which runs of theirs were let go for another; nothing where none were."""
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
    """Who is to stay and who is to go."""

    def __init__(self, tasks: Sequence[Task], owner: str, needs: Needs) -> None:
        self.staying = list(tasks)
        self.gone: list[Task] = []
        self.owner, self.needs = owner, needs

    def let_go(self, task: Task | None) -> None:
        """Let a task go, and what goes with it."""
        for each in _with_companions(task):
            self.gone.append(each)
            if each in self.staying:
                self.staying.remove(each)

    def candidates(self, protected: Sequence[Task]) -> list[Task]:
        """Those that may go; what goes with another doesn't go alone."""
        follow = {each.id for task in self.staying for each in task.companions()}
        return [task for task in self.staying if task not in protected and task.id not in follow]

    def usage(self, owner: str) -> int:
        """Bytes that a visitor uses, with what is wanted now."""
        wanted = self.needs.kept if owner == self.owner else 0
        return _memory(task for task in self.staying if task.owner == owner) + wanted


def _first(candidates: Sequence[Task], owner: str, plan: _Plan) -> Task | None:
    """Which of them leaves first: one that nobody needs any more; then one of the owner's own that nobody looks at;
    then one of a visitor who uses far more, so that those who use much can't keep others out."""
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
    """Whose loss is smaller comes first: what nobody looks at, what never trained, what nobody has looked at for the
    longest time, what is oldest."""
    return (task.watched(), task.step > 0, -task.unwatched_seconds(), task.made_at)


def _with_companions(task: Task | None) -> list[Task]:
    return [task, *task.companions()] if task is not None else []


def _memory(tasks: Iterable[Task]) -> int:
    return sum(task.memory for task in tasks)


def _size(count: int) -> str:
    """Bytes for people."""
    if count >= 2**30:
        return f"{count / 2**30:.1f} GiB"
    return f"{count / 2**20:,.0f} MiB" if count >= 10 * 2**20 else f"{count / 2**20:.1f} MiB"
