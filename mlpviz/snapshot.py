"""Snapshots: one moment of a task, as immutable NumPy arrays and plain values. Torch code makes them and drawing code
reads them, so neither depends on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mlpviz.diagnosis import Diagnosis, Kind, PostMortem
from mlpviz.examples import Examples
from mlpviz.grid import Axis, Cell, Grid, Place
from mlpviz.history import Series
from mlpviz.prices import Price
from mlpviz.settings import Settings

REFRESH = 0.2  # seconds between two snapshots, where few watch


class Status(StrEnum):
    """What a task is doing."""

    PREPARING = "preparing"  # its first evaluation is under way
    PAUSED = "paused"
    TRAINING = "training"
    EXAMINING = "examining"  # it looks for the cause of an alarm
    FINISHED = "finished"
    FAILED = "failed"  # an error stopped it


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class TaskSnapshot:
    """The part that all snapshots share.

    Attributes:
        version: grows with each snapshot of the task.
        run: the id of the task; a run that replaces another has a new id.
        message: for the reader: why the task stopped by itself; or empty.
        step, total_steps: the updates so far, and in total.
    """

    version: int
    run: str
    status: Status
    message: str
    step: int
    total_steps: int


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of values in equal bins.

    Attributes:
        low, high: the outer edges: the smallest and the largest finite value.
        counts: (bins,) int64.
        not_finite: how many values were infinite or NaN.
    """

    low: float
    high: float
    counts: np.ndarray
    not_finite: int = 0

    def edges(self) -> np.ndarray:
        """The edges of the bins, (bins + 1,)."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    def centres(self) -> np.ndarray:
        """The middle of each bin, (bins,)."""
        edges = self.edges()
        middles: np.ndarray = (edges[:-1] + edges[1:]) / 2
        return middles


@dataclass(frozen=True, eq=False)
class Sample:
    """The measurements of some steps only, made after update `step`.

    Attributes:
        update_ratios: (layers,) ‖ΔW‖ / ‖W‖ of that update; NaN if it wasn't measured.
        dead_shares: (hidden layers,) shares of dead units, 0 to 1.
    """

    step: int
    update_ratios: tuple[float, ...]
    dead_shares: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Inspection:
    """The more expensive measurements of a network, at `step`. Tuples have one entry for each linear layer, from the
    input on.

    Attributes:
        gradients: of the latest step; empty before the first.
        weight_norms: Euclidean.
        first_layer_units: (tiles,) which units the images show.
        first_layer_images: (tiles, 28, 28) float32, their incoming weights.
        latest: the latest sample. trend: the samples at the planned steps, with `trend_columns`.
    """

    step: int
    weights: tuple[Histogram, ...]
    initial_weights: tuple[Histogram, ...]
    gradients: tuple[Histogram, ...]
    weight_norms: tuple[float, ...]
    first_layer_units: np.ndarray
    first_layer_images: np.ndarray
    latest: Sample
    trend: Series


@dataclass(frozen=True, eq=False)
class CloseUp:
    """What each of the five lines did in one step. Tuples of norms have one entry for each linear layer's weights, from
    the input on.

    Attributes:
        step: the number of this update.
        images: (n, 28, 28) uint8, the first ones of its mini-batch. labels: (n,) their classes.
        answers: (n,) the classes that the network gave. confidences: (n,) their probabilities, 0 to 1.
        batch: how many images the mini-batch had. right: how many answers were right.
        loss_before: of the step before, on its own mini-batch; None in the first step. loss: of this step.
        old_gradients: the norms of what was in `.grad` before it was cleared; empty if there was nothing.
        gradients: the norms of `.grad` after the step.
        updates: ‖ΔW‖ / ‖W‖; NaN for weights that were all zero.
    """

    step: int
    images: np.ndarray
    labels: tuple[int, ...]
    answers: tuple[int, ...]
    confidences: tuple[float, ...]
    batch: int
    right: int
    loss_before: float | None
    loss: float
    old_gradients: tuple[float, ...]
    gradients: tuple[float, ...]
    updates: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class LayerPortrait:
    """The strongest units of one hidden layer, for one image.

    Attributes:
        units: (k,) which ones, ascending. size: how many units the layer has.
        active: how many units of the layer pass anything on.
        outputs: (k,) after the activation. errors: (k,) δ, before the activation; None without a label.
        pictures: (k, 28, 28) ∂z/∂x: how each unit's input changes with each pixel.
        share: of these units in what the whole layer passes on, 0 to 1; 0 if it passes nothing on, NaN if that is not
            finite.
    """

    units: np.ndarray
    size: int
    active: int
    outputs: np.ndarray
    errors: np.ndarray | None
    pictures: np.ndarray
    share: float


@dataclass(frozen=True, eq=False)
class Portrait:
    """One image on its way through the network.

    Attributes:
        layers: the hidden layers, from the input on.
        forward: what is added to each shown unit, (units, units of the layer before), and at last to each logit. The
            image counts as one unit.
        backward: the same for the error on its way back; empty without a label.
        class_pictures: (10, 28, 28) the weights of each class; only of a network without hidden layers.
    """

    layers: tuple[LayerPortrait, ...]
    forward: tuple[np.ndarray, ...]
    backward: tuple[np.ndarray, ...]
    class_pictures: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network answers for some chosen images, at `step`.

    Attributes:
        images: (n, 28, 28) uint8. labels: (n,) their classes; None for the reader's own picture.
        probabilities: (n, 10).
        portrait: of the image in the focus.
    """

    step: int
    examples: Examples
    images: np.ndarray
    labels: tuple[int | None, ...]
    probabilities: np.ndarray
    portrait: Portrait


