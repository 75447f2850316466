"""What a page knows of a task: small immutable values, published by the engine's thread, read once a script run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlpviz.settings import Settings
from mlpviz.snapshot import Status


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """Where a task stands.

    Attributes:
        id: its name in the address of its page; only its owner may use it.
        token: whoever has it may watch the task, and nothing else.
        message: why it stopped by itself, for a person; or nothing.
        step, total_steps: updates made, and to be made in all.
        version: that of its newest snapshot; 0 before the first.
        specification: what it was made from, one of `mlpviz.backend.specifications`.
        note: what making it has cost the visitor, for a person; only in the reply to `create`.
    """

    id: str
    token: str = ""
    status: Status
    message: str = ""
    step: int
    total_steps: int
    version: int
    specification: object = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class TwinState:
    """A run's twin, as the run's own state names it.

    Attributes:
        id, token: as in `TaskState`.
        changes: the settings in which it differs, as pairs of a name and a value. what: the same in words.
        begun_at: the step at which it began.
    """

    id: str
    token: str = ""
    changes: tuple[tuple[str, Any], ...]
    what: str
    begun_at: int


@dataclass(frozen=True, kw_only=True)
class RunState(TaskState):
    """Where a run stands, its switches, and what a page needs to draw it.

    Attributes:
        settings: those that it has taken up.
        goal: it trains until this step; it rests where step and goal are equal.
        begun_at: the step at which it began: 0, but for a branch.
        pauses_when_ill: whether an alarm stops it.
        measures_sharpness: whether the sharpness is measured while it trains.
        twin: the run that follows it in lockstep.
        evaluations: how many there were.
        changes: what was changed while it trained: (step, text).
        way_back: the step before its illness, where a post-mortem found one.
        dataset: the dataset's title. classes: the ten names. train_size, test_size: images.
        layers: (inputs, hidden units …, classes).
        device: "cpu", "cuda" or "mps". threads: of PyTorch.
    """

    settings: Settings
    steps_per_epoch: int
    goal: int
    begun_at: int
    pauses_when_ill: bool
    measures_sharpness: bool
    twin: TwinState | None
    evaluations: int
    changes: tuple[tuple[int, str], ...]
    way_back: int | None
    dataset: str
    classes: tuple[str, ...]
    train_size: int
    test_size: int
    layers: tuple[int, ...]
    device: str
    threads: int

    @property
    def untouched(self) -> bool:
        """Whether nothing is lost without it: it has made no update, and is bound for none."""
        return self.step == 0 and self.goal == 0


@dataclass(frozen=True, kw_only=True)
class PinState(TaskState):
    """A pinned run.

    Attributes:
        run: the id of the run that was pinned. settings: those that it had.
    """

    run: str
    settings: Settings
