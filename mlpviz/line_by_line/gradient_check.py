"""Is `.grad` right? One weight's derivative by autograd, and by nudging the weight."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.answers import GradientCheck
from mlpviz.line_by_line.walk import WalkedStep, parameter_names

NUDGES = 10.0 ** -np.arange(0, 12.5, 0.5)


def gradient_check(walked: WalkedStep, name: str, place: tuple[int, ...]) -> GradientCheck:
    """Check the gradient of the parameter called `name` ("W1", "b2", …) at `place`, on the walk's mini-batch and the
    weights before its update. In float32, as the network trains, and in float64, where the rounding starts later."""
    differences, gradients = {}, {}
    for arithmetic, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        net, X = copy.deepcopy(walked.net).to(dtype), walked.X.to(dtype)
        parameter = list(net.parameters())[parameter_names(net).index(name)]
        (gradient,) = torch.autograd.grad(_loss(net, X, walked.y), parameter)
        gradients[arithmetic] = gradient[place].item()
        differences[arithmetic] = _differences(net, X, walked.y, parameter, place)
    entry = float(walked.update(name).gradient[place])
    return GradientCheck(entry, gradients["float32"], gradients["float64"], NUDGES, differences, len(walked.y))


@torch.no_grad()
def _differences(net: nn.Module, X: Tensor, y: Tensor, parameter: Tensor, place: tuple[int, ...]) -> np.ndarray:
    original = parameter[place].item()
    quotients = []
    for nudge in NUDGES:
        losses = []
        for sign in (1, -1):
            parameter[place] = original + sign * nudge
            losses.append(_loss(net, X, y).item())
        quotients.append((losses[0] - losses[1]) / (2 * nudge))
    return np.array(quotients)


def _loss(net: nn.Module, X: Tensor, y: Tensor) -> Tensor:
    loss: Tensor = nn.functional.cross_entropy(net(X), y)
    return loss
