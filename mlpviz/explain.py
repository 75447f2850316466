"""Why does the network say so? Questions to a network that stands still, about one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.network import linears
from mlpviz.trainer import pixels

CHUNK = 4096  # images at a time, here and elsewhere


def logits(net: nn.Module, x: Tensor) -> np.ndarray:
    """The ten logits of one image, x (28, 28) in [0, 1]; (10,)."""
    with torch.no_grad():
        z: np.ndarray = net(x[None])[0].numpy()
    return z


def saliency(net: nn.Module, x: Tensor, c: int) -> np.ndarray:
    """∂z_c/∂x, (28, 28): by how much each pixel, made brighter, would raise the logit of class c.

    Source: Simonyan, Vedaldi and Zisserman, Deep Inside Convolutional Networks (2014).
    """
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x[None])[0, c], x)
    values: np.ndarray = gradient.numpy()
    return values


@dataclass(frozen=True, eq=False)
class Contributions:
    """How the units of the last hidden layer make up one logit: z_c = Σ_u h_u W_cu + b_c, exactly.

    Attributes:
        values: (units,) h_u W_cu; pixels instead of units where there is no hidden layer.
        bias: b_c.
        logit: z_c, as the network gives it.
    """

    values: np.ndarray
    bias: float
    logit: float

    def strongest(self, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """The units that push hardest for the class, and those against it, each strongest first."""
        order = np.argsort(-self.values, kind="stable")
        return (
            np.array([unit for unit in order[:count] if self.values[unit] > 0], dtype=np.int64),
            np.array([unit for unit in order[::-1][:count] if self.values[unit] < 0], dtype=np.int64),
        )


def contributions(net: nn.Sequential, x: Tensor, c: int) -> Contributions:
    """Take the logit of class c apart."""
    last = linears(net)[-1]
    with torch.no_grad():
        h = net[:-1](x[None])[0]
        z = last(h[None])[0, c].item()
        values: np.ndarray = (h * last.weight[c]).numpy()
    return Contributions(values, last.bias[c].item(), z)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The training images nearest to each of m images in the last hidden layer.

    Attributes:
        indices, labels: (m, k) of the training set, nearest first; distances: (m, k) Euclidean.
    """

    indices: np.ndarray
    labels: np.ndarray
    distances: np.ndarray


def neighbours(net: nn.Sequential, X: Tensor, images: Tensor, labels: Tensor, k: int = 8) -> Neighbours:
    """Search all training images, (n, 28, 28) uint8, some thousands at a time, for each of X, (m, 28, 28) in [0, 1]."""
    parts = []
    with torch.no_grad():
        own = net[:-1](X)
        for i in range(0, len(images), CHUNK):
            there = net[:-1](pixels(images[i : i + CHUNK]))
            parts.append(torch.cdist(own, there, compute_mode="donot_use_mm_for_euclid_dist"))
    distances = torch.cat(parts, dim=1).nan_to_num(nan=float("inf"))
    nearest = distances.topk(min(k, distances.shape[1]), largest=False)
    return Neighbours(nearest.indices.numpy(), labels[nearest.indices].numpy(), nearest.values.numpy())


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


def along_gradient(net: nn.Module, x: Tensor, furthest: float = 8.0, steps: int = 81) -> Path:
    """Move the image towards the class that is second in line, and see when the prediction flips. The logits' gradient
    is taken, not the loss's, which vanishes in float32 where the network is sure.

    Source of the idea: Szegedy et al., Intriguing properties of neural networks (2014); Goodfellow et al. (2015).
    """
    start = x.detach().requires_grad_()
    z = net(start[None])[0]
    first, second = z.detach().nan_to_num().topk(2).indices.tolist()
    (gradient,) = torch.autograd.grad(z[second] - z[first], start)
    largest = gradient.abs().max()
    direction = gradient / largest if largest > 0 else gradient
    direction = direction / direction.norm().clamp_min(1e-12)
    epsilons = torch.linspace(0, furthest, steps)
    with torch.no_grad():
        images = (x + epsilons[:, None, None] * direction).clamp(0, 1)
        logits = net(images)
        predicted = logits.argmax(dim=1)
        flipped = (predicted != predicted[0]).nonzero().flatten()
        flip, moved = None, float("nan")
        if len(flipped):
            flip = _bisect(net, x, direction, float(epsilons[flipped[0] - 1]), float(epsilons[flipped[0]]))
            moved = float(((x + flip * direction).clamp(0, 1) - x).norm())
    return Path(epsilons.numpy(), images.numpy(), logits.numpy(), second, bool(largest > 0), flip, moved)


def _bisect(net: nn.Module, x: Tensor, direction: Tensor, low: float, high: float) -> float:
    """The ε between `low`, where the prediction is still the first one, and `high`, where it isn't."""
    first = net(x[None]).argmax()
    for _ in range(20):
        middle = (low + high) / 2
        if net((x + middle * direction).clamp(0, 1)[None]).argmax() == first:
            low = middle
        else:
            high = middle
    return high
