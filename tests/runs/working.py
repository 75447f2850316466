"""Working off runs and other tasks in tests, by the same turns that the engine gives them."""

from __future__ import annotations

from mlpviz import Settings
from mlpviz.runs.clock import Clock

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=2)


class FakeClock:
    """A clock that goes when it is told to.

    Attributes:
        now, worked: what it shows, in seconds.
        clock: what a task is given.
    """

    def __init__(self) -> None:
        self.now = self.worked = 100.0
        self.clock = Clock(now=lambda: self.now, worked=lambda: self.worked)


def work_off(run):
    """Let a run do all that it has to do; gives its snapshot where it rests."""
    while run.has_work():
        run.work(0.005)
        run.refresh(1)
    run.publisher.show_where_it_rests()
    return run.snapshot


def finish(task):
    """Let another task go to its end; gives its last snapshot."""
    while task.has_work():
        task.advance()
    task.refresh(1)
    return task.snapshot
