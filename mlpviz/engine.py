"""The engine: one thread that gives every run, and every other task, its turn. Commands go in, snapshots come out."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import torch

from mlpviz.datasets import Dataset
from mlpviz.run import Run
from mlpviz.settings import Settings
from mlpviz.task import Task
from mlpviz.threads import choose_threads

SLICE = 0.020  # seconds of a turn; shorter ones cost training: another network to bring into the cache each time
IDLE = 0.1  # seconds between looks for a lease that has come back, when nothing trains
FORGET = 600.0  # seconds unwatched after which a run may make room for another

log = logging.getLogger(__name__)

Some = TypeVar("Some", bound=Task)
Answer = TypeVar("Answer")


class EngineFullError(Exception):
    """No room for another run; the message says what to do."""


class Engine:
    """Works at any number of tasks in turn, in one thread of its own.

    Args:
        max_runs: how many tasks it keeps, at work or not.
        max_bytes: how much memory they may take together, by their own estimates.
        threads: PyTorch's threads in the engine; measured when not given.
    """

    def __init__(self, max_runs: int = 256, max_bytes: int = 4 * 2**30, threads: int | None = None) -> None:
        self.max_runs = max_runs
        self.max_bytes = max_bytes
        self._threads = threads
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()  # guards _tasks
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="mlpviz-engine", daemon=True)
        self._thread.start()

    # what other threads call

    def create(self, settings: Settings, dataset: Dataset, owner: str = "", instead_of: Task | None = None) -> Run:
        """A new run at step 0; it takes the place of `instead_of`, which is forgotten.

        Raises:
            ValueError: the settings don't fit the dataset or the machine.
            EngineFullError: there are too many tasks already.
        """
        return self.add(Run(settings, dataset, owner), instead_of)

    def add(self, task: Some, instead_of: Task | None = None) -> Some:
        """Take on a task in the place of `instead_of`.

        Raises:
            EngineFullError: there are too many tasks already.
        """
        with self._lock:
            self._make_room(task.bytes, instead_of)
            self._tasks[task.id] = task
        self._send(lambda: None)  # wake up
        return task

    def find(self, run_id: str, owner: str) -> Run | None:
        """The visitor's own run of that id."""
        run = self._tasks.get(run_id)
        return run if isinstance(run, Run) and run.owner == owner else None

    def watch(self, token: str) -> Task | None:
        """The task that may be watched with that token; keeps it going."""
        task = next((task for task in list(self._tasks.values()) if task.token == token), None)
        if task is not None:
            task.look()
        return task

    def drop(self, task: Task) -> None:
        """Forget a task."""
        with self._lock:
            for each in (task, *task.companions()):
                self._tasks.pop(each.id, None)

    def ask(self, run: Run, question: Callable[[Run], Answer]) -> Future[Answer]:
        """Put a question to a run between two steps, in the engine's thread; an exception goes to whoever asked."""
        answer: Future[Answer] = Future()

        def carry_out() -> None:
            try:
                answer.set_result(question(run))
            except Exception as error:
                answer.set_exception(error)

        run.look()
        self._send(carry_out)
        return answer

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
        """End the thread after the slice under way; all tasks are forgotten. May be called twice."""
        self._closing = True
        self._send(lambda: None)
        self._thread.join()
        with self._lock:
            self._tasks.clear()

    # what the engine's thread does

    def _loop(self) -> None:
        torch.set_num_threads(self._threads or choose_threads())
        while not self._closing:
            watched = [task for task in list(self._tasks.values()) if task.watched()]
            busy = any(task.has_work() for task in watched)
            for task in watched:
                if task.has_work():
                    self._guard(task, partial(task.work, SLICE))
                self._guard(task, partial(task.refresh, len(watched)))
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

    def _guard(self, task: Task, action: Callable[[], None]) -> None:
        """An exception stops its own task and no other."""
        try:
            action()
        except Exception as error:
            log.exception("task %s failed", task.id)
            task.fail(f"{type(error).__name__}: {error}")

    def _make_room(self, needed: int, leaving: Task | None) -> None:
        """Forget `leaving`, then tasks that nobody watches, until another fits: first those that never trained, then
        those that nobody has watched for long, the longest first."""
        gone = [leaving, *leaving.companions()] if leaving is not None else []
        kept = [task for task in self._tasks.values() if task not in gone]
        idle = [task for task in kept if task.unwatched_seconds() > (FORGET if task.step else 0)]
        idle.sort(key=lambda task: (task.step == 0, task.unwatched_seconds()))
        while not self._fits(kept, needed):
            if not idle:
                raise EngineFullError(
                    f"This server has no room for another run just now: it keeps {len(kept)} of {self.max_runs}, "
                    f"in {self.max_bytes / 2**30:.1f} GiB at most. Try again in a few minutes, or with smaller layers."
                )
            leaving = idle.pop()
            kept = [task for task in kept if task is not leaving and task not in leaving.companions()]
            idle = [task for task in idle if task in kept]
        self._tasks = {task.id: task for task in kept}

    def _fits(self, kept: list[Task], needed: int) -> bool:
        used = sum(task.bytes for task in kept)
        return len(kept) < self.max_runs and used + needed <= self.max_bytes
