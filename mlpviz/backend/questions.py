"""What a run can be asked: frozen values, each answered in the engine's thread with a value of `mlpviz.answers`.

A short question is answered between two steps. A long one works on a copy of the network, in pieces: it tells after
each how much is done, and other tasks have their turns in between.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from mlpviz.answers import (
    AlongGradient,
    Classification,
    EvaluationModes,
    Explanation,
    GradientCheck,
    Move,
    Neighbours,
    Plane,
    Signals,
    UnitLook,
    UnitTable,
    Walk,
)
from mlpviz.datasets import Split
from mlpviz.images import explain, units
from mlpviz.line_by_line.gradient_check import gradient_check
from mlpviz.line_by_line.modes import device_error, evaluation_modes
from mlpviz.line_by_line.step_zero import first_signals
from mlpviz.line_by_line.walk import WalkedStep, came_true, take_apart
from mlpviz.settings import Settings
from mlpviz.snapshot import Snapshot
from mlpviz.stability.slices import NextStep, along_gradient, plane, probe
from mlpviz.trainer import pixels

if TYPE_CHECKING:
    from mlpviz.runs.run import Run

Answer = TypeVar("Answer")
Pieces = Generator[float, None, Answer]


class Question(ABC, Generic[Answer]):
    """Something that a run can be asked."""

    @abstractmethod
    def answer(self, run: Run) -> Answer | Pieces[Answer]:
        """The answer, or the pieces of work that end with it."""


@dataclass(frozen=True)
class CurrentSnapshot(Question[Snapshot | None]):
    """The run's newest snapshot; where it rests, one of that very step."""

    def answer(self, run: Run) -> Snapshot | None:
        run.portraits.show_where_it_rests()
        return run.snapshot


# One update, taken apart


@dataclass(frozen=True)
class WalkNextStep(Question[Walk]):
    """The run's next update, taken apart. The run keeps it, for the questions below."""

    def answer(self, run: Run) -> Walk:
        walked = take_apart(run.trainer)
        run.look_at_update(walked)
        return walked.walk


class AboutWalk(Question[Answer]):
    """A question about the update that was taken apart last; a LookupError where the run keeps another, or none."""

    step: int

    def answer(self, run: Run) -> Answer | Pieces[Answer]:
        walked = run.walked
        if walked is None or walked.walk.step != self.step:
            raise LookupError(f"Update {self.step:,} is no longer taken apart here. Press Forward to go on.")
        return self.look(walked, run)

    @abstractmethod
    def look(self, walked: WalkedStep, run: Run) -> Answer:
        """The answer."""


@dataclass(frozen=True)
class GradientOf(AboutWalk[np.ndarray]):
    """The gradient of the parameter of that name ("W1", "b2", …), in its own shape, float32."""

    step: int
    name: str

    def look(self, walked: WalkedStep, run: Run) -> np.ndarray:
        return walked.update(self.name).gradient


@dataclass(frozen=True)
class MoveOf(AboutWalk[Move]):
    """One number's update, by hand."""

    step: int
    name: str
    place: tuple[int, ...]

    def look(self, walked: WalkedStep, run: Run) -> Move:
        return walked.move(self.name, self.place)


@dataclass(frozen=True)
class CheckGradient(AboutWalk[GradientCheck]):
    """One number's gradient against finite differences."""

    step: int
    name: str
    place: tuple[int, ...]

    def look(self, walked: WalkedStep, run: Run) -> GradientCheck:
        return gradient_check(walked, self.name, self.place)


@dataclass(frozen=True)
class CameTrue(Question[bool]):
    """Whether the run has made that update, and holds the very bits that the walk foretold."""

    step: int

    def answer(self, run: Run) -> bool:
        walked = run.walked
        return walked is not None and walked.walk.step == self.step and came_true(walked, run.trainer)


# The lines around the update


@dataclass(frozen=True)
class OtherDevice(Question[tuple[str, str]]):
    """What PyTorch says of a mini-batch on another device: that device's name, and the words."""

    def answer(self, run: Run) -> tuple[str, str]:
        return device_error(run.trainer)


@dataclass(frozen=True)
class CompareModes(Question[EvaluationModes]):
    """One forward pass with and without autograd, in training and in evaluation mode."""

    def answer(self, run: Run) -> EvaluationModes:
        return evaluation_modes(run.trainer)


