"""The answers to questions about a run: immutable values made of NumPy arrays and plain numbers.

`mlpviz.backend.questions` says which answer belongs to which question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpviz.settings import Settings

# One update in detail


@dataclass(frozen=True, eq=False)
class WalkedParameter:
    """One parameter tensor in an update.

    Attributes:
        name: "W1", "b1", "W2", … as in the formulas.
        shape: the shape of its tensor.
        old_norm: the norm of the `.grad` that the previous update left; None if there was none.
        largest: the index of the largest entry of its gradient.
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
        hidden: for each hidden layer, its activations for these images, (shown, units) float32.
        silent: for each hidden layer, which units are 0 on all m images, (units,) bool.
        logits: (m, 10) float32.
        losses: (m,) float32, from `nn.CrossEntropyLoss(reduction="none")`.
        loss: the loss of the mini-batch, from the run's own loss function.
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
        """The parameter with this name."""
        return next(parameter for parameter in self.parameters if parameter.name == name)


@dataclass(frozen=True)
class Move:
    """The update of one number, θ − ηd, recomputed in float64.

    Attributes:
        gradient: ∂L/∂θ from autograd, in float32.
        memory: what the update rule remembers, after this update, by its name in LaTeX; empty for plain SGD.
        direction: d; for plain SGD the gradient itself.
        result: θ − ηd.
        actual: the result of the optimizer, float32.
        ulps: the difference between the two results, in units in the last place of float32 for the larger of θ and
            ηd; NaN if they aren't finite.
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
        entry: the entry of `.grad`, for the whole mini-batch.
        gradient: autograd's derivative in float32, for the images that are used in the check.
        gradient_float64: the same in float64.
        nudges: (n,) the values of h.
        differences: {"float32": (n,), "float64": (n,)}, the central differences in each arithmetic.
        images: how many images are used for the loss.
    """

    entry: float
    gradient: float
    gradient_float64: float
    nudges: np.ndarray
    differences: dict[str, np.ndarray]
    images: int

    def errors(self, arithmetic: str) -> np.ndarray:
        """|difference − g| / |g|, (n,), where g is autograd's in float64; if g is 0, divided by 1 instead."""
        size = abs(self.gradient_float64) or 1.0
        return np.abs(self.differences[arithmetic] - self.gradient_float64) / size


@dataclass(frozen=True)
class EvaluationModes:
    """One forward pass over test images, with and without autograd.

    Attributes:
        images: how many.
        seconds, seconds_no_grad: the medians of three passes each, measured in turn.
        kept_bytes, kept_bytes_no_grad: what autograd stores for a backward pass, without the weights.
        same_logits: whether `net.train()` and `net.eval()` give exactly the same logits.
    """

    images: int
    seconds: float
    seconds_no_grad: float
    kept_bytes: int
    kept_bytes_no_grad: int
    same_logits: bool


@dataclass(frozen=True, eq=False)
class Signals:
    """The signals in a network for each of n init stds, from the first linear layer to the logits.

    Attributes:
        init_stds: (n,).
        values: (n, layers) root mean square of z = Wh + b.
        gradients: (n, layers) root mean square of ∂ℓ/∂z, where ℓ is the loss of one image.
        losses: (n,) in nats.
        dead_shares: (n, hidden layers) the share of units with a slope below 10⁻³ on every image; empty for a
            prediction.
        flat_shares: (n, hidden layers) the share of activations (of all units on all images) with a slope below 10⁻³;
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
        step: how many updates were made before. rate: the learning rate.
        images: how many images the loss is computed on; batch: how many are in the mini-batch.
        alphas: (n,) how far along −g. losses: (n,) the losses there. quadratic: (n,) by the quadratic approximation.
        slope: ‖g‖². curvature: gᵀHg.
        after: the loss at α = rate, which is the loss after a step of plain SGD.
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
    """The loss on a plane through the weights.

    Attributes:
        offsets: (n,) along both directions, relative to the length of each unit's weights.
        losses: (n, n); the row is the second direction.
    """

    offsets: np.ndarray
    losses: np.ndarray


# One image, and the hidden units


@dataclass(frozen=True, eq=False)
class Classification:
    """The prediction of the network for one image.

    Attributes:
        step: how many updates were made before.
        logits: (10,) float32.
    """

    step: int
    logits: np.ndarray

    @property
    def best(self) -> int:
        """The predicted class."""
        return int(np.nan_to_num(self.logits, nan=-np.inf).argmax())


@dataclass(frozen=True, eq=False)
class Saliency:
    """∂z_c/∂x, (28, 28): how the logit of a class changes if a pixel becomes brighter."""

    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Contributions:
    """How the units of the last hidden layer add up to one logit: z_c = Σ_u h_u W_cu + b_c.

    Attributes:
        values: (units,) h_u W_cu; pixels instead of units if there is no hidden layer.
        bias: b_c.
        logit: z_c, computed by the network.
        weights: (units, 784) float32, the incoming weights of each unit; empty unless there is exactly one hidden
            layer.
    """

    values: np.ndarray
    bias: float
    logit: float
    weights: np.ndarray

    def strongest(self, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """The units that raise the logit most, and those that lower it most. Both are sorted, the strongest first."""
        order = np.argsort(-self.values, kind="stable")
        return (
            np.array([unit for unit in order[:count] if self.values[unit] > 0], dtype=np.int64),
            np.array([unit for unit in order[::-1][:count] if self.values[unit] < 0], dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The training images nearest to each of m images in the last hidden layer.

    Attributes:
        indices, labels: (m, k) of these training images, nearest first; distances: (m, k) Euclidean.
        images: (m, k, 28, 28) uint8.
    """

    indices: np.ndarray
    labels: np.ndarray
    distances: np.ndarray
    images: np.ndarray


@dataclass(frozen=True, eq=False)
class Path:
    """An image that moves along a gradient: x(ε) = clip(x + ε g/‖g‖, 0, 1) with g = ∂(z_b − z_a)/∂x.

    Here a is the class that is predicted at first, and b is the second most probable class.

    Attributes:
        epsilons: (steps,) from 0 on, in units of pixel brightness (Euclidean).
        images: (steps, 28, 28); logits: (steps, 10).
        towards: b.
        gradient: whether g is not 0; otherwise the image does not move.
        flip: the first ε found that changes the prediction, or None.
        moved: ‖x(flip) − x‖, at most `flip` because of the clipping; NaN if there is no flip.
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
    """The prediction of the network for one test image, and one explanation.

    Attributes:
        pixels: (28, 28) uint8.
        target: the class that the explanation is about.
        look: the explanation that was asked for; None for the prediction only.
    """

    pixels: np.ndarray
    target: int
    look: Saliency | Contributions | Neighbours | Path | None


@dataclass(frozen=True, eq=False)
class UnitTable:
    """The units of one hidden layer.

    Attributes:
        step: how many updates were made before.
        importance: (units,) the accuracy lost on `images` test images when only this unit is switched off.
        norms: (units,) the norms of the incoming weights.
        favourites: (units,) the class with the largest mean activation; −1 if the means are equal or not finite.
        dead: (units,) whether the unit is 0 on every test image.
        weights: (units, 28, 28) the incoming weights; None except for the first hidden layer.
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
        step: how many updates were made before. unit: which unit, counted from 0.
        answers: (n,) its activation for each test image; labels: (n,) the labels of these images.
        strongest: (k,) the images with its highest activations; images: (k, 28, 28) uint8.
        weights: (28, 28) the incoming weights; None except for the first hidden layer.
        predicted, without: (n,) the predicted classes, with the unit and without it.
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
