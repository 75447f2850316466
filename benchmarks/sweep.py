"""A sweep against its bare steps: what the instruments cost, and how well two processes share the work.

`python -m benchmarks.sweep [columns] [rows] [steps]`. The cells have 256 images in a mini-batch of the small set. Bare
means: the same steps by the trainer alone, and one test of each network.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch

from benchmarks.measure import table
from mlpviz import Settings, Trainer, load_dataset
from mlpviz.grid import Cell, Grid, read_axis
from mlpviz.sweep.deal import deal, trained

SETTINGS = Settings(dataset="fashion-mnist-mini", batch_size=256)


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def bare(cell: Cell) -> None:
    """The steps of a cell, and one test."""
    trainer = Trainer(cell.settings, load_dataset(cell.settings.dataset))
    trainer.train(cell.step)
    trainer.evaluate()


def main(columns: int = 25, rows: int = 20, steps: int = 400) -> None:
    torch.set_num_threads(1)
    axes = read_axis(f"learning_rate=0.01:3:log:{columns}"), read_axis(f"init_std=0.001:0.1:log:{rows}")
    grid = Grid(SETTINGS, steps, *axes)
    trained(SETTINGS, 50)  # the first steps of a process are slow
    seconds: dict[str, list[float]] = {"bare": [], "cells": [], "bare again (A/A)": []}
    made = 0
    for place in grid.places():
        found: list[Cell] = []
        settings = grid.settings_of(place)
        seconds["cells"].append(timed(lambda: found.append(trained(settings, steps))))  # noqa: B023
        made += found[0].step
        for name in ("bare", "bare again (A/A)"):
            seconds[name].append(timed(lambda: bare(found[0])))  # noqa: B023
    whole = {name: sum(each) for name, each in seconds.items()}
    for processes in (1, 2):
        name = f"the whole sweep, {processes} process" + ("es" if processes > 1 else "")
        whole[name] = timed(lambda: list(deal(grid, processes)))  # noqa: B023
    median = statistics.median(seconds["cells"])
    print(f"{len(grid)} cells of {steps} steps, {made:,} steps made. One cell: {median:.2f} s.\n")
    table(["", "seconds", "relative to bare"], [[k, f"{v:.1f}", f"{v / whole['bare']:.2f}"] for k, v in whole.items()])
    one, two = list(whole.values())[-2:]
    print(f"\nEfficiency of two processes: {one / (2 * two):.2f} (with the seconds in which they start).")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
