"""One image on its way through the network: what each unit adds to the next layer, and the error on its way back.

Everything is computed on the side, from copies of the numbers. The network and its `.grad` do not change.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.network import activations, linears
from mlpviz.snapshot import LayerPortrait, Portrait

STRONGEST = 8  # units shown of each hidden layer


def portrait(net: nn.Sequential, x: Tensor, label: int | None) -> Portrait:
    """How the network answers for one image, x (28, 28) in [0, 1].

    A unit's contribution to a unit of the next layer is its output times the weight between them. The strongest units
    of a layer are those whose contributions to all of the next layer have the largest sum of sizes. Without a label
    there is no error.
    """
    layers = linears(net)
    inputs, slopes, logits = _forward(net, x.reshape(-1))
    strengths = [_strengths(h, layer.weight) for h, layer in zip(inputs[1:], layers[1:], strict=True)]
    shown = [_largest(each) for each in strengths]
    ends = [*shown, torch.arange(len(logits), device=x.device)]
    deltas = _backward(layers, slopes, logits, label) if label is not None else None
    return Portrait(
        forward=tuple(_numpy(values) for values in _contributions(layers, inputs, ends)),
        backward=tuple(_numpy(values) for values in _returns(layers, slopes, deltas, ends)) if deltas else (),
        layers=tuple(
            LayerPortrait(
                units=_numpy(units),
                size=len(inputs[i + 1]),
                active=int((strengths[i] != 0).sum()),
                outputs=_numpy(inputs[i + 1][units]),
                errors=_numpy(deltas[i][units]) if deltas else None,
                pictures=_numpy(_slopes_of_pixels(layers[: i + 1], slopes, units).reshape(-1, 28, 28)),
                share=_share(strengths[i], units),
            )
            for i, units in enumerate(shown)
        ),
        class_pictures=_numpy(layers[0].weight.reshape(-1, 28, 28)) if not shown else None,
    )


def _numpy(values: Tensor) -> np.ndarray:
    """A copy, which does not change when the weights do."""
    copied: np.ndarray = values.detach().cpu().numpy().copy()
    return copied


@torch.no_grad()
def _forward(net: nn.Sequential, x: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """What goes into each linear layer, the slope of the activation at each hidden unit, and the logits."""
    layers, functions = linears(net), [net[i] for i in activations(net)]
    inputs, slopes = [x], []
    for layer, function in zip(layers, functions, strict=False):
        z = torch.mv(layer.weight, inputs[-1]) + layer.bias
        h, slope = _activated(function, z)
        inputs.append(h)
        slopes.append(slope)
    return inputs, slopes, torch.mv(layers[-1].weight, inputs[-1]) + layers[-1].bias


def _activated(function: nn.Module, z: Tensor) -> tuple[Tensor, Tensor]:
    """φ(z) and φ′(z)."""
    if isinstance(function, nn.ReLU):  # the slope is 0 or 1: no need to ask autograd
        return z.relu(), (z > 0).to(z.dtype)
    with torch.enable_grad():
        z = z.requires_grad_()
        h = function(z)
        (slope,) = torch.autograd.grad(h.sum(), z)
    return h.detach(), slope


@torch.no_grad()
def _backward(layers: Sequence[nn.Linear], slopes: Sequence[Tensor], logits: Tensor, label: int) -> list[Tensor]:
    """δ of each layer: the gradient of this image's cross-entropy with respect to what goes into its activation."""
    delta = logits.softmax(dim=0)
    delta[label] -= 1
    deltas = [delta]
    for layer, slope in zip(layers[:0:-1], slopes[::-1], strict=True):
        deltas.insert(0, torch.mv(layer.weight.T, deltas[0]) * slope)
    return deltas


@torch.no_grad()
def _strengths(h: Tensor, weight: Tensor) -> Tensor:
    """For each unit: the sum of the sizes of its contributions to the next layer."""
    strengths: Tensor = h.abs() * weight.abs().sum(dim=0)
    return strengths


def _largest(strengths: Tensor) -> Tensor:
    known = strengths.nan_to_num(nan=-1.0)  # a unit that is not a number comes last
    largest: Tensor = known.topk(min(STRONGEST, len(known))).indices.sort().values
    return largest


def _share(strengths: Tensor, units: Tensor) -> float:
    total = float(strengths.sum())
    return float(strengths[units].sum()) / total if total else 0.0


@torch.no_grad()
def _contributions(layers: Sequence[nn.Linear], inputs: Sequence[Tensor], ends: Sequence[Tensor]) -> list[Tensor]:
    """Of the whole image to each shown unit of the first layer, (units, 1); then from shown units to shown units."""
    first = torch.mv(layers[0].weight[ends[0]], inputs[0])[:, None]
    return [first] + [layers[i].weight[ends[i]][:, ends[i - 1]] * inputs[i][ends[i - 1]] for i in range(1, len(layers))]


@torch.no_grad()
def _returns(
    layers: Sequence[nn.Linear], slopes: Sequence[Tensor], deltas: Sequence[Tensor], ends: Sequence[Tensor]
) -> list[Tensor]:
    """The same on the way back: what each unit adds to the δ of a unit before it. The first layer keeps its own δ: with
    it, and with the image, its weights change."""
    first = deltas[0][ends[0]][:, None]
    return [first] + [
        deltas[i][ends[i], None] * layers[i].weight[ends[i]][:, ends[i - 1]] * slopes[i - 1][ends[i - 1]]
        for i in range(1, len(layers))
    ]


@torch.no_grad()
def _slopes_of_pixels(layers: Sequence[nn.Linear], slopes: Sequence[Tensor], units: Tensor) -> Tensor:
    """∂z/∂x of some units of the last of these layers, (units, 784). In the first layer, these are its weights."""
    rows = layers[-1].weight[units]
    for layer, slope in zip(layers[-2::-1], slopes[len(layers) - 2 :: -1], strict=False):
        rows = (rows * slope) @ layer.weight
    return rows
