"""How much one visitor's work slows another: with long questions, and with the longest steps that a run may make.

`python -m benchmarks.fairness [seconds]` takes about three minutes.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measure import table
from mlpviz.backend.commands import Pause, SetSharpness, Start
from mlpviz.backend.local import LocalBackend
from mlpviz.backend.questions import LossPlane
from mlpviz.backend.specifications import NewRun
from mlpviz.catalog import default_dataset
from mlpviz.runs.engine import Engine
from mlpviz.settings import Settings
from mlpviz.state import TaskState

SETTINGS = Settings(dataset=default_dataset(), epochs=1000)
LARGE = SETTINGS.replace(hidden_sizes=(1024,) * 3)
LONGEST = SETTINGS.replace(hidden_sizes=(1024,) * 6, batch_size=1)
ASKERS = 8


def steps_per_second(door: LocalBackend, run: TaskState, seconds: float) -> float:
    """Steps per second of a run that is watched all the time."""
    before, begun = _now(door, run).step, time.perf_counter()
    while time.perf_counter() < begun + seconds:
        door.look(run.token)
        time.sleep(0.1)
    return (_now(door, run).step - before) / (time.perf_counter() - begun)


def pause_ms(door: LocalBackend, run: TaskState, times: int = 20) -> list[float]:
    """How long the command Pause takes, measured several times, in milliseconds."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        door.tell(run.id, "student", Pause()).result(60)
        found.append(1e3 * (time.perf_counter() - begun))
        door.tell(run.id, "student", Start()).result(60)
        time.sleep(0.2)
    return found


@contextmanager
def questions(door: LocalBackend) -> Iterator[None]:
    """Eight other visitors ask for the loss around the weights of a large network again and again."""
    runs = [(door.create(NewRun(LARGE), f"asker {i}").result(60), f"asker {i}") for i in range(ASKERS)]
    over = threading.Event()

    def ask(run: TaskState, owner: str) -> None:
        while not over.is_set():
            reply = door.ask(run.id, owner, LossPlane())
            while not over.is_set() and reply.progress < 1.0:
                reply.look()
                time.sleep(0.1)
            reply.cancel()

    threads = [threading.Thread(target=ask, args=each) for each in runs]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()
    for run, owner in runs:
        door.drop(run.id, owner)


@contextmanager
def longest_steps(door: LocalBackend) -> Iterator[None]:
    """Another visitor trains the largest network with its largest mini-batch, and measures the sharpness."""
    batch = min(LONGEST.largest_batch, 10_000)
    run = door.create(NewRun(LONGEST.replace(batch_size=batch)), "other").result(60)
    door.tell(run.id, "other", SetSharpness(True)).result(60)
    door.tell(run.id, "other", Start()).result(60)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            door.look(run.token)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    over.set()
    thread.join()
    door.drop(run.id, "other")


def _now(door: LocalBackend, run: TaskState) -> TaskState:
    state = door.find(run.id, "student")
    assert state is not None
    return state


def main(seconds: float = 15.0) -> None:
    door = LocalBackend(Engine(threads=1))
    run = door.create(NewRun(SETTINGS), "student").result(60)
    door.tell(run.id, "student", Start()).result(60)
    steps_per_second(door, run, 3.0)  # the first evaluation, and other slow work that happens once
    rows, alone = [], 0.0
    for label, others in (
        ("nobody else", None),
        (f"{ASKERS} visitors ask for the loss around three layers of 1,024", questions),
        ("a visitor trains six layers of 1,024 with the largest mini-batch, and measures the sharpness", longest_steps),
        ("nobody else (A/A)", None),
    ):
        if others is None:
            rate, pauses = steps_per_second(door, run, seconds), pause_ms(door, run)
        else:
            with others(door):
                steps_per_second(door, run, 2.0)
                rate, pauses = steps_per_second(door, run, seconds), pause_ms(door, run)
        alone = alone or rate
        share = f"{100 * rate / alone:.0f} %"
        rows.append([label, f"{rate:.0f}", share, f"{statistics.median(pauses):.0f} / {max(pauses):.0f}"])
    table(["meanwhile", "the student’s steps/s", "relative to nobody else", "Pause, ms: median / worst of 20"], rows)
    door.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 15.0)
