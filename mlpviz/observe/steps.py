"""Each step's loss, batch accuracy and gradient norms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.snapshot import step_columns

# Fetching from a device waits for the device, so many steps are fetched together. Their logits take memory until then.
MOST_STEPS = 64
MOST_IMAGES = 50_000


class StepRecorder:
    """Keeps the records of steps on their device, and fetches many steps at a time.

    Gradient norms are Euclidean, in float32. The square of a norm above 1.8·10¹⁹ overflows, so the norm is recorded as
    infinite.

    Attributes:
        columns: the names of what is recorded, from `mlpviz.snapshot.step_columns`.
    """

    def __init__(self, net: nn.Module) -> None:
        self._parameters = list(net.parameters())
        self.columns = step_columns(len(self._parameters) // 2)  # each layer has a weight and a bias
        self._losses: list[Tensor] = []
        self._logits: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._squares: list[Tensor] = []

    def record(self, logits: Tensor, loss: Tensor, labels: Tensor) -> None:
        """Take in the latest step: logits (m, 10), loss (), labels (m,), and the gradients in `.grad`."""
        self._losses.append(loss.detach())
        self._logits.append(logits.detach())
        self._labels.append(labels)
        for parameter in self._parameters:
            assert parameter.grad is not None
            gradient = parameter.grad.view(-1)
            self._squares.append(torch.dot(gradient, gradient))  # takes half the time of a norm

    def full(self) -> bool:
        """Whether it is time to flush, so that the logits don't take too much memory."""
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
        """The share of correct answers in each mini-batch, (steps, 1)."""
        right = (torch.cat(self._logits).argmax(dim=1) == torch.cat(self._labels)).float()
        sizes = [len(labels) for labels in self._labels]
        if len(set(sizes)) == 1:  # nearly always: only the last mini-batch of an epoch may be smaller
            return right.view(-1, sizes[0]).mean(dim=1, keepdim=True)
        return torch.stack([part.mean() for part in right.split(sizes)])[:, None]
