"""The film of a run: its moments, its memory and its cost, and the files that are made of it: their size, and the time
that it takes to make them.

`python -m benchmarks.export [epochs]`
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.measure import table
from mlpviz import Settings, load_dataset
from mlpviz.catalog import default_dataset
from mlpviz.export.html import film_page
from mlpviz.export.pictures import animated
from mlpviz.export.tensorboard import write_events
from mlpviz.film import Roll
from mlpviz.runs.publishing import take_film
from mlpviz.runs.run import Run

DEEP = Settings(hidden_sizes=(256, 256, 256), init="kaiming")
NETWORKS = {"the article’s": Settings(), "3 hidden layers of 256": DEEP, "the article’s, again (A/A)": Settings()}


def trained(settings: Settings) -> Run:
    run = Run(settings, load_dataset(settings.dataset))
    run.start()
    while run.has_work():
        run.work(0.05)
    run.refresh(1)
    return run


def timed(make: Callable[[Roll], int], roll: Roll) -> str:
    """The size of a file, and how long it took to make."""
    begun = time.perf_counter()
    size = make(roll)
    return f"{size / 1e6:.1f} MB, {time.perf_counter() - begun:.2f} s"


def events(roll: Roll) -> int:
    """Writes event files; returns their size."""
    with tempfile.TemporaryDirectory() as folder:
        write_events(roll, Path(folder))
        return sum(path.stat().st_size for path in Path(folder).iterdir())


def main(epochs: int = 10) -> None:
    torch.set_num_threads(1)
    rows = []
    for name, settings in NETWORKS.items():
        run = trained(settings.replace(dataset=default_dataset(), epochs=epochs))
        prices = run.recording.prices
        cost = prices.seconds("film") / prices.seconds("training", "steps")
        roll = take_film(run)
        film = [f"{len(roll.moments)}", f"{run.film.index().bytes / 1e6:.1f} MB", f"{100 * cost:.1f} %"]
        files = [lambda roll: len(film_page(roll)), lambda roll: len(animated(roll)), events]
        rows.append([name, f"{run.step:,}", *film, *(timed(make, roll) for make in files)])
    table(["network", "steps", "moments", "memory", "of the steps’ time", "HTML", "GIF", "TensorBoard"], rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
