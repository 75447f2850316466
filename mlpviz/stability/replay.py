"""Making updates once more, from a checkpoint, and looking at each in full: the same bits, at no price before."""

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

SMOOTH_IMAGES = 640  # to judge where all was well, a mean is taken over so many images,
FEWEST, MOST = 5, 50  # and over so many mini-batches
NEAR = 1.25  # times the lowest such mean
WELL = 0.3  # share of units without a slope on the mini-batch, beyond those that began so, up to which all is well


class Replay:
    """A trainer of its own that repeats a run from a checkpoint on.

    Args:
        changes: the settings that the run took up while it trained, each with the step, in order.

    Attributes:
        rows: of each update so far, as in `mlpviz.diagnosis.post_mortem_columns`.
        first_bad: the first tensor that was not finite: what, layer, update.
        before: the latest checkpoint at which all was well.
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
        """Make the next update without a look at it."""
        self._take_up_changes()
        self.trainer.train_one()
        self._outputs.clear()
        self.before = self.trainer.checkpoint()

    def advance(self) -> None:
        """Make the next update, and look at it in full."""
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
        with np.errstate(over="ignore"):  # a norm may be larger than float32 can say
            return np.array(self.rows, dtype=np.float64).astype(np.float32)

    def _keep(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._outputs.append(output.detach())

    def _look_for_bad(self, outputs: list[Tensor], loss: Tensor) -> None:
        """In the order in which the five lines make them: activations, logits, loss, gradients from the last layer
        back, weights."""
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
        """Keep `here`, from before the update just made, if all was well there: the units alive, and the loss near its
        lowest, and better than guessing if ever it was."""
        losses = [row[0] for row in self.rows[-smoothing(self.trainer.settings) :]]
        mean = sum(losses) / len(losses)
        began = self.rows[0][-len(dead) :] if dead else []
        well = all(now - then < WELL for now, then in zip(dead, began, strict=True))
        self._lowest = min(self._lowest, mean) if math.isfinite(mean) else self._lowest
        guesses = mean > GUESSES >= self._lowest
        if well and not guesses and mean <= NEAR * self._lowest:
            self.before = here


def smoothing(settings: Settings) -> int:
    """Over how many mini-batches a loss is averaged, before it is called usual or low."""
    return min(max(FEWEST, SMOOTH_IMAGES // settings.batch_size), MOST)


def largest(values: Tensor) -> float:
    """The largest magnitude; NaN if any value is NaN."""
    return values.abs().amax().item()
