"""Is `.grad` right? One weight's derivative by autograd, and by nudging the weight."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.line_by_line.walk import Walk, parameter_names

NUDGES = 10.0 ** -np.arange(0, 12.5, 0.5)


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """Autograd's derivative of the loss against central differences, (L(θ + h) − L(θ − h)) / 2h.

    Attributes:
        gradient: autograd's, in float32.
        gradient_float64: autograd's, in float64.
        nudges: (n,) the values of h.
        differences: {"float32" and "float64": (n,)}, in the arithmetic of that name.
        images: how many images the loss is over.
    """

    gradient: float
    gradient_float64: float
    nudges: np.ndarray
    differences: dict[str, np.ndarray]
    images: int

    def errors(self, arithmetic: str) -> np.ndarray:
        """|difference − g| / |g| against float64's g, (n,); against 1 where g is 0."""
        size = abs(self.gradient_float64) or 1.0
        return np.abs(self.differences[arithmetic] - self.gradient_float64) / size


def gradient_check(walk: Walk, name: str, place: tuple[int, ...]) -> GradientCheck:
    """Check the gradient of the parameter called `name` ("W1", "b2", …) at `place`, on the walk's mini-batch and the
    weights before its update. In float32, as the network trains, and in float64, where the rounding starts later."""
    differences, gradients = {}, {}
    for arithmetic, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        net, X = copy.deepcopy(walk.net).to(dtype), walk.X.to(dtype)
        parameter = list(net.parameters())[parameter_names(net).index(name)]
        (gradient,) = torch.autograd.grad(_loss(net, X, walk.y), parameter)
        gradients[arithmetic] = gradient[place].item()
        differences[arithmetic] = _differences(net, X, walk.y, parameter, place)
    return GradientCheck(gradients["float32"], gradients["float64"], NUDGES, differences, len(walk.y))


@torch.no_grad()
def _differences(net: nn.Module, X: Tensor, y: Tensor, parameter: Tensor, place: tuple[int, ...]) -> np.ndarray:
    original = parameter[place].item()
    found = []
    for nudge in NUDGES:
        losses = []
        for sign in (1, -1):
            parameter[place] = original + sign * nudge
            losses.append(_loss(net, X, y).item())
        found.append((losses[0] - losses[1]) / (2 * nudge))
    return np.array(found)


def _loss(net: nn.Module, X: Tensor, y: Tensor) -> Tensor:
    loss: Tensor = nn.functional.cross_entropy(net(X), y)
    return loss
