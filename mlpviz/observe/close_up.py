"""What each of the five lines does in one step, measured around the step: the step itself stays whole."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import Tensor

from mlpviz.network import linears
from mlpviz.observe.updates import norm, update_ratios
from mlpviz.snapshot import CloseUp
from mlpviz.trainer import Trainer

SHOWN = 3  # images of the mini-batch


class CloserLook:
    """Make it just before a step, and call `close_up` just after it.

    Args:
        loss_before: the loss of the step before, if there was one.
    """

    def __init__(self, trainer: Trainer, loss_before: Tensor | None) -> None:
        self._trainer = trainer
        self._loss_before = loss_before
        self._images = trainer.next_batch()[0][:SHOWN]
        self._old_gradients = self._gradient_norms()
        self._around = ExitStack()
        self._ratios = self._around.enter_context(update_ratios(trainer.net))

    def close_up(self, logits: Tensor, loss: Tensor, labels: Tensor) -> CloseUp:
        """What the step did. Its logits are (m, 10), its labels (m,)."""
        self._around.close()
        answers, probabilities = logits.detach().argmax(dim=1), logits.detach()[:SHOWN].softmax(dim=1)
        return CloseUp(
            step=self._trainer.step,
            images=(self._images * 255).round().to(torch.uint8).cpu().numpy(),
            labels=tuple(labels[:SHOWN].tolist()),
            answers=tuple(answers[:SHOWN].tolist()),
            confidences=tuple(probabilities.max(dim=1).values.tolist()),
            batch=len(labels),
            right=int((answers == labels).sum()),
            loss_before=None if self._loss_before is None else self._loss_before.item(),
            loss=loss.item(),
            old_gradients=self._old_gradients,
            gradients=self._gradient_norms(),
            updates=tuple(self._ratios),
        )

    def _gradient_norms(self) -> tuple[float, ...]:
        gradients = [linear.weight.grad for linear in linears(self._trainer.net)]
        return tuple(norm(gradient) for gradient in gradients if gradient is not None)
