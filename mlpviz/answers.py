"""What questions to a run are answered with: immutable values of NumPy arrays and plain numbers.

`mlpviz.backend.questions` says which question is answered with which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpviz.settings import Settings

# One update, taken apart


@dataclass(frozen=True, eq=False)
class WalkedParameter:
    """One parameter's part in an update.

    Attributes:
        name: "W1", "b1", "W2", … as in the formulas.
        shape: of its tensor.
        old_norm: of the `.grad` that the update before left; None if there was none.
        largest: where the largest entry of its gradient is.
    """

    name: str
    shape: tuple[int, ...]
    old_norm: float | None
    largest: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Walk:
    """The five lines of one update on a mini-batch of m images.

    Attributes:
        step: the number of the update, from 1.
        images: (shown, 28, 28) float32 in [0, 1], the first of the mini-batch.
        labels: (m,) int64.
        hidden: of each hidden layer, its activations for those images, (shown, units) float32.
        silent: of each hidden layer, which units are 0 on all m images, (units,) bool.
        logits: (m, 10) float32.
        losses: (m,) float32, as `nn.CrossEntropyLoss(reduction="none")` gives them.
        loss: the mini-batch's, as the run's own loss function gives it.
        logit_gradient: ∂L/∂z from autograd, (m, 10) float32.
        parameters: W1, b1, W2, b2, …
    """

    step: int
    settings: Settings
    images: np.ndarray
    labels: np.ndarray
    hidden: tuple[np.ndarray, ...]
    silent: tuple[np.ndarray, ...]
    logits: np.ndarray
    losses: np.ndarray
    loss: float
    logit_gradient: np.ndarray
    parameters: tuple[WalkedParameter, ...]

    def parameter(self, name: str) -> WalkedParameter:
        """The parameter of that name."""
        return next(parameter for parameter in self.parameters if parameter.name == name)


@dataclass(frozen=True)
class Move:
    """One number's update, θ − ηd, recomputed in float64.

    Attributes:
        gradient: ∂L/∂θ, as autograd gave it in float32.
        memory: what the rule remembers, as it is after this update, by its name in LaTeX; empty for plain SGD.
        direction: d; for plain SGD the gradient itself.
        result: θ − ηd.
        actual: what the optimizer made of it, float32.
        ulps: by how many units in the last place that float32 has for the larger of θ and ηd the two differ; NaN when
            they aren't finite.
    """

    theta: float
    gradient: float
    memory: dict[str, float]
    direction: float
    result: float
    actual: float
    ulps: float


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """Autograd's derivative of the loss against central differences, (L(θ + h) − L(θ − h)) / 2h.

    Attributes:
        entry: the entry of `.grad` itself, over the whole mini-batch.
        gradient: autograd's, in float32, over the images that are checked.
        gradient_float64: the same in float64.
        nudges: (n,) the values of h.
        differences: {"float32" and "float64": (n,)}, in the arithmetic of that name.
        images: how many images the loss is over.
    """

    entry: float
    gradient: float
    gradient_float64: float
    nudges: np.ndarray
    differences: dict[str, np.ndarray]
    images: int

    def errors(self, arithmetic: str) -> np.ndarray:
        """|difference − g| / |g| against float64's g, (n,); against 1 where g is 0."""
        size = abs(self.gradient_float64) or 1.0
        return np.abs(self.differences[arithmetic] - self.gradient_float64) / size


@dataclass(frozen=True)
class EvaluationModes:
    """One forward pass over test images, with and without autograd.

    Attributes:
        images: how many.
        seconds, seconds_no_grad: medians of three passes each, in turn.
        kept_bytes, kept_bytes_no_grad: what autograd keeps for a backward pass, without the weights.
        same_logits: whether `net.train()` and `net.eval()` give the same bits.
    """

    images: int
    seconds: float
    seconds_no_grad: float
    kept_bytes: int
    kept_bytes_no_grad: int
    same_logits: bool


@dataclass(frozen=True, eq=False)
class Signals:
    """A network's signals for each of n init stds, from the first linear layer to the logits.

    Attributes:
        init_stds: (n,).
        values: (n, layers) root mean square of z = Wh + b.
        gradients: (n, layers) root mean square of ∂ℓ/∂z, ℓ being one image's loss.
        losses: (n,) in nats.
        dead_shares: (n, hidden layers) of units without a slope on any image, 0 to 1; empty for a prediction.
        flat_shares: (n, hidden layers) of activations, unit by unit and image by image, whose slope is below 10⁻³;
            empty for a prediction.
    """

    init_stds: np.ndarray
    values: np.ndarray
    gradients: np.ndarray
    losses: np.ndarray
    dead_shares: np.ndarray
    flat_shares: np.ndarray


