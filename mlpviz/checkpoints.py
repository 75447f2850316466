"""The checkpoints that a run keeps: enough of them to go back, in bounded memory."""

from __future__ import annotations

from collections import deque

from mlpviz.settings import Settings
from mlpviz.trainer import Checkpoint

FIRST_STRIDE = 50  # steps between checkpoints, at first
LONGEST_INTERVAL = 200  # the latest are never further apart
LATEST = 3
MOST_BYTES = 24 * 2**20  # for those of one run together, unless that is less than the fewest take
FEWEST, MOST = 4, 12


class Checkpoints:
    """Keeps the first, every 50th step, later every 100th, 200th, …, and always the three latest."""

    def __init__(self, settings: Settings) -> None:
        self._capacity = capacity(settings) - LATEST
        self._stride = FIRST_STRIDE
        self._kept: list[Checkpoint] = []
        self._latest: deque[Checkpoint] = deque(maxlen=LATEST)

    def due(self, step: int) -> bool:
        """Whether a checkpoint of this step should be kept."""
        return step % min(self._stride, LONGEST_INTERVAL) == 0

    def keep(self, checkpoint: Checkpoint) -> None:
        if self._latest and self._latest[-1].step == checkpoint.step:
            return
        self._latest.append(checkpoint)
        if not self._kept or checkpoint.step % self._stride == 0:
            self._kept.append(checkpoint)
        while len(self._kept) > self._capacity:
            self._stride *= 2
            first, *later = self._kept
            self._kept = [first, *(kept for kept in later if kept.step % self._stride == 0)]

    def steps(self) -> tuple[int, ...]:
        """Those that one can go back to, in ascending order."""
        return tuple(sorted({checkpoint.step for checkpoint in (*self._kept, *self._latest)}))

    def before(self, step: int) -> Checkpoint:
        """The latest one at that step or before it.

        Raises:
            LookupError: there is none.
        """
        found = [checkpoint for checkpoint in (*self._kept, *self._latest) if checkpoint.step <= step]
        if not found:
            raise LookupError(f"No checkpoint is kept of step {step:,} or before it.")
        return max(found, key=lambda checkpoint: checkpoint.step)


def capacity(settings: Settings) -> int:
    """How many checkpoints a run of these settings keeps."""
    return max(FEWEST, min(MOST, MOST_BYTES // checkpoint_bytes(settings)))


def checkpoint_bytes(settings: Settings) -> int:
    """The memory of one checkpoint: the parameters, what the optimizer keeps for each, the generator's state."""
    sizes = (784, *settings.hidden_sizes, 10)
    parameters = sum((sizes[i] + 1) * sizes[i + 1] for i in range(len(sizes) - 1))
    moments = {"sgd": int(settings.momentum > 0), "adam": 2, "adamw": 2, "rmsprop": 1}[settings.optimizer]
    return 4 * parameters * (1 + moments) + 6_000