def step_columns(layers: int) -> list[str]:
    """The columns of the per-step series: loss, batch accuracy, and the norms of each layer's two gradients."""
    kinds = ("weight_gradient", "bias_gradient")
    return ["loss", "accuracy", *[f"{kind} {layer}" for layer in range(1, layers + 1) for kind in kinds]]


def trend_columns(layers: int) -> list[str]:
    """The columns of the trend: the step, each layer's update-to-weight ratio, each hidden layer's dead share."""
    ratios = [f"update_ratio {i}" for i in range(1, layers + 1)]
    return ["step", *ratios, *[f"dead_share {i}" for i in range(1, layers)]]


#: The columns of the sharpness series: its value, the ends of its band, and the threshold for the learning rate.
SHARPNESS_COLUMNS = ("step", "sharpness", "low", "high", "threshold")


@dataclass(frozen=True)
class FilmIndex:
    """Which moments of a run can be shown again.

    Attributes:
        steps: of these moments, ascending. bytes: the memory that they take.
        alarms: the steps at which an alarm stopped the run, and what it was.
    """

    steps: tuple[int, ...]
    alarms: tuple[tuple[int, Kind], ...]
    bytes: int


@dataclass(frozen=True)
class TwinComparison:
    """How a twin differs from its leader.

    Attributes:
        what: the changed setting, in words.
        first_difference: the first step whose losses differ, with the leader's loss and the twin's loss.
        losses: the leader's and the twin's, means over the same latest 25 steps; None before the first step.
        evaluation: the leader's latest, as in `Snapshot.evaluations`.
    """

    what: str
    first_difference: tuple[int, float, float] | None
    losses: tuple[float, float] | None
    evaluation: tuple[int, float, float] | None


@dataclass(frozen=True, eq=False, slots=True)
class Snapshot(TaskSnapshot):
    """One moment of a run.

    Attributes:
        settings: its present settings. learning_rate: that of its next update.
        diagnosis: how it is doing; None before the first step.
        post_mortem: why it failed, if an alarm stopped it.
        layers: (inputs, hidden units …, classes).
        steps: the per-step series; `step_columns` names its columns.
        recent: loss and batch accuracy, the mean of the last 25 steps; None before the first.
        evaluations: (evaluations, 3) float64: step, test loss, test accuracy.
        changes: the changes of settings while it trained: (step, text).
        checkpoints: the steps to which the reader can go back, ascending.
        sharpness: a series with `SHARPNESS_COLUMNS`; None while nothing was measured.
        prices: the cost of each instrument.
        speed: at which it trains, one of `mlpviz.speed.SPEEDS`.
        line_shares: (5,) the share of a step's time that each of the five lines takes; None before it is measured.
        close_up: of the latest step; None if there was no time for a close look at it.
        answers: for some chosen images.
        comparison: of a twin with its leader.
        film: the moments that can be shown again.
    """

    settings: Settings
    learning_rate: float
    dataset: str
    classes: tuple[str, ...]
    device: str
    threads: int
    layers: tuple[int, ...]
    steps_per_epoch: int
    steps_per_second: float
    diagnosis: Diagnosis | None
    post_mortem: PostMortem | None
    steps: Series
    recent: tuple[float, float] | None
    evaluations: np.ndarray
    changes: tuple[tuple[int, str], ...]
    inspection: Inspection | None
    checkpoints: tuple[int, ...]
    sharpness: Series | None
    prices: tuple[Price, ...]
    speed: str
    line_shares: tuple[float, ...] | None
    close_up: CloseUp | None
    answers: Answers
    comparison: TwinComparison | None = None
    film: FilmIndex = FilmIndex((), (), 0)

    @property
    def not_finite_step(self) -> int | None:
        """The first step whose loss was infinite or NaN."""
        return self.diagnosis.vitals.not_finite_step if self.diagnosis else None

    @property
    def hidden_layers(self) -> int:
        """How many hidden layers the network has."""
        return len(self.layers) - 2

    def evaluation(self) -> tuple[float, float] | None:
        """The latest test loss and accuracy."""
        return (float(self.evaluations[-1, 1]), float(self.evaluations[-1, 2])) if len(self.evaluations) else None


