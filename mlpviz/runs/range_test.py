"""The learning-rate range test: on a copy of the run, the rate rises step by step until the loss rises sharply."""

from __future__ import annotations

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.diagnosis import LN10
from mlpviz.runs.task import FiniteTask
from mlpviz.snapshot import RangeSnapshot, Status
from mlpviz.trainer import Checkpoint, Trainer

STEPS = 200  # rates
FEW_IMAGES = 64  # at each rate, about; with smaller mini-batches, a rate takes several updates
LOWEST, HIGHEST = 1e-5, 10.0
MEMORY = 0.9  # of the exponential mean
RUNAWAY = 3.0  # the test ends if the mean loss is this many times its lowest value
SETTLED = 10  # the first rates, which do not count for the lowest mean
NEAR = 1.05  # up to this many times the lowest mean, a mean is near it


class RangeTest(FiniteTask):
    """A task that trains a copy from a checkpoint, at higher and higher rates (Smith 2015). The run does not change.

    Args:
        checkpoint: where it begins.
    """

    def __init__(self, dataset: Dataset, checkpoint: Checkpoint, owner: str = "") -> None:
        super().__init__(owner)
        self._trainer = Trainer(checkpoint.settings, dataset)
        self._trainer.restore(checkpoint)
        self.begun_at = checkpoint.step
        self._rates = np.geomspace(LOWEST, HIGHEST, STEPS)
        self._each = max(1, FEW_IMAGES // checkpoint.settings.batch_size)
        self._batches: list[float] = []  # losses at the present rate
        self._losses: list[float] = []
        self._means: list[float] = []
        self._mean = 0.0
        self._over = False

    @property
    def step(self) -> int:
        """The number of rates tried so far."""
        return len(self._losses)

    @property
    def total_steps(self) -> int:
        """The largest number of rates."""
        return STEPS

    def has_work(self) -> bool:
        """Whether rates are left and the loss has not risen sharply."""
        return not self.failed and not self._over

    def advance(self) -> None:
        """Make an update at the present rate."""
        trainer, i = self._trainer, len(self._losses)
        trainer.change(trainer.settings.replace(learning_rate=float(self._rates[i])))
        self._batches.append(trainer.train_one()[1].item())
        if len(self._batches) < self._each:
            return
        loss = sum(self._batches) / self._each
        self._batches = []
        self._losses.append(loss)
        self._mean = MEMORY * self._mean + (1 - MEMORY) * loss
        self._means.append(self._mean / (1 - MEMORY ** (i + 1)))
        lowest, start = min(self._means[SETTLED:], default=np.inf), self._means[: i + 1][min(i, SETTLED)]
        away = self._means[-1] > max(RUNAWAY * lowest, 1.2 * start)
        self._over = i + 1 == STEPS or not np.isfinite(loss) or away

    def make_snapshot(self, version: int, status: Status) -> RangeSnapshot:
        """As in `FiniteTask`. The suggestion comes at the end."""
        tried = len(self._losses)
        rates, means = self._rates[:tried], np.array(self._means)
        return RangeSnapshot(
            version=version,
            run=self.id,
            status=status,
            message=self.message,
            step=tried,
            total_steps=STEPS,
            begun_at=self.begun_at,
            rates=rates,
            losses=np.array(self._losses),
            means=means,
            suggestion=suggest(rates, means) if status == Status.FINISHED else None,
        )


def suggest(rates: np.ndarray, means: np.ndarray) -> tuple[float, float, float] | None:
    """A range of rates, and one rate in it, from the mean loss at each rate. The range ends at a third of the highest
    rate at which the loss is near its lowest value. It begins where the loss first fell clearly, or at a tenth of its
    end. None if the network learnt nothing at any rate."""
    means = np.where(np.isfinite(means), means, np.inf)
    if len(means) <= SETTLED:
        return None
    start, lowest = float(means[:SETTLED].mean()), float(means[SETTLED:].min())
    if lowest > 0.98 * start and lowest > 0.98 * LN10:
        return None
    near = np.flatnonzero(means[SETTLED:] <= NEAR * lowest) + SETTLED
    high = float(rates[near[-1]]) / 3
    begun = np.flatnonzero(means < start - 0.1 * (start - lowest))
    falls = start - lowest > 0.2 * start
    low = min(float(rates[begun[0]]) if falls else high / 10, high / 3)
    return low, high, round_to_2(float(np.sqrt(np.sqrt(low * high) * high)))


def round_to_2(value: float) -> float:
    """The value with two significant digits."""
    return float(f"{value:.1e}")
