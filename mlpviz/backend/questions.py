"""The questions to a run: frozen values. The engine's thread answers each with a value of `mlpviz.answers`.

The engine answers a short question between two steps. A long question works on a copy of the network, in pieces. After
each piece it says how much is done, and other tasks get their turns.
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
from safetensors.torch import save
from torch import Tensor, nn

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
from mlpviz.film import Roll
from mlpviz.images import explain, units
from mlpviz.line_by_line.gradient_check import gradient_check
from mlpviz.line_by_line.modes import device_error, evaluation_modes
from mlpviz.line_by_line.step_zero import first_signals
from mlpviz.line_by_line.walk import WalkedStep, came_true, take_apart
from mlpviz.receipts import make_receipt
from mlpviz.runs.publishing import take_film
from mlpviz.settings import Settings
from mlpviz.snapshot import Snapshot
from mlpviz.stability.slices import NextStep, along_gradient, plane, probe
from mlpviz.trainer import pixels

if TYPE_CHECKING:
    from mlpviz.runs.run import Run

Answer = TypeVar("Answer")
Pieces = Generator[float, None, Answer]


class Question(ABC, Generic[Answer]):
    """A question to a run."""

    @abstractmethod
    def answer(self, run: Run) -> Answer | Pieces[Answer]:
        """The answer, or a generator that works in pieces and returns the answer."""


@dataclass(frozen=True)
class TakeWeights(Question[bytes]):
    """The network's parameters as a safetensors file, with the names of `nn.Sequential`'s `state_dict`."""

    def answer(self, run: Run) -> bytes:
        return save({name: values.contiguous() for name, values in run.trainer.net.state_dict().items()})


@dataclass(frozen=True)
class MakeReceipt(Question[str]):
    """What anybody needs to train the run again, up to now, and what must come out: JSON for `mlpviz verify`.

    Empty if the run did not begin at step 0, or if it is a twin: nobody could train it again from its settings alone.
    """

    def answer(self, run: Run) -> str | Pieces[str]:
        recording, threads = run.recording, run.threads or torch.get_num_threads()
        log = recording.settings_log
        if run.follows is not None or log[0][0] != 0:
            return ""
        return make_receipt(run.trainer, log, recording.evaluations, recording.fingerprints, threads)


@dataclass(frozen=True)
class CurrentSnapshot(Question[Snapshot | None]):
    """The run's newest snapshot. If the run rests, it shows the current step. None if an error came first."""

    def answer(self, run: Run) -> Snapshot | None:
        run.publisher.show_where_it_rests()
        return run.snapshot if isinstance(run.snapshot, Snapshot) else None


# One update, taken apart


@dataclass(frozen=True)
class WalkNextStep(Question[Walk]):
    """The run's next update, taken apart. The run keeps it for the reader's further questions.

    Attributes:
        reader: an id for one tab of one visitor. Several tabs may look at one run, each at its own update.
    """

    reader: str

    def answer(self, run: Run) -> Walk:
        walked = take_apart(run.trainer)
        run.keep_walk(self.reader, walked)
        return walked.walk


class AboutWalk(Question[Answer]):
    """A question about the update that the reader looks at. If the run no longer keeps this update but still rests
    before it, it is taken apart again. If the run has moved on, it raises LookupError."""

    reader: str
    step: int

    def answer(self, run: Run) -> Answer | Pieces[Answer]:
        walked = run.walks.get(self.reader)
        if walked is None or walked.walk.step != self.step:
            if run.step != self.step - 1:
                raise LookupError(f"Update {self.step:,} is no longer open here. Press Forward to continue.")
            walked = take_apart(run.trainer)
            run.keep_walk(self.reader, walked)
        return self.about(walked)

    @abstractmethod
    def about(self, walked: WalkedStep) -> Answer | Pieces[Answer]:
        """The answer."""


@dataclass(frozen=True)
class GradientOf(AboutWalk[np.ndarray]):
    """The gradient of the parameter with this name ("W1", "b2", …), in its own shape, float32."""

    reader: str
    step: int
    name: str

    def about(self, walked: WalkedStep) -> np.ndarray:
        return walked.update(self.name).gradient


@dataclass(frozen=True)
class MoveOf(AboutWalk[Move]):
    """The update of one number, computed by hand."""

    reader: str
    step: int
    name: str
    place: tuple[int, ...]

    def about(self, walked: WalkedStep) -> Move:
        return walked.move(self.name, self.place)


@dataclass(frozen=True)
class CheckGradient(AboutWalk[GradientCheck]):
    """The gradient of one number, compared with finite differences."""

    reader: str
    step: int
    name: str
    place: tuple[int, ...]

    def about(self, walked: WalkedStep) -> Pieces[GradientCheck]:
        return gradient_check(walked, self.name, self.place)