@dataclass(frozen=True, eq=False)
class Glance:
    """A run in a few numbers, for a board that shows many runs.

    Attributes:
        run: its id. version: of the snapshot. cell: what has become of it so far. Its losses and its accuracy are NaN
            as long as they are not measured. Its curve has the mean training loss of each bucket of steps.
    """

    run: str
    version: int
    status: Status
    cell: Cell


@dataclass(frozen=True, eq=False, slots=True)
class ComparisonSnapshot(TaskSnapshot):
    """One moment of two networks that train step by step together: the original program, and the same with one line
    changed.

    Attributes:
        title: what was changed.
        steps: for each of the two, loss and batch accuracy per step.
        evaluations: for each of the two, (evaluations, 3) float64: step, test loss, test accuracy.
        not_finite_steps: for each of the two, the first step whose loss was infinite or NaN.
        facts: sentences about the changed network, once both have finished.
    """

    title: str
    steps: tuple[Series, Series]
    evaluations: tuple[np.ndarray, np.ndarray]
    not_finite_steps: tuple[int | None, int | None]
    facts: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class SweepSnapshot(TaskSnapshot):
    """One moment of a sweep: it trains one network after another for one epoch, each with another init std. Steps are
    counted over all networks together.

    Attributes:
        init_stds: of the networks that have finished, (networks,).
        losses, accuracies: of each network on the test set.
        dead_shares: (networks, hidden layers), 0 to 1.
    """

    init_stds: np.ndarray
    losses: np.ndarray
    accuracies: np.ndarray
    dead_shares: np.ndarray


@dataclass(frozen=True, eq=False, slots=True)
class MapSnapshot(TaskSnapshot):
    """One moment of a map. Steps are counted over all cells together.

    Attributes:
        cells: those that are done; nobody changes this dictionary. training: the one that is trained now.
        threads: PyTorch's, with which they are trained; None before the first turn.
    """

    grid: Grid
    cells: Mapping[Place, Cell]
    training: Place | None
    threads: int | None = None


@dataclass(frozen=True, eq=False)
class Seat:
    """A student of a class, as the teacher's board shows them.

    Attributes:
        id: of the student in this class. number: in the order in which they came. name: empty if names are hidden.
        here: whether their page has asked for news lately. predicts: whether they have answered the question.
        glance: their run; None while it is not in memory.
    """

    id: str
    number: int
    name: str
    here: bool
    predicts: bool
    glance: Glance | None


@dataclass(frozen=True)
class Poll:
    """A question to a class, as everybody may see it.

    Attributes:
        text: the question. options: the answers to choose from. answers: how many students have answered.
        counts: how many chose each option; empty until the teacher shows them.
        outcome: the option that came true; None as long as nobody has said so.
    """

    text: str
    options: tuple[str, ...]
    answers: int
    counts: tuple[int, ...]
    outcome: int | None


@dataclass(frozen=True, eq=False, slots=True)
class ClassSnapshot(TaskSnapshot):
    """One moment of a class. Steps are counted over all its runs.

    Attributes:
        x, y: the settings on the two axes of the map. dealt: whether the students' runs were dealt over them.
        seats: the students. poll: the latest question.
    """

    x: Axis
    y: Axis
    dealt: bool
    seats: tuple[Seat, ...]
    poll: Poll | None


@dataclass(frozen=True, eq=False, slots=True)
class SeedsSnapshot(TaskSnapshot):
    """One moment of pairs of runs. Each seed has a pair: the original, and the twin with a setting changed. Steps are
    counted over all runs together.

    Attributes:
        ends: (points,) the last step of each piece of a curve.
        losses: (pairs, 2, points) the mean training loss of each piece.
        accuracies: (pairs, 2) on the test set, at the end.
    """

    ends: np.ndarray
    losses: np.ndarray
    accuracies: np.ndarray


@dataclass(frozen=True, eq=False, slots=True)
class RangeSnapshot(TaskSnapshot):
    """One moment of a learning-rate range test. A step is one rate, tried for one update or a few.

    Attributes:
        begun_at: the step of the run at which it began.
        rates: (tried,). losses: (tried,) at each rate, before its updates. means: (tried,) their exponential mean.
        suggestion: the lowest and the highest rate that seem to work, and one to use; None if there is none.
    """

    begun_at: int
    rates: np.ndarray
    losses: np.ndarray
    means: np.ndarray
    suggestion: tuple[float, float, float] | None
