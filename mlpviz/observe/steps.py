"""Each step's loss, batch accuracy and gradient norms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.snapshot import step_columns

# Fetching from a device waits for it, so many steps are fetched at once; but their logits take memory until then.
MOST_STEPS = 64
MOST_IMAGES = 50_000


class StepRecorder:
    """Keeps what steps left behind on their device, and brings it over many steps at a time.

    Gradient norms are Euclidean, in float32: a norm beyond 1.8·10¹⁹, whose square overflows, is recorded as infinite.

    Attributes:
        columns: the names of what is recorded, as `mlpviz.snapshot.step_columns` has them.
    """

    def __init__(self, net: nn.Module) -> None:
        self._parameters = list(net.parameters())
        self.columns = step_columns(len(self._parameters) // 2)  # each layer has a weight and a bias
        self._losses: list[Tensor] = []
        self._logits: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._squares: list[Tensor] = []

    def record(self, logits: Tensor, loss: Tensor, labels: Tensor) -> None:
        """Take in the step just made: logits (m, 10), loss (), labels (m,), and the gradients that it left."""
        self._losses.append(loss.detach())
        self._logits.append(logits.detach())
        self._labels.append(labels)
        for parameter in self._parameters:
            assert parameter.grad is not None
            gradient = parameter.grad.view(-1)
            self._squares.append(torch.dot(gradient, gradient))  # half the price of a norm

    def full(self) -> bool:
        """Whether it is time to flush, so that the kept logits don't take up too much memory."""
        return len(self._losses) >= MOST_STEPS or sum(map(len, self._labels)) >= MOST_IMAGES

    def flush(self) -> np.ndarray:
        """The rows since the last flush, (steps, columns) float32."""
        if not self._losses:
            return np.empty((0, len(self.columns)), dtype=np.float32)
        losses = torch.stack(self._losses)[:, None]
        norms = torch.stack(self._squares).sqrt_().view(len(losses), -1)
        rows = torch.cat([losses, self._accuracies(), norms], dim=1).cpu().numpy()
        for pending in (self._losses, self._logits, self._labels, self._squares):
            pending.clear()
        return rows

    def _accuracies(self) -> Tensor:
        """The share of right answers in each mini-batch, (steps, 1)."""
        right = (torch.cat(self._logits).argmax(dim=1) == torch.cat(self._labels)).float()
        sizes = [len(labels) for labels in self._labels]
        if len(set(sizes)) == 1:  # as nearly always: only an epoch's last mini-batch may be smaller
            return right.view(-1, sizes[0]).mean(dim=1, keepdim=True)
        return torch.stack([part.mean() for part in right.split(sizes)])[:, None]
