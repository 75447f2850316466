"""What looking costs: each instrument against the same loop without it, paired in turn, with the bare loop against
itself as the control (A/A).

`python -m benchmarks.instruments [rounds]`
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from functools import partial

import torch

from benchmarks.measure import in_turn, ratio, seconds, table
from mlpviz import Dataset, Settings, Trainer
from mlpviz.datasets import default_dataset, load_dataset
from mlpviz.history import History
from mlpviz.observe.inspector import Inspector
from mlpviz.observe.steps import StepRecorder
from mlpviz.observe.updates import update_ratios
from mlpviz.run import REFRESH


def per_step(batch_size: int, dataset: Dataset, rounds: int) -> list[list[str]]:
    """Rows: the per-step instruments of `mlpviz.observe.steps` and parts of them."""
    trainer = Trainer(Settings(dataset=dataset.name, batch_size=batch_size, learning_rate=0.01), dataset)
    steps = max(8, 2_048 // batch_size)  # short turns, so that both sides of a pair meet the same machine
    recorder, history = StepRecorder(trainer.net), History(6)

    def bare() -> None:
        for _ in range(steps):
            trainer.train_one()

    def recorded() -> None:
        for _ in range(steps):
            recorder.record(*trainer.train_one())
            if recorder.full():
                history.extend(recorder.flush())

    def losses_only() -> None:
        kept = [trainer.train_one()[1].detach() for _ in range(steps)]
        torch.stack(kept)

    contestants: dict[str, Callable[[], float]] = {
        "bare": partial(seconds, bare),
        "bare again (A/A)": partial(seconds, bare),
        "loss": partial(seconds, losses_only),
        "all: loss, accuracy, gradient norms": partial(seconds, recorded),
    }
    for contestant in contestants.values():
        contestant()
    results = in_turn(contestants, rounds)
    return [
        [name, str(batch_size), f"{100 * (ratio(results, name, 'bare') - 1):+.1f} %"]
        for name in contestants
        if name != "bare"
    ]


def per_refresh(dataset: Dataset, rounds: int) -> list[list[str]]:
    """Rows: a whole inspection with its update ratios, as milliseconds and as a share of the time."""
    trainer = Trainer(Settings(dataset=dataset.name), dataset)
    trainer.train(50)
    inspector = Inspector(trainer)

    def measured() -> None:
        with update_ratios(trainer.net) as ratios:
            pass
        inspector.inspect(ratios)

    def inspected() -> None:
        inspector.inspect([math.nan, math.nan])

    rows = []
    for name, action in (("inspection", inspected), ("inspection and update ratios", measured)):
        milliseconds = 1e3 * statistics.median(seconds(action) for _ in range(rounds))
        share = milliseconds / 1e3 / REFRESH
        rows.append([name, f"{milliseconds:.1f}", f"{100 * share:.1f} %"])
    return rows


def main(rounds: int = 301, threads: int = 1) -> None:
    torch.set_num_threads(threads)
    dataset = load_dataset(default_dataset())
    rows = [row for batch_size in (32, 256) for row in per_step(batch_size, dataset, rounds)]
    table(["per step", "batch", "over the bare loop"], rows)
    table(["per refresh", "ms", f"of the time, every {REFRESH} s"], per_refresh(dataset, rounds))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 301)
