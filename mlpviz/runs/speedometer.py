"""How fast a run trains."""

from __future__ import annotations

from collections import deque

from mlpviz.runs.clock import CLOCK, Clock

WINDOW = 5.0  # seconds that the speed is averaged over, or five steps if they take longer
PAUSED = 2.0  # after this many seconds without a mark, the run has rested because nobody watched


class Speedometer:
    """Steps per second over the last few seconds of training."""

    def __init__(self, clock: Clock = CLOCK) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()
        self._interval = 0.0
        self._latest = 0.0

    def measure(self, step: int, training: bool, interval: float = 0.0) -> float:
        """Note the present step of the run. Returns its speed. `interval` is the time that one step should take, in
        seconds, if the run has a pace."""
        now = self._clock.now()
        rested = self._marks and now - self._marks[-1][0] > PAUSED + 2 * interval
        if rested or interval != self._interval:
            self._marks.clear()
        if interval != self._interval:
            self._interval, self._latest = interval, 0.0
        self._marks.append((now, step))
        while len(self._marks) > 2 and now - self._marks[1][0] >= max(WINDOW, 5 * interval):
            self._marks.popleft()
        then, before = self._marks[0]
        if step > before and now > then:
            self._latest = (step - before) / (now - then)
        if not training:
            self._marks.clear()
        return self._latest
