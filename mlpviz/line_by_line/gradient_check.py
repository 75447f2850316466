"""Is `.grad` right? The derivative of one weight by autograd, and by changing the weight a little."""

from __future__ import annotations

import copy
from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.answers import GradientCheck
from mlpviz.line_by_line.walk import WalkedStep, parameter_names

NUDGES = 10.0 ** -np.arange(0, 12.5, 0.5)


def gradient_check(walked: WalkedStep, name: str, place: tuple[int, ...]) -> Generator[float, None, GradientCheck]:
    """Check the gradient of the parameter called `name` ("W1", "b2", …) at `place`, on the walk's mini-batch and with
    the weights before its update: in float32, as the network trains, and in float64, which rounds less. Yields how much
    is done, from 0 to 1."""
    differences, gradients = {}, {}
    for arithmetic, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        net, X = copy.deepcopy(walked.net).to(dtype), walked.X.to(dtype)
        parameter = list(net.parameters())[parameter_names(net).index(name)]
        (gradient,) = torch.autograd.grad(_loss(net, X, walked.y), parameter)
        gradients[arithmetic] = gradient[place].item()
        yield len(gradients) / 2 - 0.5
        quotients = []
        for nudge in NUDGES:
            quotients.append(_difference(net, X, walked.y, parameter, place, float(nudge)))
            yield len(gradients) / 2 - 0.5 + len(quotients) / len(NUDGES) / 2
        differences[arithmetic] = np.array(quotients)
    entry = float(walked.update(name).gradient[place])
    return GradientCheck(entry, gradients["float32"], gradients["float64"], NUDGES, differences, len(walked.y))


@torch.no_grad()
def _difference(net: nn.Module, X: Tensor, y: Tensor, parameter: Tensor, place: tuple[int, ...], nudge: float) -> float:
    """The central difference of the loss. The parameter is restored afterwards."""
    original = parameter[place].item()
    losses = []
    for sign in (1, -1):
        parameter[place] = original + sign * nudge
        losses.append(_loss(net, X, y).item())
    parameter[place] = original
    return (losses[0] - losses[1]) / (2 * nudge)


def _loss(net: nn.Module, X: Tensor, y: Tensor) -> Tensor:
    loss: Tensor = nn.functional.cross_entropy(net(X), y)
    return loss
