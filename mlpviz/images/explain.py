"""Why does the network predict this class? Computations on one image, with a network that does not change."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.answers import Contributions, Neighbours, Path, Saliency
from mlpviz.datasets import Split
from mlpviz.network import linears
from mlpviz.trainer import pixels

PIECE = 2e8  # multiplications at a time: a few milliseconds, so that other tasks don't wait long
MOST_AT_ONCE = 1024  # images


def images_at_once(net: nn.Module) -> int:
    """How many images go through the network in one piece of work."""
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return max(1, min(MOST_AT_ONCE, int(PIECE / max(1, parameters))))


def logits(net: nn.Module, x: Tensor) -> np.ndarray:
    """The ten logits of one image, x (28, 28) in [0, 1]; (10,)."""
    with torch.no_grad():
        z: np.ndarray = net(x[None])[0].numpy()
    return z


def saliency(net: nn.Module, x: Tensor, c: int) -> Saliency:
    """∂z_c/∂x, (28, 28): how the logit of class c changes if a pixel becomes brighter.

    Source: Simonyan, Vedaldi and Zisserman, Deep Inside Convolutional Networks (2014).
    """
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x[None])[0, c], x)
    return Saliency(gradient.numpy())


def contributions(net: nn.Sequential, x: Tensor, c: int) -> Contributions:
    """Split the logit of class c into the contributions of its inputs and the bias."""
    layers = linears(net)
    last = layers[-1]
    with torch.no_grad():
        h = net[:-1](x[None])[0]
        z = last(h[None])[0, c].item()
        values: np.ndarray = (h * last.weight[c]).numpy()
    weights = layers[0].weight.detach().numpy() if len(layers) == 2 else np.empty((0, 0), dtype=np.float32)
    return Contributions(values, last.bias[c].item(), z, weights)


def neighbours(net: nn.Sequential, X: Tensor, train: Split, k: int = 8) -> Generator[float, None, Neighbours]:
    """Find the k nearest training images of each image in X, (m, 28, 28) in [0, 1].

    Searches some training images at a time. Yields the share that is done, from 0 to 1.
    """
    parts, size = [], images_at_once(net)
    with torch.no_grad():
        own = net[:-1](X)
    for i in range(0, len(train.images), size):
        with torch.no_grad():
            there = net[:-1](pixels(train.images[i : i + size].cpu()))
            parts.append(torch.cdist(own, there, compute_mode="donot_use_mm_for_euclid_dist"))
        yield min(1.0, (i + size) / len(train.images))
    distances = torch.cat(parts, dim=1).nan_to_num(nan=float("inf"))
    nearest = distances.topk(min(k, distances.shape[1]), largest=False)
    return Neighbours(
        indices=nearest.indices.numpy(),
        labels=train.labels.cpu()[nearest.indices].numpy(),
        distances=nearest.values.numpy(),
        images=train.images[nearest.indices.to(train.images.device)].cpu().numpy(),
    )


def along_gradient(net: nn.Module, x: Tensor, furthest: float = 8.0, steps: int = 81) -> Path:
    """Move the image towards the second most probable class, and find where the prediction flips.

    Uses the gradient of the logits. The gradient of the loss would be 0 in float32 where the network is very sure.

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
    """The ε where the prediction flips, by bisection. At `low` it is still the first one, at `high` it isn't."""
    first = net(x[None]).argmax()
    for _ in range(20):
        middle = (low + high) / 2
        if net((x + middle * direction).clamp(0, 1)[None]).argmax() == first:
            low = middle
        else:
            high = middle
    return high