@dataclass(frozen=True)
class CameTrue(Question[bool]):
    """Whether the run has made this update, and the result equals the predicted one bit for bit."""

    reader: str
    step: int

    def answer(self, run: Run) -> bool:
        walked = run.walks.get(self.reader)
        return walked is not None and walked.walk.step == self.step and came_true(walked, run.trainer)


# The lines around the update


@dataclass(frozen=True)
class OtherDevice(Question[tuple[str, str]]):
    """PyTorch's error for a mini-batch on another device: the name of that device, and the message."""

    def answer(self, run: Run) -> tuple[str, str]:
        return device_error(run.trainer)


@dataclass(frozen=True)
class CompareModes(Question[EvaluationModes]):
    """One forward pass with and without autograd, in training and in evaluation mode."""

    def answer(self, run: Run) -> Pieces[EvaluationModes]:
        return evaluation_modes(run.trainer)


@dataclass(frozen=True)
class FirstSignals(Question[tuple[Signals, Signals]]):
    """Signals and gradients before any training, measured and predicted, for these settings: for the whole range of
    init stds, or for one."""

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
    """The loss of 512 training images on a plane through the weights."""

    def answer(self, run: Run) -> Pieces[Plane]:
        return plane(frozen(run), *probe(run.trainer))


@dataclass(frozen=True)
class TakeFilm(Question[Roll]):
    """The film of the run, for a file."""

    def answer(self, run: Run) -> Roll:
        return take_film(run)


# One image, and the hidden units


class Look(StrEnum):
    """The kinds of explanation for one image."""

    PREDICTION = "prediction"
    SALIENCY = "saliency"
    CONTRIBUTIONS = "contributions"
    NEIGHBOURS = "neighbours"
    FLIP = "flip"


@dataclass(frozen=True)
class Classify(Question[Classification]):
    """The network's prediction for a picture: 28 × 28 bytes, row by row."""

    picture: bytes

    def answer(self, run: Run) -> Classification:
        image = torch.from_numpy(np.frombuffer(self.picture, dtype=np.uint8).reshape(28, 28).copy())
        return Classification(run.step, explain.logits(frozen(run), pixels(image)))


@dataclass(frozen=True)
class Explain(Question[Explanation]):
    """The network's prediction for the test image with this index, and one explanation of it.

    Attributes:
        target: the class to explain; None for the predicted class.
    """

    index: int
    look: Look
    target: int | None = None

    def answer(self, run: Run) -> Pieces[Explanation]:
        image = run.trainer.dataset.test.images[self.index].cpu()
        return self._pieces(frozen(run), run.step, image, training_part(run))

    def _pieces(self, net: nn.Sequential, step: int, image: Tensor, train: Split) -> Pieces[Explanation]:
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
class HiddenUnits(Question[tuple[UnitTable, UnitLook]]):
    """The units of a hidden layer, and one of them, at one moment.

    Attributes:
        layer, unit: counted from 0; unit None for the most important unit.
    """

    layer: int
    unit: int | None

    def answer(self, run: Run) -> Pieces[tuple[UnitTable, UnitLook]]:
        return self._pieces(frozen(run), run.step, run.trainer.dataset.test)

    def _pieces(self, net: nn.Sequential, step: int, test: Split) -> Pieces[tuple[UnitTable, UnitLook]]:
        h = yield from units.answers_of_layer(net, test.images, self.layer)
        table = yield from units.unit_table(net, h, test.labels.cpu(), self.layer, step)
        unit = int(table.importance.argmax()) if self.unit is None else self.unit
        return table, (yield from units.unit_look(net, h, test, self.layer, unit, step))


@dataclass(frozen=True)
class HiddenUnit(Question[UnitLook | None]):
    """One unit of a hidden layer, both counted from 0, at this step. None if the run is at another step by now."""

    layer: int
    unit: int
    step: int

    def answer(self, run: Run) -> Pieces[UnitLook] | None:
        return self._pieces(frozen(run), run.trainer.dataset.test) if run.step == self.step else None

    def _pieces(self, net: nn.Sequential, test: Split) -> Pieces[UnitLook]:
        h = yield from units.answers_of_layer(net, test.images, self.layer)
        return (yield from units.unit_look(net, h, test, self.layer, self.unit, self.step))


def frozen(run: Run) -> nn.Sequential:
    """A copy of the run's network on the CPU. Later updates do not change it."""
    return copy.deepcopy(run.trainer.net).cpu()


def training_part(run: Run) -> Split:
    """The images that the run trains on, on its device. A piece of work copies the images that it needs."""
    return run.trainer.dataset.train.first(run.trainer.train_size)
