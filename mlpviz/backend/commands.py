"""What a run can be told: frozen values, each carried out between two steps in the engine's thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from mlpviz.examples import Examples
from mlpviz.runs.map import Map
from mlpviz.runs.run import Run
from mlpviz.runs.task import Task
from mlpviz.settings import Settings
from mlpviz.speed import parse_speed


class Command(ABC):
    """Something that a run does when it is told to. What can't be done raises ValueError or LookupError, and changes
    nothing."""

    for_maps = False  # whether a map can be told the same

    def tell(self, task: Task) -> None:
        """Do it, if this is a task that can be told so. Otherwise it raises LookupError."""
        if not isinstance(task, Run) and not (self.for_maps and isinstance(task, Map)):
            raise LookupError("This is no run.")
        self.carry_out(task)  # type: ignore[arg-type]

    @abstractmethod
    def carry_out(self, run: Run) -> None:
        """Do it, between two steps."""


@dataclass(frozen=True)
class Start(Command):
    """Train to the end of the last epoch. A map: go on."""

    for_maps = True

    def carry_out(self, run: Run) -> None:
        run.start()


@dataclass(frozen=True)
class Pause(Command):
    """Train no further for now."""

    for_maps = True

    def carry_out(self, run: Run) -> None:
        run.pause()


@dataclass(frozen=True)
class OneStep(Command):
    """Make one update."""

    def carry_out(self, run: Run) -> None:
        run.one_step()


@dataclass(frozen=True)
class OneEpoch(Command):
    """Train to the end of this epoch."""

    def carry_out(self, run: Run) -> None:
        run.one_epoch()


@dataclass(frozen=True)
class TrainTo(Command):
    """Train up to this step and rest there. It raises ValueError if the run has made more steps."""

    step: int

    def carry_out(self, run: Run) -> None:
        if self.step < run.step:
            raise ValueError(f"The run is at step {run.step:,} already.")
        run.train_to(self.step)


@dataclass(frozen=True)
class Change(Command):
    """Take up another learning rate, momentum, weight decay or number of epochs.

    It raises ValueError if anything else differs.
    """

    settings: Settings

    def carry_out(self, run: Run) -> None:
        run.change(self.settings)


@dataclass(frozen=True)
class SetPausing(Command):
    """Let an alarm pause the run, or not."""

    on: bool

    def carry_out(self, run: Run) -> None:
        run.health.pauses_when_ill = self.on


@dataclass(frozen=True)
class SetSharpness(Command):
    """Measure the sharpness now and at each look, or not."""

    on: bool

    def carry_out(self, run: Run) -> None:
        run.inspections.sharpness.on = self.on
        if self.on:
            run.inspections.begin_sharpness()


@dataclass(frozen=True)
class SetSpeed(Command):
    """Train at this speed, one of `mlpviz.speed.SPEEDS`, from the next step on. No result depends on it.

    It raises ValueError if there is no such speed.
    """

    speed: str

    def carry_out(self, run: Run) -> None:
        run.pace.set(parse_speed(self.speed))


@dataclass(frozen=True)
class ShowExamples(Command):
    """Show the answers for these images. No result depends on it.

    It raises ValueError if this choice is not possible.
    """

    examples: Examples

    def carry_out(self, run: Run) -> None:
        run.inspections.examples.choose(self.examples)


@dataclass(frozen=True)
class EndTwin(Command):
    """Go on without the twin."""

    def carry_out(self, run: Run) -> None:
        run.end_twin()


@dataclass(frozen=True)
class ForgetWalk(Command):
    """The reader has left the update that was taken apart.

    Attributes:
        reader: as in `mlpviz.backend.questions.WalkNextStep`.
    """

    reader: str

    def carry_out(self, run: Run) -> None:
        run.keep_walk(self.reader, None)
