"""What one moment of a run looks like: immutable, NumPy arrays and plain values alone. Torch code makes it, drawing
code reads it, and neither knows the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpviz.diagnosis import Diagnosis, PostMortem
from mlpviz.history import Series
from mlpviz.prices import Price
from mlpviz.settings import Settings

RECENT_STEPS = 25


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

    def centres(self) -> np.ndarray:
        """The middle of each bin, (bins,)."""
        edges = np.linspace(self.low, self.high, len(self.counts) + 1)
        return (edges[:-1] + edges[1:]) / 2


@dataclass(frozen=True, eq=False)
class Inspection:
    """The costlier look at a network, at `step`. Tuples have one entry for each linear layer, from the input on.

    Attributes:
        gradients: of the step just made; empty before the first.
        weight_norms: Euclidean.
        first_layer_units: (tiles,) which units the images show.
        first_layer_images: (tiles, 28, 28) float32, their incoming weights.
        trend: a column for each of `trend_columns`, a row for each inspection so far.
    """

    step: int
    weights: tuple[Histogram, ...]
    initial_weights: tuple[Histogram, ...]
    gradients: tuple[Histogram, ...]
    weight_norms: tuple[float, ...]
    first_layer_units: np.ndarray
    first_layer_images: np.ndarray
    trend: Series


def trend_columns(layers: int) -> list[str]:
    """Names of an inspection's trend: the step, each layer's update-to-weight ratio, each hidden layer's dead share."""
    ratios = [f"update_ratio {i}" for i in range(1, layers + 1)]
    return ["step", *ratios, *[f"dead_share {i}" for i in range(1, layers)]]


def step_columns(layers: int) -> list[str]:
    """Names of a snapshot's per-step series: loss, batch accuracy, and each layer's two gradient norms."""
    return ["loss", "accuracy", *[f"{kind} {i}" for i in range(1, layers + 1) for kind in ("weight", "bias")]]


@dataclass(frozen=True)
class TwinComparison:
    """How a twin differs from the run that it follows.

    Attributes:
        what: the setting that was changed, in words.
        first_difference: the first step whose losses differ, with that run's loss and the twin's own.
        losses: that run's and the twin's, means over the same latest 25 steps; None before the first.
        evaluation: that run's latest, as in `Snapshot.evaluations`.
    """

    what: str
    first_difference: tuple[int, float, float] | None
    losses: tuple[float, float] | None
    evaluation: tuple[int, float, float] | None


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Snapshot:
    """One moment of a run.

    Attributes:
        version: grows with each snapshot of the run.
        run: the run's id; it is another after a reset.
        status: "preparing", "paused", "training", "examining" why it fell ill, "finished" or "failed".
        message: why it stopped by itself, for a person; or nothing.
        diagnosis: how it is doing; None before the first step.
        post_mortem: what was found out about its illness, if it stopped for one.
        layers: (inputs, hidden units …, classes).
        steps: the per-step series, in the order of `step_columns`.
        recent: loss and batch accuracy, the mean of the last 25 steps; None before the first.
        evaluations: (evaluations, 3) float64: step, test loss, test accuracy.
        changes: what was changed while it trained: (step, text).
        checkpoints: the steps that one can go back to, ascending.
        sharpness: step, sharpness, the ends of its band, the threshold 2/η; None unless asked for.
        prices: what each instrument has cost.
        comparison: of a twin, with the run that it follows.
    """

    version: int
    run: str
    status: str
    message: str
    settings: Settings
    dataset: str
    classes: tuple[str, ...]
    device: str
    threads: int
    layers: tuple[int, ...]
    step: int
    steps_per_epoch: int
    total_steps: int
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
    comparison: TwinComparison | None = None

    @property
    def not_finite_step(self) -> int | None:
        """The first step whose loss was infinite or NaN."""
        return self.diagnosis.vitals.not_finite_step if self.diagnosis else None

    @property
    def hidden_layers(self) -> int:
        return len(self.layers) - 2

    def evaluation(self) -> tuple[float, float] | None:
        """The latest test loss and accuracy."""
        return (float(self.evaluations[-1, 1]), float(self.evaluations[-1, 2])) if len(self.evaluations) else None


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class ComparisonSnapshot:
    """One moment of two networks in lockstep, the program as it is and the same with one line changed.

    Attributes:
        version, run, status, message, step, total_steps: as in `Snapshot`.
        title: what was changed.
        steps: of each of the two, loss and batch accuracy per step.
        evaluations: of each of the two, (evaluations, 3) float64: step, test loss, test accuracy.
        not_finite_steps: of each of the two, the first step whose loss was infinite or NaN.
        facts: what was found about the changed network, in sentences, once both are through.
    """

    version: int
    run: str
    status: str
    message: str
    step: int
    total_steps: int
    title: str
    steps: tuple[Series, Series]
    evaluations: tuple[np.ndarray, np.ndarray]
    not_finite_steps: tuple[int | None, int | None]
    facts: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class SweepSnapshot:
    """One moment of a sweep: one network after another, each with another init std, trained for one epoch.

    Attributes:
        version, run, status, message: as in `Snapshot`.
        step, total_steps: updates made and to be made, of all networks together.
        init_stds: of the networks that are through, (networks,).
        losses, accuracies: of each on the test set.
        dead_shares: (networks, hidden layers), 0 to 1.
    """

    version: int
    run: str
    status: str
    message: str
    step: int
    total_steps: int
    init_stds: np.ndarray
    losses: np.ndarray
    accuracies: np.ndarray
    dead_shares: np.ndarray


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class SeedsSnapshot:
    """One moment of pairs of runs, a pair for each seed: as it is, and with a setting changed.

    Attributes:
        version, run, status, message: as in `Snapshot`.
        step, total_steps: updates made and to be made, of all runs together.
        ends: (points,) the last step of each piece of a curve.
        losses: (pairs, 2, points) mean training loss of each piece.
        accuracies: (pairs, 2) on the test set, at the end.
    """

    version: int
    run: str
    status: str
    message: str
    step: int
    total_steps: int
    ends: np.ndarray
    losses: np.ndarray
    accuracies: np.ndarray


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class RangeSnapshot:
    """One moment of a learning-rate range test.

    Attributes:
        version, run, status, message: as in `Snapshot`.
        step: that of the run's weights with which it began.
        tried, total_steps: rates tried, one or a few updates each, and how many there are at most.
        rates: (tried,). losses: (tried,) at each, before its updates. means: (tried,) their exponential mean.
        suggestion: the lowest and the highest rate that seem to serve, and one to use; None if there is none.
    """

    version: int
    run: str
    status: str
    message: str
    step: int
    tried: int
    total_steps: int
    rates: np.ndarray
    losses: np.ndarray
    means: np.ndarray
    suggestion: tuple[float, float, float] | None


