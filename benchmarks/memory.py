"""Whether a long run's memory stays flat: a million steps of a small network, watched all the while.

`python -m benchmarks.memory [steps]` prints the process's resident memory and the snapshot's size as the run goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from benchmarks.measure import table
from mlpviz import Dataset, Settings, load_dataset
from mlpviz.live.encode import encode
from mlpviz.run import Run


def resident() -> float:
    """Megabytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main(steps: int = 1_000_000) -> None:
    torch.set_num_threads(1)
    mini = load_dataset("fashion-mnist-mini")
    small = Dataset(
        mini.name,
        mini.title,
        mini.classes,
        mini.train_images[:2000],
        mini.train_labels[:2000],
        mini.test_images[:200],
        mini.test_labels[:200],
        mini.source,
    )
    settings = Settings(dataset=mini.name, hidden_sizes=(2,), batch_size=1, epochs=1000, learning_rate=0.01)
    run = Run(settings, small)
    run.start()
    rows = []
    for share in (0.01, 0.1, 0.25, 0.5, 0.75, 1.0):
        while run.step < share * steps and run.has_work():
            run.look()
            run.work(0.02)
            run.refresh(1)
            if run.snapshot is not None:
                encode(run.snapshot)
        assert run.snapshot is not None
        rows.append([f"{run.step:,}", f"{resident():.0f}", f"{len(encode(run.snapshot)) / 1e3:.0f}"])
    table(["steps", "resident memory, MB", "snapshot, kB"], rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
