"""Which hidden units have stopped learning."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mlpviz.network import is_activation

#: If the slope of a unit's activation is below this on every image, almost no gradient passes through the unit.
DEAD_SLOPE = 1e-3


def dead_shares(net: nn.Sequential, X: Tensor) -> list[float]:
    """For each hidden layer, the share of its units that are dead on all of `X`, (n, 28, 28): 0 to 1.

    A unit is dead if the slope of its activation is below 10⁻³ on every image. For ReLU this means that its output is
    always 0; for tanh and sigmoid, that it is saturated. NaN if the layer's values are not finite.
    """
    shares = []
    for layer in net:
        if is_activation(layer):
            shares.append(_dead_share(layer, X))
        with torch.no_grad():
            X = layer(X)
    return shares


def _dead_share(activation: nn.Module, z: Tensor) -> float:
    if not z.isfinite().all():
        return float("nan")
    if isinstance(activation, nn.ReLU):  # the slope is 0 or 1: no need to ask autograd
        return (z.amax(dim=0) <= 0).float().mean().item()
    z = z.detach().requires_grad_()
    (slope,) = torch.autograd.grad(activation(z).sum(), z)
    return (slope.abs().amax(dim=0) < DEAD_SLOPE).float().mean().item()
