"""What a page knows of a task: small immutable values, published by the engine, read once in each script run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlpviz.examples import Examples
from mlpviz.settings import Settings
from mlpviz.snapshot import Status


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """The state of a task.

    Attributes:
        id: its name in the address of its page; only its owner may use it.
        token: anybody who has it may watch the task, and nothing else.
        message: why it stopped by itself, for the reader; or empty.
        step, total_steps: updates made so far, and planned in total.
        version: that of its newest snapshot; 0 before the first.
        specification: its description, one of `mlpviz.backend.specifications`.
        note: which runs of the visitor were removed for it, for the reader; only in the reply to `create`.
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
    """A run's twin, as part of the run's state.

    Attributes:
        id, token: as in `TaskState`.
        changes: the settings that differ, as pairs of a name and a value. what: the same as text.
        begun_at: the step at which it began.
    """

    id: str
    token: str = ""
    changes: tuple[tuple[str, Any], ...]
    what: str
    begun_at: int


@dataclass(frozen=True, kw_only=True)
class RunState(TaskState):
    """The state of a run, its switches, and what a page needs to draw it.

    Attributes:
        settings: those that it uses now.
        goal: it trains until this step; it rests when step and goal are equal.
        begun_at: the step at which it began: 0, except for a branch.
        interrupted_at: the step at which it was saved while it trained, if it has come back from there.
        pauses_when_ill: whether an alarm pauses it.
        measures_sharpness: whether the sharpness is measured during training.
        speed: at which it trains, one of `mlpviz.speed.SPEEDS`.
        examples: the images that it shows its answers for.
        twin: the run that follows it in lockstep.
        evaluations: how many it has made.
        changes: the changes during training: (step, text).
        settings_log: its settings, each with the step at which they began; from step 0 on, but for a twin that began
            later.
        examined: whether there is a post-mortem.
        way_back: a step before the failure and a learning rate that was tried there, if the post-mortem found one.
        dataset: the dataset's title. classes: the ten names. train_size, test_size: images.
        layers: (inputs, hidden units …, classes).
        device: "cpu", "cuda" or "mps". threads: PyTorch's number of threads.
    """

    settings: Settings
    steps_per_epoch: int
    goal: int
    begun_at: int
    interrupted_at: int | None
    pauses_when_ill: bool
    measures_sharpness: bool
    speed: str
    examples: Examples
    twin: TwinState | None
    evaluations: int
    changes: tuple[tuple[int, str], ...]
    settings_log: tuple[tuple[int, Settings], ...]
    examined: bool
    way_back: tuple[int, float] | None
    dataset: str
    classes: tuple[str, ...]
    train_size: int
    test_size: int
    layers: tuple[int, ...]
    device: str
    threads: int

    @property
    def untouched(self) -> bool:
        """Whether it can go without a loss: it has made no update, and will make none."""
        return self.step == 0 and self.goal == 0


@dataclass(frozen=True, kw_only=True)
class PinState(TaskState):
    """A pinned run.

    Attributes:
        run: the id of the run that was pinned. settings: its settings at that moment.
    """

    run: str
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class SavedRun:
    """A run in the list of a visitor's saved runs, as it was when it was saved.

    Attributes:
        begun_at: the step at which it began: 0, except for a branch.
        was_training: whether it was in training. loss: the mean over the latest 25 steps; None before the first.
        evaluation: the latest test loss and accuracy; None if it was not tested since it began.
        diagnosis, severity: as in `mlpviz.diagnosis`; empty before the first step.
        curve: some of the losses, from the first step to the last, as pairs of a step and a loss.
        changes: how many settings were changed while it trained.
        made_at, saved_at: seconds since 1970. name, note: what the visitor has written.
        elsewhere: whether another server has it open now.
        map: if it is a map, what it shows, in a few words. Then it has no results of its own.
    """

    id: str
    settings: Settings
    step: int
    total_steps: int
    begun_at: int = 0
    status: Status
    was_training: bool
    loss: float | None
    evaluation: tuple[float, float] | None
    diagnosis: str
    severity: str
    curve: tuple[tuple[int, float], ...]
    changes: int
    made_at: float = 0.0
    saved_at: float = 0.0
    name: str = ""
    note: str = ""
    elsewhere: bool = False
    map: str = ""
