"""The engine: one thread that gives every running run its turn. Commands go in, snapshots come out."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from functools import partial

import torch

from mlpviz.datasets import Dataset
from mlpviz.run import Run
from mlpviz.settings import Settings
from mlpviz.threads import choose_threads

SLICE = 0.020  # seconds of a turn; shorter ones cost training: another network to bring into the cache each time
IDLE = 0.1  # seconds between looks for a lease that has come back, when nothing trains
FORGET = 600.0  # seconds unwatched after which a run may make room for another

log = logging.getLogger(__name__)


class EngineFullError(Exception):
    """No room for another run; the message says what to do."""


class Engine:
    """Trains any number of runs in turn, in one thread of its own.

    Args:
        max_runs: how many runs it keeps, training or not.
        max_bytes: how much memory their networks may take together, as `run_bytes` estimates it.
        threads: PyTorch's threads in the engine; measured when not given.
    """

    def __init__(self, max_runs: int = 256, max_bytes: int = 4 * 2**30, threads: int | None = None) -> None:
        self.max_runs = max_runs
        self.max_bytes = max_bytes
        self._threads = threads
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()  # guards _runs
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="mlpviz-engine", daemon=True)
        self._thread.start()

    # what other threads call

    def create(self, settings: Settings, dataset: Dataset, owner: str = "", instead_of: Run | None = None) -> Run:
        """A new run at step 0; it takes the place of `instead_of`, which is forgotten.

        Raises:
            ValueError: the settings don't fit the dataset or the machine.
            EngineFullError: there are too many runs already.
        """
        run = Run(settings, dataset, owner)
        with self._lock:
            self._make_room(run_bytes(settings), instead_of)
            self._runs[run.id] = run
        self._send(lambda: None)  # wake up
        return run

    def find(self, run_id: str, owner: str) -> Run | None:
        """The visitor's own run of that id."""
        run = self._runs.get(run_id)
        return run if run is not None and run.owner == owner else None

    def watch(self, token: str) -> Run | None:
        """The run that may be watched with that token; keeps it going."""
        run = next((run for run in list(self._runs.values()) if run.token == token), None)
        if run is not None:
            run.look()
        return run

    def drop(self, run: Run) -> None:
        """Forget a run."""
        with self._lock:
            self._runs.pop(run.id, None)

    # Commands take effect between two steps; each gives an event that is set once it has.

    def start(self, run: Run) -> threading.Event:
        """Train to the end of the last epoch."""
        return self._command(run, run.start)

    def pause(self, run: Run) -> threading.Event:
        """Train no further for now."""
        return self._command(run, run.pause)

    def step(self, run: Run) -> threading.Event:
        """Make one update."""
        return self._command(run, run.one_step)

    def epoch(self, run: Run) -> threading.Event:
        """Train to the end of this epoch."""
        return self._command(run, run.one_epoch)

    def change(self, run: Run, settings: Settings) -> threading.Event:
        """Take up another learning rate, momentum, weight decay or number of epochs."""
        return self._command(run, partial(run.change, settings))

    def close(self) -> None:
        """End the thread after the slice under way; all runs are forgotten. May be called twice."""
        self._closing = True
        self._send(lambda: None)
        self._thread.join()
        with self._lock:
            self._runs.clear()

    # what the engine's thread does

    def _loop(self) -> None:
        torch.set_num_threads(self._threads or choose_threads())
        while not self._closing:
            watched = [run for run in list(self._runs.values()) if run.watched()]
            busy = any(run.has_work() for run in watched)
            for run in watched:
                if run.has_work():
                    self._guard(run, partial(run.work, SLICE))
                self._guard(run, partial(run.refresh, len(watched)))
                self._obey()
                if self._closing:
                    return
            if not busy:
                self._obey(wait=IDLE)

    def _obey(self, wait: float = 0.0) -> None:
        """Carry out the commands that have come; with nothing else to do, wait for one."""
        try:
            self._commands.get(block=wait > 0, timeout=wait or None)()
            while True:
                self._commands.get_nowait()()
        except queue.Empty:
            return

    def _command(self, run: Run, command: Callable[[], None]) -> threading.Event:
        done = threading.Event()

        def carry_out() -> None:
            self._guard(run, command)
            done.set()

        run.look()
        self._send(carry_out)
        return done

    def _send(self, command: Callable[[], None]) -> None:
        self._commands.put(command)

    def _guard(self, run: Run, action: Callable[[], None]) -> None:
        """An exception stops its own run and no other."""
        try:
            action()
        except Exception as error:
            log.exception("run %s failed", run.id)
            run.fail(f"{type(error).__name__}: {error}")

    def _make_room(self, needed: int, leaving: Run | None) -> None:
        """Forget `leaving`, then runs that nobody watches, until another fits: first those that never trained, then
        those that nobody has watched for long, the longest first."""
        kept = [run for run in self._runs.values() if run is not leaving]
        idle = [run for run in kept if run.unwatched_seconds() > (FORGET if run.step else 0)]
        idle.sort(key=lambda run: (run.step == 0, run.unwatched_seconds()))
        while not self._fits(kept, needed):
            if not idle:
                raise EngineFullError(
                    f"This server has no room for another run just now: it keeps {len(kept)} of {self.max_runs}, "
                    f"in {self.max_bytes / 2**30:.1f} GiB at most. Try again in a few minutes, or with smaller layers."
                )
            kept.remove(idle.pop())
        self._runs = {run.id: run for run in kept}

    def _fits(self, kept: list[Run], needed: int) -> bool:
        used = sum(run_bytes(run.settings) for run in kept)
        return len(kept) < self.max_runs and used + needed <= self.max_bytes


def run_bytes(settings: Settings) -> int:
    """About how much memory a run takes: weights, gradients, a copy to measure updates by, up to two moments for each
    parameter, a mini-batch's activations, and 1 MB for its history."""
    sizes = (784, *settings.hidden_sizes, 10)
    parameters = sum((sizes[i] + 1) * sizes[i + 1] for i in range(len(sizes) - 1))
    return 4 * (5 * parameters + 3 * settings.batch_size * sum(sizes)) + 2**20
