"""Repeats updates from a checkpoint, bit for bit, and measures each in detail. So the run itself need not do so."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.datasets import Dataset
from mlpviz.diagnosis import GUESSES
from mlpviz.network import linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.observe.updates import norm, update_ratios
from mlpviz.settings import Settings
from mlpviz.trainer import Checkpoint, Trainer

SMOOTH_IMAGES = 640  # to judge whether the run was healthy, the loss is averaged over about this many images,
FEWEST, MOST = 5, 50  # but over no fewer and no more mini-batches than this
NEAR = 1.25  # a mean loss up to this many times the lowest one is healthy
WELL = 0.3  # so is a layer of which less than this share has lost its slope on the mini-batch since the first update


class Replay:
    """Repeats a run from a checkpoint on, with a separate trainer.

    Args:
        changes: the changes of settings while the run trained, each with its step, in order.

    Attributes:
        rows: one for each update so far, with `mlpviz.diagnosis.post_mortem_columns`.
        first_bad: the first tensor that was not finite: kind, layer, update.
        before: the latest checkpoint at which the run was healthy.
    """

    def __init__(self, dataset: Dataset, checkpoint: Checkpoint, changes: Sequence[tuple[int, Settings]] = ()) -> None:
        self.trainer = Trainer(checkpoint.settings, dataset)
        self.trainer.restore(checkpoint)
        self._changes = [change for change in changes if change[0] >= checkpoint.step]
        self._linears = linears(self.trainer.net)
        self._outputs: list[Tensor] = []
        for linear in self._linears:
            linear.register_forward_hook(self._keep)
        self.start = checkpoint.step
        self.rows: list[list[float]] = []
        self.first_bad: tuple[str, int, int] | None = None
        self.before = checkpoint
        self._lowest = float("inf")

    def forward(self) -> None:
        """Make the next update without measuring it."""
        self._take_up_changes()
        self.trainer.train_one()
        self._outputs.clear()
        self.before = self.trainer.checkpoint()

    def advance(self) -> None:
        """Make the next update and measure it in detail."""
        self._take_up_changes()
        trainer = self.trainer
        X, y = trainer.next_batch()
        dead = dead_shares(trainer.net, X)
        here = trainer.checkpoint()
        self._outputs.clear()
        with update_ratios(trainer.net) as ratios:
            _, loss, _ = trainer.train_one()
        outputs = list(self._outputs)
        with torch.no_grad():
            after = trainer.loss_fn(trainer.net(X), y)
        gradients = [linear.weight.grad for linear in self._linears if linear.weight.grad is not None]
        self.rows.append(
            [
                loss.item(),
                after.item(),
                *(norm(gradient) for gradient in gradients),
                *ratios,
                *(largest(linear.weight.detach()) for linear in self._linears),
                *(largest(output) for output in outputs),
                *dead,
            ]
        )
        self._look_for_bad(outputs, loss)
        self._judge(here, dead)

    def _take_up_changes(self) -> None:
        while self._changes and self._changes[0][0] <= self.trainer.step:
            self.trainer.change(self._changes.pop(0)[1])

    def table(self) -> np.ndarray:
        """The rows so far, (updates, columns) float32."""
        with np.errstate(over="ignore"):  # a norm may be too large for float32
            return np.array(self.rows, dtype=np.float64).astype(np.float32)

    def _keep(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._outputs.append(output.detach())

    def _look_for_bad(self, outputs: list[Tensor], loss: Tensor) -> None:
        """Find the first tensor that is not finite, in the order in which the five lines compute them: activations,
        logits, loss, gradients from the last layer back, weights."""
        if self.first_bad is not None:
            return
        layers = range(1, len(outputs) + 1)
        made = [("activations" if i < len(outputs) else "logits", i, outputs[i - 1]) for i in layers]
        made.append(("loss", len(outputs), loss.detach()))
        for kind in ("gradient", "weights"):
            order = reversed(layers) if kind == "gradient" else layers
            for i in order:
                tensor = self._linears[i - 1].weight.grad if kind == "gradient" else self._linears[i - 1].weight
                assert tensor is not None
                made.append((kind, i, tensor.detach()))
        bad = next(((kind, i) for kind, i, tensor in made if not tensor.isfinite().all()), None)
        if bad is not None:
            self.first_bad = (*bad, self.trainer.step)

    def _judge(self, here: Checkpoint, dead: list[float]) -> None:
        """Keep `here`, the checkpoint before this update, if the run was healthy: its units alive, and the loss near
        its lowest and, if it ever was, better than guessing."""
        losses = [row[0] for row in self.rows[-smoothing(self.trainer.settings) :]]
        mean = sum(losses) / len(losses)
        began = self.rows[0][-len(dead) :] if dead else []
        well = all(now - then < WELL for now, then in zip(dead, began, strict=True))
        self._lowest = min(self._lowest, mean) if math.isfinite(mean) else self._lowest
        guesses = mean > GUESSES >= self._lowest
        if well and not guesses and mean <= NEAR * self._lowest:
            self.before = here


def smoothing(settings: Settings) -> int:
    """The number of mini-batches over which the loss is averaged, before it is called usual or low."""
    return min(max(FEWEST, SMOOTH_IMAGES // settings.batch_size), MOST)


def largest(values: Tensor) -> float:
    """The largest magnitude; NaN if any value is NaN."""
    return values.abs().amax().item()
