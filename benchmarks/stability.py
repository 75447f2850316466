"""The cost of the view Stability: a run with the watchdog and checkpoints is compared with one without, in turn. As a
control (A/A), the run without is compared with itself. Then the cost of what runs only on request.

`python -m benchmarks.stability [rounds]`
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from benchmarks.measure import in_turn, ratio, seconds, table
from mlpviz import Settings
from mlpviz.catalog import default_dataset
from mlpviz.datasets import load_dataset
from mlpviz.runs.memory import checkpoint_capacity, checkpoint_memory, run_memory
from mlpviz.runs.pair import Pair
from mlpviz.runs.range_test import RangeTest
from mlpviz.runs.run import Run
from mlpviz.stability.sharpness import PROBE_IMAGES, measure_sharpness
from mlpviz.stability.slices import NextStep, along_gradient, plane, probe
from mlpviz.trainer import pixels


def without(batch: int) -> Run:
    """A run without checkpoints and without the watchdog."""
    run = usual(batch)
    run.health.keep_checkpoint = lambda: None  # type: ignore[method-assign]
    run.health.see = lambda rows: None  # type: ignore[method-assign]
    return run


def usual(batch: int = 256) -> Run:
    dataset = load_dataset(default_dataset())
    return Run(Settings(dataset=dataset.name, batch_size=batch, learning_rate=0.01, epochs=1000), dataset)


def turn(run: Run, steps: int) -> float:
    """Seconds for this many steps, with the recording that a page needs."""
    run.look()
    run.recording.stop_evaluating()
    run.goal = run.step + steps
    begun = time.perf_counter()
    while run.step < run.goal:
        run.advance()
        if run.recording.full():
            run.collect()
    run.collect()
    return time.perf_counter() - begun


def unasked(rounds: int) -> list[list[str]]:
    rows = []
    for batch in (32, 256):
        steps = 6_400 // batch
        runs = {
            "without": without(batch),
            "without again (A/A)": without(batch),
            "watchdog and checkpoints": usual(batch),
        }
        contestants: dict[str, Callable[[], float]] = {name: partial(turn, run, steps) for name, run in runs.items()}
        for contestant in contestants.values():
            contestant()
        results = in_turn(contestants, rounds)
        for name in list(contestants)[1:]:
            rows.append([name, str(batch), f"{100 * (ratio(results, name, 'without') - 1):+.1f} %"])
    return rows


def asked() -> list[list[str]]:
    """Rows: the cost of each measurement, once."""
    run = usual()
    turn(run, 200)
    trainer = run.trainer
    X, y = pixels(trainer.dataset.train.images[:PROBE_IMAGES]), trainer.dataset.train.labels[:PROBE_IMAGES]
    cold = statistics.median(seconds(lambda: measure_sharpness(trainer.net, X, y)) for _ in range(5))
    vector = measure_sharpness(trainer.net, X, y).vector

    def warm() -> None:
        turn(run, 1)
        measure_sharpness(trainer.net, X, y, vector)

    lr_test = RangeTest(trainer.dataset, trainer.checkpoint())

    def range_test() -> None:
        while lr_test.has_work():
            lr_test.advance()

    twin_run = usual()
    alone = turn(twin_run, 100)
    pair = Pair.of(twin_run, {"learning_rate": 0.02})
    pair.begin()

    def lockstep() -> None:
        twin_run.goal = pair.follower.goal = twin_run.step + 100
        while twin_run.step < twin_run.goal or pair.behind():
            twin_run.advance()

    def along() -> None:
        for _ in along_gradient(NextStep(trainer)):
            pass

    def landscape() -> None:
        for _ in plane(trainer.net, *probe(trainer)):
            pass

    return [
        ["sharpness, cold start", f"{1e3 * cold:.0f} ms"],
        ["sharpness, warm start", f"{1e3 * statistics.median(seconds(warm) for _ in range(9)):.0f} ms"],
        ["the loss along the gradient", f"{1e3 * seconds(along):.0f} ms"],
        ["a slice of the landscape, 625 networks", f"{seconds(landscape):.1f} s"],
        ["a range test", f"{seconds(range_test):.1f} s"],
        ["a twin: 100 steps of both, relative to 100 of one", f"{seconds(lockstep) / alone:.2f}×"],
    ]


def memory() -> list[list[str]]:
    """Rows: the memory that the checkpoints of a run need at most, for different settings."""
    rows = []
    for label, settings in (
        ("the article’s", Settings()),
        ("the article’s, adam", Settings(optimizer="adam")),
        ("6 layers of 1,024, adam", Settings(hidden_sizes=(1024,) * 6, optimizer="adam")),
    ):
        each, kept = checkpoint_memory(settings), checkpoint_capacity(settings)
        megabytes = [f"{each / 2**20:.1f}", f"{kept * each / 2**20:.0f}", f"{run_memory(settings) / 2**20:.0f}"]
        rows.append([label, str(kept), *megabytes])
    return rows


def main(rounds: int = 101, threads: int = 1) -> None:
    torch.set_num_threads(threads)
    table(["in every run", "batch", "extra time over a run without"], unasked(rounds))
    table(["only on request", "time"], asked())
    table(["network", "checkpoints kept", "MB each", "MB together", "MB, the whole run"], memory())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 101)
