"""What saving a run costs: the engine's thread, which only copies; the thread that writes; the file. As a control, the
article's network is measured a second time (A/A).

`python -m benchmarks.saving [rounds]`
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.measure import in_turn, seconds, table
from mlpviz import Dataset, Settings
from mlpviz.backend.saved import codec
from mlpviz.catalog import default_dataset
from mlpviz.datasets import load_dataset
from mlpviz.runs.run import Run
from mlpviz.runs.saver import EVERY
from mlpviz.runs.saving import bring_back, save
from mlpviz.store.store import Store

NETWORKS: dict[str, dict[str, object]] = {
    "the article’s": {},
    "the article’s, adam": {"optimizer": "adam", "learning_rate": 0.001},
    "3 layers of 1,024": {"hidden_sizes": (1024,) * 3, "init": "kaiming"},
    "6 layers of 1,024, adam": {
        "hidden_sizes": (1024,) * 6,
        "init": "kaiming",
        "optimizer": "adam",
        "learning_rate": 0.001,
    },
    "the article’s, again (A/A)": {},
}
STEPS = 120


def trained(dataset: Dataset, changes: dict[str, object]) -> Run:
    run = Run(Settings(dataset=dataset.name, epochs=10).replace(**changes), dataset)
    run.goal = STEPS
    while run.has_work():
        run.advance()
    return run


def main(rounds: int = 21) -> None:
    torch.set_num_threads(1)
    dataset = load_dataset(default_dataset())
    runs = {name: trained(dataset, changes) for name, changes in NETWORKS.items()}
    copies = in_turn({name: partial(seconds, partial(save, run, "")) for name, run in runs.items()}, rounds)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, run in runs.items():
            store = Store(Path(folder) / "runs.sqlite", codec())
            store.keep(save(run, ""))
            store.finish(seconds=60)
            writes = []
            for _ in range(rounds):
                run.goal = run.step + 1  # so that there is something new
                while run.has_work():
                    run.advance()
                saved = save(run, "")
                begun = time.perf_counter()
                store.keep(saved)
                store.finish(seconds=60)
                writes.append(time.perf_counter() - begun)
            size = store.usage("")[1]
            begun = time.perf_counter()
            back = store.bring_back(run.id, "")
            assert back is not None
            bring_back(back, dataset)
            returned = time.perf_counter() - begun
            store.drop(run.id, "")
            store.close()
            copied = statistics.median(copies[name])
            values = (1e3 * copied, 1e3 * statistics.median(writes), 1e3 * returned)
            rows.append(
                [name, *(f"{value:.1f}" for value in values), f"{size / 1e6:.1f}", f"{100 * copied / EVERY:.2f} %"]
            )
    header = ["network", "copy, ms", "write, ms", "come back, ms", "on disk, MB", "share of the engine’s time"]
    table(header, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