# The loss around the weights


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


# One image, and the hidden units


@dataclass(frozen=True, eq=False)
class Classification:
    """What the network says of one image.

    Attributes:
        step: the updates made before.
        logits: (10,) float32.
    """

    step: int
    logits: np.ndarray

    @property
    def best(self) -> int:
        """The class that it takes the image for."""
        return int(np.nan_to_num(self.logits, nan=-np.inf).argmax())


@dataclass(frozen=True, eq=False)
class Saliency:
    """∂z_c/∂x, (28, 28): by how much each pixel, made brighter, would raise the logit of a class."""

    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Contributions:
    """How the units of the last hidden layer make up one logit: z_c = Σ_u h_u W_cu + b_c, exactly.

    Attributes:
        values: (units,) h_u W_cu; pixels instead of units where there is no hidden layer.
        bias: b_c.
        logit: z_c, as the network gives it.
        weights: (units, 784) float32, what each unit answers to; empty unless the units are those of the only hidden
            layer.
    """

    values: np.ndarray
    bias: float
    logit: float
    weights: np.ndarray

    def strongest(self, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """The units that push hardest for the class, and those against it, each strongest first."""
        order = np.argsort(-self.values, kind="stable")
        return (
            np.array([unit for unit in order[:count] if self.values[unit] > 0], dtype=np.int64),
            np.array([unit for unit in order[::-1][:count] if self.values[unit] < 0], dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The training images nearest to each of m images in the last hidden layer.

    Attributes:
        indices, labels: (m, k) of the training set, nearest first; distances: (m, k) Euclidean.
        images: (m, k, 28, 28) uint8.
    """

    indices: np.ndarray
    labels: np.ndarray
    distances: np.ndarray
    images: np.ndarray


@dataclass(frozen=True, eq=False)
class Path:
    """What becomes of an image that moves along a gradient, x(ε) = clip(x + ε g/‖g‖, 0, 1), with g = ∂(z_b − z_a)/∂x, a
    being the class that the image is taken for at first and b the second in line.

    Attributes:
        epsilons: (steps,) from 0 on, in units of pixel brightness (Euclidean).
        images: (steps, 28, 28); logits: (steps, 10).
        towards: b.
        gradient: whether there is any; without one the image stays where it is.
        flip: the first ε found that changes the prediction, or None.
        moved: ‖x(flip) − x‖, which the clipping makes smaller than flip; NaN without one.
    """

    epsilons: np.ndarray
    images: np.ndarray
    logits: np.ndarray
    towards: int
    gradient: bool
    flip: float | None
    moved: float


@dataclass(frozen=True, eq=False)
class Explanation(Classification):
    """What the network says of one test image, and one look at why.

    Attributes:
        pixels: (28, 28) uint8.
        target: the class that the look is about.
        look: what was asked for.
    """

    pixels: np.ndarray
    target: int
    look: Saliency | Contributions | Neighbours | Path | None


@dataclass(frozen=True, eq=False)
class UnitTable:
    """The units of one hidden layer.

    Attributes:
        step: the updates made before.
        importance: (units,) the accuracy lost on `images` test images when that unit alone is switched off.
        norms: (units,) of the incoming weights.
        favourites: (units,) the class to which it answers most; −1 where it answers to all alike.
        dead: (units,) whether it is 0 on every test image.
        weights: (units, 28, 28) the incoming weights; None but for the first layer.
    """

    step: int
    importance: np.ndarray
    images: int
    norms: np.ndarray
    favourites: np.ndarray
    dead: np.ndarray
    weights: np.ndarray | None


@dataclass(frozen=True, eq=False)
class UnitLook:
    """One hidden unit, and the network without it.

    Attributes:
        step: the updates made before. unit: which one, counted from 0.
        answers: (n,) what it answers to each test image; labels: (n,) theirs.
        strongest: (k,) the images to which it answers most; images: (k, 28, 28) uint8.
        weights: (28, 28) the incoming weights; None but for the first layer.
        predicted, without: (n,) the classes that the network predicts, and those without the unit.
    """

    step: int
    unit: int
    answers: np.ndarray
    labels: np.ndarray
    strongest: np.ndarray
    images: np.ndarray
    weights: np.ndarray | None
    predicted: np.ndarray
    without: np.ndarray
