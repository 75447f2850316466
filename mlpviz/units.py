"""Hidden units one by one: what excites them, and what is lost without them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mlpviz.explain import CHUNK
from mlpviz.trainer import pixels

WORK = 2e10  # multiplications that a look at the importance of all units may cost, on so many images …
FEWEST = 20  # … but on no fewer than these


def hidden_layers(net: nn.Sequential) -> list[int]:
    """Where in the network the activations of its hidden layers are."""
    return [i for i, layer in enumerate(net) if not isinstance(layer, nn.Flatten | nn.Linear)]


@torch.no_grad()
def activations(net: nn.Sequential, images: Tensor, layer: int) -> Tensor:
    """What each unit of hidden layer `layer`, from 0, answers to images (n, 28, 28) uint8: (n, units)."""
    upto = net[: hidden_layers(net)[layer] + 1]
    return torch.cat([upto(pixels(images[i : i + CHUNK])) for i in range(0, len(images), CHUNK)])


@torch.no_grad()
def logits_from(net: nn.Sequential, h: Tensor, layer: int) -> Tensor:
    """The logits, (n, 10), that follow from the activations (n, units) of a hidden layer."""
    z: Tensor = net[hidden_layers(net)[layer] + 1 :](h)
    return z


def without(h: Tensor, units: list[int]) -> Tensor:
    """The same activations with some units switched off: their output is 0."""
    h = h.clone()
    h[:, units] = 0
    return h


def importance(net: nn.Sequential, h: Tensor, labels: Tensor, layer: int) -> tuple[Tensor, int]:
    """The accuracy lost, on as many images as `WORK` allows, when each unit alone is switched off.

    Returns:
        (units,) from −1 to 1, negative where the network does better without; and over how many images.
    """
    rest = net[hidden_layers(net)[layer] + 1 :]
    if len(rest) == 1:  # what one unit adds to the logits can be taken away: no need to go through the layer again
        return _lost_at_the_end(rest[0], h, labels), len(h)
    each = sum(linear.weight.numel() for linear in rest if isinstance(linear, nn.Linear))
    n = max(min(len(h), FEWEST), min(len(h), int(WORK / (each * h.shape[1]))))
    h, labels = h[:n], labels[:n]
    with torch.no_grad():
        whole = (rest(h).argmax(dim=1) == labels).double().mean()
        lost = []
        for unit in range(h.shape[1]):
            kept = h[:, unit].clone()
            h[:, unit] = 0
            lost.append(whole - (rest(h).argmax(dim=1) == labels).double().mean())
            h[:, unit] = kept
    return torch.stack(lost), n


@torch.no_grad()
def _lost_at_the_end(last: nn.Module, h: Tensor, labels: Tensor) -> Tensor:
    assert isinstance(last, nn.Linear)
    z = last(h)
    whole = (z.argmax(dim=1) == labels).double().mean()
    lost = []
    for unit in range(h.shape[1]):
        there = z - h[:, unit, None] * last.weight[:, unit]
        lost.append(whole - (there.argmax(dim=1) == labels).double().mean())
    return torch.stack(lost)
