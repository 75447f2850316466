"""Each step's loss, batch accuracy and gradient norms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class StepRecorder:
    """Keeps what a step left behind on its device, and brings it over once a slice.

    The columns are those of `mlpviz.snapshot.step_columns`: loss, accuracy, and the Euclidean norm of each parameter's
    `.grad`.
    """

    def __init__(self, net: nn.Module) -> None:
        self._parameters = list(net.parameters())
        self._losses: list[Tensor] = []
        self._logits: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._norms: list[Tensor] = []

    def record(self, logits: Tensor, loss: Tensor, labels: Tensor) -> None:
        """Take in the step just made: logits (m, 10), loss (), labels (m,), and the gradients that it left."""
        self._losses.append(loss.detach())
        self._logits.append(logits.detach())
        self._labels.append(labels)
        self._norms += torch._foreach_norm([p.grad for p in self._parameters if p.grad is not None])

    def flush(self) -> np.ndarray:
        """The rows since the last flush, (steps, columns) float32."""
        if not self._losses:
            return np.empty((0, 2 + len(self._parameters)), dtype=np.float32)
        sizes = [len(labels) for labels in self._labels]
        right = (torch.cat(self._logits).argmax(dim=1) == torch.cat(self._labels)).float()
        accuracies = torch.stack([part.mean() for part in right.split(sizes)])
        norms = torch.stack(self._norms).view(len(self._losses), -1)
        rows = torch.cat([torch.stack(self._losses)[:, None], accuracies[:, None], norms], dim=1)
        for kept in (self._losses, self._logits, self._labels, self._norms):
            kept.clear()
        return rows.cpu().numpy()
