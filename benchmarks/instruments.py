"""The cost of the instruments: each is compared with the same loop without it, in turn. As a control (A/A), the bare
loop is compared with itself.

`python -m benchmarks.instruments [rounds]`
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from functools import partial

import torch

from benchmarks.measure import in_turn, ratio, seconds, table
from mlpviz import Dataset, Settings, Trainer
from mlpviz.catalog import default_dataset
from mlpviz.datasets import load_dataset
from mlpviz.history import History
from mlpviz.network import linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.observe.first_layer import FirstLayer
from mlpviz.observe.histograms import histogram
from mlpviz.observe.inspector import PROBE_IMAGES, Inspector
from mlpviz.observe.steps import StepRecorder
from mlpviz.observe.updates import norm, update_ratios
from mlpviz.runs.run import Run
from mlpviz.snapshot import REFRESH
from mlpviz.trainer import pixels


def per_step(batch_size: int, dataset: Dataset, rounds: int) -> list[list[str]]:
    """Rows: the instruments of `mlpviz.observe.steps`, which work at each step, and their parts."""
    trainer = Trainer(Settings(dataset=dataset.name, batch_size=batch_size, learning_rate=0.01), dataset)
    steps = max(8, 2_048 // batch_size)  # short turns, so that both of a pair run under the same conditions
    recorder, history = StepRecorder(trainer.net), History(StepRecorder(trainer.net).columns)

    def bare() -> None:
        for _ in range(steps):
            trainer.train_one()

    def recorded() -> None:
        for _ in range(steps):
            recorder.record(*trainer.train_one())
            if recorder.full():
                history.extend(recorder.flush())

    def losses() -> None:
        torch.stack([trainer.train_one()[1].detach() for _ in range(steps)])

    def accuracies() -> None:
        kept = [trainer.train_one() for _ in range(steps)]
        logits, labels = torch.cat([step[0].detach() for step in kept]), torch.cat([step[2] for step in kept])
        (logits.argmax(dim=1) == labels).float()

    def gradient_norms() -> None:
        squares = []
        for _ in range(steps):
            trainer.train_one()
            gradients = [p.grad.view(-1) for p in trainer.net.parameters() if p.grad is not None]
            squares += [torch.dot(gradient, gradient) for gradient in gradients]
        torch.stack(squares).sqrt_()

    contestants: dict[str, Callable[[], float]] = {
        "bare": partial(seconds, bare),
        "bare again (A/A)": partial(seconds, bare),
        "loss": partial(seconds, losses),
        "batch accuracy": partial(seconds, accuracies),
        "gradient norms": partial(seconds, gradient_norms),
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
    """Rows: each part of an inspection, the whole inspection with its update ratios, and an evaluation (once each
    epoch); in milliseconds and as a share of the time."""
    trainer = Trainer(Settings(dataset=dataset.name), dataset)
    trainer.train(50)
    net, inspector, first_layer = trainer.net, Inspector(trainer), FirstLayer()
    inspector.sample()
    first_layer.choose(net)
    weights = [linear.weight for linear in linears(net)]

    def ratios() -> list[float]:
        with update_ratios(net) as measured:
            pass
        return measured

    parts: dict[str, Callable[[], object]] = {
        "weight histograms": lambda: [histogram(weight) for weight in weights],
        "gradient histograms": lambda: [histogram(weight.grad) for weight in weights if weight.grad is not None],
        "weight norms": lambda: [norm(weight.detach()) for weight in weights],
        "dead units, on 512 images": lambda: dead_shares(net, pixels(trainer.dataset.test.images[:PROBE_IMAGES])),
        "first-layer images": lambda: first_layer.images(net),
        "update ratios": ratios,
        "a look: dead units and update ratios": lambda: inspector.sample(ratios()),
        "a snapshot: histograms, norms and images": inspector.inspect,
    }
    rows = []
    for name, part in parts.items():
        milliseconds = 1e3 * statistics.median(seconds(part) for _ in range(rounds))
        rows.append([name, f"{milliseconds:.2f}", f"{milliseconds / 10 / REFRESH:.1f} %"])
    milliseconds = 1e3 * statistics.median(seconds(trainer.evaluate) for _ in range(9))
    return [*rows, ["the test set, once an epoch", f"{milliseconds:.0f}", "–"]]


def per_run(dataset: Dataset, steps: int = 2_350) -> list[list[str]]:
    """Rows: what the looks of a whole run cost, what judging it and what its film cost, over the time of its steps. The
    run itself keeps these times, as the page shows them."""
    rows = []
    for batch_size in (1, 8, 32, 256, 1024):
        settings = Settings(dataset=dataset.name, batch_size=batch_size, learning_rate=0.01, epochs=1000)
        run = Run(settings, dataset)
        run.start()
        while run.step < steps:
            run.advance()
        prices = {price.name: price for price in run.recording.prices.list()}
        steps_took = prices["training"].seconds + prices["steps"].seconds
        looks, judging, film = prices["inspection"], prices["watchdog"], prices["film"]
        shares = [f"{100 * each.seconds / steps_took:.1f} %" for each in (looks, judging, film)]
        moments = [f"{film.times}", f"{run.film.index().bytes / 1e6:.1f} MB"]
        rows.append([f"{batch_size:,}", f"{looks.times}", f"{looks.seconds:.2f} s", *shares, *moments])
    return rows


def main(rounds: int = 301, threads: int = 1) -> None:
    torch.set_num_threads(threads)
    dataset = load_dataset(default_dataset())
    rows = [row for batch_size in (32, 256) for row in per_step(batch_size, dataset, rounds)]
    table(["per step", "batch", "extra time over the bare loop"], rows)
    of_the_steps = ["looks, of the steps", "watchdog", "film"]
    table(["batch", "looks in 2,350 steps", "together", *of_the_steps, "moments", "size"], per_run(dataset))
    table(["per refresh", "ms", f"share of the time, once every {REFRESH} s"], per_refresh(dataset, rounds))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 301)
