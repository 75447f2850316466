"""How the values of a tensor are distributed."""

from __future__ import annotations

import torch
from torch import Tensor

from mlpviz.snapshot import Histogram

BINS = 60


def histogram(values: Tensor, bins: int = BINS) -> Histogram:
    """The histogram of all finite values, from the smallest to the largest. As in NumPy, every bin except the last is
    half-open."""
    values = values.detach().flatten()
    if values.device.type == "mps":  # it lacks some of the functions below
        values = values.cpu()
    low, high = (bound.item() for bound in torch.aminmax(values)) if len(values) else (0.0, 0.0)
    total = len(values)
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        values = values[values.isfinite()]
        low, high = (bound.item() for bound in torch.aminmax(values)) if len(values) else (0.0, 0.0)
    if low == high:  # NumPy's rule for a single value; wider if the value is so large that ½ changes nothing
        low, high = low - max(0.5, abs(low) / 2), high + max(0.5, abs(high) / 2)
    # int16: it makes the counting twice as fast
    places = values.sub(low).mul_(bins / (high - low)).clamp_(0, bins - 1).to(torch.int16)
    counts = torch.bincount(places, minlength=bins)
    return Histogram(low, high, counts.cpu().numpy(), total - len(values))