@dataclass(frozen=True)
class FirstSignals(Question[tuple[Signals, Signals]]):
    """Signals and gradients before any training, measured and predicted, for these settings: over the whole range of
    init stds, or at one."""

    settings: Settings
    init_std: float | None = None

    def answer(self, run: Run) -> Pieces[tuple[Signals, Signals]]:
        return first_signals(self.settings, run.trainer.dataset, self.init_std)


# The loss around the weights


@dataclass(frozen=True)
class LossAlongNextStep(Question[AlongGradient]):
    """The loss of the next mini-batch along its negative gradient."""

    def answer(self, run: Run) -> Pieces[AlongGradient]:
        return along_gradient(NextStep(run.trainer))


@dataclass(frozen=True)
class LossPlane(Question[Plane]):
    """The loss of 512 training images over a plane through the weights."""

    def answer(self, run: Run) -> Pieces[Plane]:
        return plane(frozen(run), *probe(run.trainer))


# One image, and the hidden units


class Look(StrEnum):
    """What to look at in one image."""

    PREDICTION = "prediction"
    SALIENCY = "saliency"
    CONTRIBUTIONS = "contributions"
    NEIGHBOURS = "neighbours"
    FLIP = "flip"


@dataclass(frozen=True)
class Classify(Question[Classification]):
    """What the network says of a picture: 28 × 28 bytes, row by row."""

    picture: bytes

    def answer(self, run: Run) -> Classification:
        image = torch.from_numpy(np.frombuffer(self.picture, dtype=np.uint8).reshape(28, 28).copy())
        return Classification(run.step, explain.logits(frozen(run), pixels(image)))


@dataclass(frozen=True)
class Explain(Question[Explanation]):
    """What the network says of the test image of that index, and one look at why.

    Attributes:
        target: the class that the look is about; None for the one that the network takes the image for.
    """

    index: int
    look: Look
    target: int | None = None

    def answer(self, run: Run) -> Pieces[Explanation]:
        return self._pieces(frozen(run), run.step, on_cpu(run.trainer.dataset.test), training_part(run))

    def _pieces(self, net: nn.Sequential, step: int, test: Split, train: Split) -> Pieces[Explanation]:
        image = test.images[self.index]
        x = pixels(image)
        logits = explain.logits(net, x)
        target = Classification(step, logits).best if self.target is None else self.target
        yield 0.0
        look: Any = None
        match self.look:
            case Look.SALIENCY:
                look = explain.saliency(net, x, target)
            case Look.CONTRIBUTIONS:
                look = explain.contributions(net, x, target)
            case Look.NEIGHBOURS:
                look = yield from explain.neighbours(net, x[None], train)
            case Look.FLIP:
                look = explain.along_gradient(net, x)
        return Explanation(step, logits, image.numpy(), target, look)


@dataclass(frozen=True)
class NeighboursOf(Question[Neighbours]):
    """The training images nearest to these test images, by index."""

    indices: tuple[int, ...]

    def answer(self, run: Run) -> Pieces[Neighbours]:
        X = pixels(run.trainer.dataset.test.images[list(self.indices)].cpu())
        return explain.neighbours(frozen(run), X, training_part(run))


@dataclass(frozen=True)
class HiddenUnits(Question[UnitTable]):
    """The units of a hidden layer, counted from 0."""

    layer: int

    def answer(self, run: Run) -> Pieces[UnitTable]:
        return units.unit_table(frozen(run), on_cpu(run.trainer.dataset.test), self.layer, run.step)


@dataclass(frozen=True)
class HiddenUnit(Question[UnitLook]):
    """One unit of a hidden layer, both counted from 0."""

    layer: int
    unit: int

    def answer(self, run: Run) -> Pieces[UnitLook]:
        return units.unit_look(frozen(run), on_cpu(run.trainer.dataset.test), self.layer, self.unit, run.step)


def frozen(run: Run) -> nn.Sequential:
    """A copy of the run's network on the CPU, which no later update reaches."""
    return copy.deepcopy(run.trainer.net).cpu()


def training_part(run: Run) -> Split:
    """The images that the run trains on."""
    return on_cpu(run.trainer.dataset.train.first(run.trainer.train_size))


def on_cpu(split: Split) -> Split:
    """The same images where NumPy reaches them."""
    return split.to(torch.device("cpu"))
