"""The first layer's weights, shown as images."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from mlpviz.keeping import Keeps
from mlpviz.network import linears

TILES = 24


class FirstLayer(Keeps):
    """Chooses the units with the largest weights. A unit keeps its place as long as it is chosen."""

    KEPT = ("_units",)

    def __init__(self) -> None:
        self._units: list[int] = []

    def choose(self, net: nn.Sequential) -> None:
        """Choose the units again, up to 24."""
        norms = torch.linalg.vector_norm(linears(net)[0].weight.detach(), dim=1).nan_to_num(nan=-1.0)
        strongest = norms.topk(min(TILES, len(norms))).indices.tolist()
        if not self._units:
            self._units = sorted(strongest)
        newcomers = iter([unit for unit in strongest if unit not in self._units])
        self._units = [unit if unit in strongest else next(newcomers) for unit in self._units]

    def images(self, net: nn.Sequential) -> tuple[np.ndarray, np.ndarray]:
        """The chosen units, (tiles,) int64, and their incoming weights now, (tiles, 28, 28) float32."""
        weight = linears(net)[0].weight.detach()
        units = torch.tensor(self._units, device=weight.device, dtype=torch.int64)
        return np.array(self._units), weight.index_select(0, units).reshape(-1, 28, 28).cpu().numpy()
