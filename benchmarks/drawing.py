"""What the ten answers and the drawing of the network cost the server at each refresh, for 0 to 6 hidden layers. As a
control (A/A), the look at the article's network is measured a second time.

`python -m benchmarks.drawing [rounds]`
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from functools import partial

import torch

from benchmarks.measure import in_turn, seconds, table
from mlpviz import Dataset, Settings
from mlpviz.backend.parts import RUN_PARTS, deflated, encoded
from mlpviz.catalog import default_dataset
from mlpviz.datasets import load_dataset
from mlpviz.runs.run import Run

UNITS = 256
DRAWN = ("answers", "network")  # the images themselves are sent once


def trained(dataset: Dataset, layers: int) -> Run:
    run = Run(Settings(dataset=dataset.name, hidden_sizes=(UNITS,) * layers, init="kaiming", epochs=1), dataset)
    run.goal = 50
    while run.has_work():
        run.work(0.02)
    run.refresh(1)
    return run


def look(run: Run) -> float:
    """Look again at the same step. Returns the seconds, without those of the choice, which is made once."""
    run.inspections.examples.choose(run.inspections.examples.chosen)
    return seconds(run.inspections.examples.look)


def draw(run: Run) -> int:
    """Make the parts for the browser. Returns their size as sent, in bytes."""
    assert run.snapshot is not None
    return sum(len(deflated(encoded(run.snapshot, RUN_PARTS[name]))) for name in DRAWN)


def main(rounds: int = 201) -> None:
    torch.set_num_threads(1)
    dataset = load_dataset(default_dataset())
    runs = {f"{layers}": trained(dataset, layers) for layers in range(7)}
    contestants: dict[str, Callable[[], float]] = {name: partial(look, run) for name, run in runs.items()}
    contestants["1, again (A/A)"] = partial(look, runs["1"])
    looks = in_turn(contestants, rounds)
    drawers: dict[str, Callable[[], float]] = {name: partial(seconds, partial(draw, run)) for name, run in runs.items()}
    drawings = in_turn(drawers, rounds)
    rows = []
    for name, times in looks.items():
        run = runs[name.split(",")[0]]
        drawing = statistics.median(drawings[name.split(",")[0]])
        both = statistics.median(times) + drawing
        rows.append(
            [
                name,
                *(f"{1e3 * value:.2f}" for value in (statistics.median(times), drawing, both)),
                f"{draw(run) / 1e3:.1f}",
            ]
        )
    header = ["hidden layers of 256 units", "look, ms", "draw and encode, ms", "together, ms", "sent, kB"]
    table(header, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
