"""How fast a run trains."""

from __future__ import annotations

from collections import deque

from mlpviz.runs.clock import CLOCK, Clock

MARKS = 12  # the speed is averaged over this many refreshes: about five seconds
PAUSED = 2.0  # after this many seconds without a mark, the run has rested because nobody watched


class Speed:
    """Steps per second over the last few seconds of training."""

    def __init__(self, clock: Clock = CLOCK) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque(maxlen=MARKS)
        self._latest = 0.0

    def measure(self, step: int, training: bool) -> float:
        """Note the present step of the run. Returns its speed."""
        now = self._clock.now()
        if self._marks and now - self._marks[-1][0] > PAUSED:
            self._marks.clear()
        self._marks.append((now, step))
        then, before = self._marks[0]
        if step > before:
            self._latest = (step - before) / (now - then)
        if not training:
            self._marks.clear()
        return self._latest