@dataclass(frozen=True, eq=False)
class AlongGradient:
    """The loss of one mini-batch along its negative gradient.

    Attributes:
        step: the updates made before. rate: the learning rate.
        images: of how many images; batch: of the mini-batch's how many.
        alphas: (n,) how far along −g. losses: (n,) there. quadratic: (n,) by the second-order polynomial.
        slope: ‖g‖². curvature: gᵀHg.
        after: the loss at α = rate: what plain SGD makes of it.
    """

    step: int
    rate: float
    images: int
    batch: int
    alphas: np.ndarray
    losses: np.ndarray
    quadratic: np.ndarray
    slope: float
    curvature: float
    after: float


@dataclass(frozen=True, eq=False)
class Plane:
    """The loss over a plane through the weights.

    Attributes:
        offsets: (n,) along either direction, in units of each unit's own length.
        losses: (n, n); the second direction is the row.
    """

    offsets: np.ndarray
    losses: np.ndarray


@dataclass(frozen=True, eq=False)
class PastPredictions:
    """What one evaluation said of the n test images.

    Attributes:
        step: the updates made before it.
        predicted: (n,) uint8, classes.
        true_probability: (n,) float16, of the right class.
    """

    step: int
    predicted: np.ndarray
    true_probability: np.ndarray


@dataclass(frozen=True, eq=False)
class Results:
    """The latest evaluation in full, and the earlier ones that are kept.

    Attributes:
        step: the updates made before it.
        logits: (n, 10) float32; labels: (n,) int64, in the order of the test set.
        past: oldest first; the last of them is the latest evaluation.
        before: (n,) uint8, what the evaluation before predicted; None at the first.
        evaluations: how many there were; where `past` holds fewer, it was thinned.
    """

    step: int
    logits: np.ndarray
    labels: np.ndarray
    past: tuple[PastPredictions, ...]
    before: np.ndarray | None
    evaluations: int


AnySnapshot = Snapshot | ComparisonSnapshot | SweepSnapshot | SeedsSnapshot | RangeSnapshot
