"""The checkpoints that a run keeps to go back to, in bounded memory."""

from __future__ import annotations

from collections import deque

from mlpviz.keeping import Keeps
from mlpviz.runs.memory import checkpoint_capacity
from mlpviz.settings import Settings
from mlpviz.trainer import Checkpoint

FIRST_STRIDE = 50  # steps between checkpoints, at first
LONGEST_INTERVAL = 200  # steps between the latest checkpoints, at most
LATEST = 3


class Checkpoints(Keeps):
    """Keeps the first checkpoint, the three latest, and every 50th step; later every 100th, 200th, … step."""

    KEPT = ("_capacity", "_stride", "_spread", "_latest")

    def __init__(self, settings: Settings) -> None:
        self._capacity = checkpoint_capacity(settings) - LATEST
        self._stride = FIRST_STRIDE
        self._spread: list[Checkpoint] = []  # over the whole run
        self._latest: deque[Checkpoint] = deque(maxlen=LATEST)

    def due(self, step: int) -> bool:
        """Whether to keep a checkpoint of this step."""
        return step % min(self._stride, LONGEST_INTERVAL) == 0

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep it, and drop others if there are too many."""
        if self._latest and self._latest[-1].step == checkpoint.step:
            return
        self._latest.append(checkpoint)
        if not self._spread or checkpoint.step % self._stride == 0:
            self._spread.append(checkpoint)
        while len(self._spread) > self._capacity:
            self._stride *= 2
            first, *later = self._spread
            self._spread = [first, *(each for each in later if each.step % self._stride == 0)]

    def steps(self) -> tuple[int, ...]:
        """The steps of all checkpoints, in ascending order."""
        return tuple(sorted({checkpoint.step for checkpoint in (*self._spread, *self._latest)}))

    def before(self, step: int) -> Checkpoint:
        """The latest one at that step or before it.

        Raises:
            LookupError: there is none.
        """
        earlier = [checkpoint for checkpoint in (*self._spread, *self._latest) if checkpoint.step <= step]
        if not earlier:
            raise LookupError(f"There is no checkpoint at step {step:,} or before it.")
        return max(earlier, key=lambda checkpoint: checkpoint.step)
