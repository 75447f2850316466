"""Hidden units one by one: what activates them, and how much accuracy is lost without them."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor, nn

from mlpviz.answers import UnitLook, UnitTable
from mlpviz.datasets import Split
from mlpviz.images.explain import images_at_once
from mlpviz.network import activations, linears
from mlpviz.settings import CLASSES
from mlpviz.trainer import pixels

WORK = 2e10  # multiplications for the importance of all units: about a second
FEWEST = 20  # importance uses at least this many images, even if a large network then takes longer
STRONGEST = 8  # images shown for a unit


def unit_table(
    net: nn.Sequential, h: Tensor, labels: Tensor, layer: int, step: int
) -> Generator[float, None, UnitTable]:
    """The table of all units of hidden layer `layer`, counted from 0. Their activations are h, (n, units).

    Yields the share that is done, from 0 to 1.
    """
    lost, count = yield from importance(net, h, labels, layer)
    weight = linears(net)[layer].weight.detach()
    means = torch.stack([h[labels == c].mean(dim=0) for c in range(CLASSES)])
    alike = ~means.isfinite().all(dim=0) | (means == means[0]).all(dim=0)
    return UnitTable(
        step=step,
        importance=lost.numpy(),
        images=count,
        norms=weight.norm(dim=1).numpy(),
        favourites=means.nan_to_num().argmax(dim=0).where(~alike, -1).numpy(),
        dead=(h == 0).all(dim=0).numpy(),
        weights=weight.reshape(-1, 28, 28).numpy() if layer == 0 else None,
    )


def unit_look(
    net: nn.Sequential, h: Tensor, test: Split, layer: int, unit: int, step: int
) -> Generator[float, None, UnitLook]:
    """One unit of hidden layer `layer`, both counted from 0. The layer's activations are h, (n, units).

    Yields the share that is done, from 0 to 1.
    """
    predicted = yield from predictions_from(net, h, layer)
    without_it = yield from predictions_from(net, without(h, [unit]), layer)
    values = h[:, unit]
    strongest = values.nan_to_num(nan=-1.0).topk(min(STRONGEST, len(values))).indices
    return UnitLook(
        step=step,
        unit=unit,
        answers=values.numpy(),
        labels=test.labels.cpu().numpy(),
        strongest=strongest.numpy(),
        images=test.images[strongest.to(test.images.device)].cpu().numpy(),
        weights=linears(net)[0].weight.detach()[unit].reshape(28, 28).numpy() if layer == 0 else None,
        predicted=predicted.numpy(),
        without=without_it.numpy(),
    )


def answers_of_layer(net: nn.Sequential, images: Tensor, layer: int) -> Generator[float, None, Tensor]:
    """The activations, (n, units), of hidden layer `layer`, counted from 0, for images (n, 28, 28) uint8."""
    upto = net[: activations(net)[layer] + 1]
    parts, size = [], images_at_once(net)
    for i in range(0, len(images), size):
        with torch.no_grad():
            parts.append(upto(pixels(images[i : i + size].cpu())))
        yield 0.0
    return torch.cat(parts)


def predictions_from(net: nn.Sequential, h: Tensor, layer: int) -> Generator[float, None, Tensor]:
    """The predicted classes, (n,), computed from the activations (n, units) of a hidden layer."""
    parts = []
    for some in h.split(images_at_once(net)):
        parts.append(logits_from(net, some, layer).argmax(dim=1))
        yield 0.0
    return torch.cat(parts)


@torch.no_grad()
def logits_from(net: nn.Sequential, h: Tensor, layer: int) -> Tensor:
    """The logits, (n, 10), computed from the activations (n, units) of a hidden layer."""
    z: Tensor = net[activations(net)[layer] + 1 :](h)
    return z


def without(h: Tensor, units: list[int]) -> Tensor:
    """A copy of the activations with some units switched off: their output is 0."""
    h = h.clone()
    h[:, units] = 0
    return h


def importance(net: nn.Sequential, h: Tensor, labels: Tensor, layer: int) -> Generator[float, None, tuple[Tensor, int]]:
    """For each unit: the accuracy that is lost when only this unit is switched off.

    Uses as many images as `WORK` allows. Yields the share that is done, from 0 to 1.

    Returns:
        (units,) from −1 to 1, negative where the network is better without the unit; and how many images were used.
    """
    rest, after = net[activations(net)[layer] + 1 :], linears(net)[layer + 1]
    units = h.shape[1]
    at_the_end = len(rest) == 1  # cheap on all images: subtract from the logits what the unit added
    if not at_the_end:
        each = sum(linear.weight.numel() for linear in rest if isinstance(linear, nn.Linear))
        n = max(min(len(h), FEWEST), min(len(h), int(WORK / (each * units))))
        h, labels = h[:n], labels[:n]
    with torch.no_grad():
        z = rest(h)
        whole = _accuracy(z, labels)
    lost = []
    for unit in range(units):
        with torch.no_grad():
            there = z - h[:, unit, None] * after.weight[:, unit] if at_the_end else rest(without(h, [unit]))
            lost.append(whole - _accuracy(there, labels))
        yield (unit + 1) / units
    return torch.stack(lost), len(h)


def _accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(dim=1) == labels).double().mean()
