"""The commands to a run: frozen values. The engine's thread carries each out between two steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlpviz.settings import Settings

if TYPE_CHECKING:
    from mlpviz.runs.run import Run


class Command(ABC):
    """Something that a run can be told to do. If it can't be done, it raises ValueError or LookupError and changes
    nothing."""

    @abstractmethod
    def carry_out(self, run: Run) -> None:
        """Do it, between two steps."""


@dataclass(frozen=True)
class Start(Command):
    """Train to the end of the last epoch."""

    def carry_out(self, run: Run) -> None:
        run.start()


@dataclass(frozen=True)
class Pause(Command):
    """Stop training for now."""

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
class Change(Command):
    """Use another learning rate, momentum, weight decay or number of epochs from now on.

    It raises ValueError if any other setting differs.
    """

    settings: Settings

    def carry_out(self, run: Run) -> None:
        run.change(self.settings)


@dataclass(frozen=True)
class SetPausing(Command):
    """Choose whether an alarm pauses the run."""

    on: bool

    def carry_out(self, run: Run) -> None:
        run.health.pauses_when_ill = self.on


@dataclass(frozen=True)
class SetSharpness(Command):
    """Measure the sharpness during training, with this many seconds between two measurements. None: never."""

    every: float | None

    def carry_out(self, run: Run) -> None:
        run.inspections.sharpness.every = self.every


@dataclass(frozen=True)
class SetInspection(Command):
    """Leave at least this many seconds between two inspections."""

    every: float

    def carry_out(self, run: Run) -> None:
        run.inspections.every = self.every


@dataclass(frozen=True)
class EndTwin(Command):
    """Continue without the twin."""

    def carry_out(self, run: Run) -> None:
        run.end_twin()


@dataclass(frozen=True)
class ForgetWalk(Command):
    """Forget the update that was taken apart: the reader has left it.

    Attributes:
        reader: as in `mlpviz.backend.questions.WalkNextStep`.
    """

    reader: str

    def carry_out(self, run: Run) -> None:
        run.keep_walk(self.reader, None)
