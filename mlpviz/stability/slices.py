"""The loss around the present weights: along the gradient, and over a plane."""

from __future__ import annotations

import copy
from collections.abc import Generator

import torch
from torch import Tensor, nn

from mlpviz.answers import AlongGradient, Plane
from mlpviz.stability.sharpness import PROBE_IMAGES, flat, hessian_vector_product
from mlpviz.trainer import Trainer, pixels

MOST_IMAGES = 1024  # of a mini-batch
POINTS = 41  # along the gradient
REACH = 4.0  # times the learning rate
SIDE = 25  # points of the plane's side
SPAN = 1.0  # in lengths of each unit's weights


class NextStep:
    """A copy, on the CPU, of what the trainer's next update needs; of a large mini-batch only its first images."""

    def __init__(self, trainer: Trainer) -> None:
        X, y = trainer.next_batch()
        self.step, self.rate, self.batch = trainer.step, trainer.settings.learning_rate, len(X)
        self.X, self.y = X[:MOST_IMAGES].cpu(), y[:MOST_IMAGES].cpu()
        self.net = copy.deepcopy(trainer.net).cpu()
        self.loss_fn = trainer.loss_fn


def along_gradient(look: NextStep) -> Generator[float, None, AlongGradient]:
    """L(θ − αg) on those images, for α from 0 to four times the learning rate, with its second-order Taylor polynomial
    L − α‖g‖² + ½α²·gᵀHg. Yields the share that is done, from 0 to 1."""
    net, X, y, rate = look.net, look.X, look.y, look.rate
    loss = look.loss_fn(net(X), y)
    gradient = flat(torch.autograd.grad(loss, list(net.parameters())))
    slope = float(gradient @ gradient)
    yield 0.0
    curvature = float(gradient @ hessian_vector_product(net, X, y)(gradient))
    yield 0.0
    alphas = torch.linspace(0, REACH * (rate or 0.1), POINTS, dtype=torch.float64)
    origin = flat([p.detach() for p in net.parameters()])
    losses = []
    for alpha in alphas:
        losses.append(_loss(net, origin - float(alpha) * gradient, X, y))
        yield len(losses) / POINTS
    after = _loss(net, origin - rate * gradient, X, y)
    return AlongGradient(
        step=look.step,
        rate=rate,
        images=len(X),
        batch=look.batch,
        alphas=alphas.numpy(),
        losses=torch.tensor(losses, dtype=torch.float64).numpy(),
        quadratic=(loss.item() - alphas * slope + alphas**2 * curvature / 2).numpy(),
        slope=slope,
        curvature=curvature,
        after=after,
    )


def plane(net: nn.Sequential, X: Tensor, y: Tensor, seed: int = 0) -> Generator[float, None, Plane]:
    """The loss on images (n, 28, 28) over a plane through the network's weights. Its two random directions are
    filter-normalised (Li et al. 2018): each unit's weights move by their own length, biases don't move. Yields the
    share that is done, from 0 to 1."""
    generator = torch.Generator().manual_seed(seed)
    origin = [p.detach().clone() for p in net.parameters()]
    first, second = (_direction(origin, generator) for _ in range(2))
    offsets = torch.linspace(-SPAN, SPAN, SIDE, dtype=torch.float64)
    losses = torch.empty(SIDE, SIDE, dtype=torch.float64)
    working = copy.deepcopy(net)
    for i, b in enumerate(offsets.tolist()):
        for j, a in enumerate(offsets.tolist()):
            with torch.no_grad():
                for p, o, u, v in zip(working.parameters(), origin, first, second, strict=True):
                    p.copy_(o + a * u + b * v)
                losses[i, j] = nn.functional.cross_entropy(working(X), y)
            yield (i * SIDE + j + 1) / SIDE**2
    return Plane(offsets=offsets.numpy(), losses=losses.numpy())


def probe(trainer: Trainer) -> tuple[Tensor, Tensor]:
    """The first 512 training images as pixels, and their labels, on the CPU."""
    count = min(PROBE_IMAGES, trainer.train_size)
    images, labels = trainer.dataset.train.images[:count], trainer.dataset.train.labels[:count]
    return pixels(images.cpu()), labels.cpu()


def _direction(origin: list[Tensor], generator: torch.Generator) -> list[Tensor]:
    """A Gaussian direction. Each row for a weight matrix is scaled to the length of the network's own row; biases get
    zeros."""
    parts = []
    for parameter in origin:
        direction = torch.randn(parameter.shape, generator=generator).to(parameter.device)
        if parameter.ndim == 1:
            parts.append(torch.zeros_like(parameter))
        else:
            lengths = torch.linalg.vector_norm(parameter, dim=1, keepdim=True)
            parts.append(direction / torch.linalg.vector_norm(direction, dim=1, keepdim=True) * lengths)
    return parts


def _loss(net: nn.Module, weights: Tensor, X: Tensor, y: Tensor) -> float:
    """The mean cross-entropy with the network's parameters set to `weights`, (parameters,)."""
    with torch.no_grad():
        nn.utils.vector_to_parameters(weights, net.parameters())
        return nn.functional.cross_entropy(net(X), y).item()
