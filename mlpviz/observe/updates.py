"""How far one step moves the weights, relative to their size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mlpviz.network import linears


@contextmanager
def update_ratios(net: nn.Sequential) -> Iterator[list[float]]:
    """Use it around one step. Afterwards the list holds ‖ΔW‖ / ‖W‖ of each layer; W is from before the step.

    Works for any optimizer, because it compares the weights themselves. NaN for weights that are all zero.
    """
    weights = [linear.weight.detach() for linear in linears(net)]
    before = [weight.clone() for weight in weights]
    ratios: list[float] = []
    yield ratios
    for old, new in zip(before, weights, strict=True):
        size = norm(old)
        ratios.append(norm(new - old) / size if size > 0 else float("nan"))


def norm(values: Tensor) -> float:
    """The Euclidean norm, summed in float64: in float32, the squares of values above about 10¹⁹ overflow."""
    if values.device.type == "mps":  # it has no float64
        values = values.cpu()
    return float(torch.linalg.vector_norm(values, dtype=torch.float64))
