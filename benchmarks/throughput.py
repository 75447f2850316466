"""How fast mlpviz trains, compared with the article's script and with the matrix products alone.

`python -m benchmarks.throughput [threads] [rounds]`. All contestants of a row take turns in one run. Each ratio is the
median over rounds of the ratio within a round.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from benchmarks.article import torchvision_folder
from benchmarks.measure import in_turn, ratio, seconds, table
from mlpviz import Dataset, Settings, Trainer, load_dataset
from mlpviz.history import History
from mlpviz.observe.steps import StepRecorder

BATCH_SIZES = (32, 256, 1024, 4096)
IMAGES = 16_384  # that each contestant trains on in one turn


def article_step_loop(root: Path, batch_size: int) -> Callable[[int], None]:
    """The article's loop without changes, with DataLoader and ToTensor; makes a given number of steps."""
    train_set = torchvision.datasets.FashionMNIST(root, train=True, transform=transforms.ToTensor())
    loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1)
    batches = iter(loader)

    def steps(count: int) -> None:
        nonlocal batches
        for _ in range(count):
            batch = next(batches, None)
            if batch is None:
                batches = iter(loader)
                batch = next(batches)
            X, y = batch
            loss = loss_fn(net(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return steps


def matrix_products(batch_size: int) -> Callable[[int], None]:
    """The five products of a step: two forward, three backward."""
    X, H, Z = torch.rand(batch_size, 784), torch.rand(batch_size, 256), torch.rand(batch_size, 10)
    W1, W2 = torch.rand(256, 784), torch.rand(10, 256)

    def steps(count: int) -> None:
        for _ in range(count):
            X @ W1.T
            H @ W2.T
            Z @ W2
            Z.T @ H
            H.T @ X

    return steps


def instrumented(trainer: Trainer) -> Callable[[int], None]:
    """The trainer's loop with everything that the engine records at each step."""
    recorder = StepRecorder(trainer.net)
    history = History(recorder.columns)

    def steps(count: int) -> None:
        for _ in range(count):
            recorder.record(*trainer.train_one())
            if recorder.full():
                history.extend(recorder.flush())

    return steps


def measure(root: Path, dataset: Dataset, batch_size: int, rounds: int) -> list[str]:
    settings = Settings(batch_size=batch_size)
    loops: dict[str, Callable[[int], object]] = {
        "article": article_step_loop(root, batch_size),
        "products": matrix_products(batch_size),
        "bare": Trainer(settings, dataset).train,
        "bare again": Trainer(settings, dataset).train,
        "instruments": instrumented(Trainer(settings, dataset)),
    }
    count = max(3, IMAGES // batch_size)
    short = max(3, count // 6)  # the article's loop is about that much slower
    turns: dict[str, Callable[[], float]] = {
        name: partial(per_step, loop, short if name == "article" else count) for name, loop in loops.items()
    }
    for turn in turns.values():
        turn()
    results = in_turn(turns, rounds)
    speed = 1 / statistics.median(results["instruments"])
    return [
        f"{batch_size:,}",
        f"{1 / statistics.median(results['article']):,.1f}",
        f"{speed:,.0f}",
        f"{ratio(results, 'article', 'bare'):.1f}×",
        f"{ratio(results, 'article', 'instruments'):.1f}×",
        f"{100 * ratio(results, 'products', 'bare'):.0f} %",
        f"{100 * ratio(results, 'products', 'instruments'):.0f} %",
        f"{100 * (ratio(results, 'bare again', 'bare') - 1):+.1f} %",
    ]


def per_step(loop: Callable[[int], object], count: int) -> float:
    """Seconds for one step."""
    return seconds(partial(loop, count)) / count


def main(threads: int = 1, rounds: int = 9) -> None:
    torch.set_num_threads(threads)
    dataset = load_dataset("fashion-mnist")
    with torchvision_folder() as root:
        rows = [measure(root, dataset, batch_size, rounds) for batch_size in BATCH_SIZES]
    print(f"{threads} thread{'s' if threads > 1 else ''}\n")
    table(
        [
            "batch",
            "article’s script, steps/s",
            "mlpviz with instruments, steps/s",
            "bare, speed relative to the script",
            "with instruments, speed relative to the script",
            "bare, speed relative to the matrix products",
            "with instruments, speed relative to the matrix products",
            "A/A",
        ],
        rows,
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
