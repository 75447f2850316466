"""How long each of the five lines takes, measured on a copy of the network."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator

import torch

from mlpviz.trainer import Trainer, make_optimizer

ENOUGH = 0.05  # seconds of measuring


def line_shares(trainer: Trainer) -> Iterator[tuple[float, ...] | None]:
    """Measure one step of a copy at a time: yields None after each, and at the end the five lines' shares of a step's
    time; they add up to 1.

    The copy trains on the first images of the training set, so that nothing is drawn from the trainer's generator.
    """
    net = copy.deepcopy(trainer.net)
    optimizer = make_optimizer(net, trainer.settings)
    size, train = trainer.settings.batch_size, trainer.dataset.train
    X, y = trainer.pixels(train.images[:size]), train.labels[:size]
    steps: list[list[float]] = []
    while len(steps) < 2 or sum(map(sum, steps[1:])) < ENOUGH:
        clock = [_now(trainer.device)]
        logits = net(X)
        clock.append(_now(trainer.device))
        loss = trainer.loss_fn(logits, y)
        clock.append(_now(trainer.device))
        optimizer.zero_grad()
        clock.append(_now(trainer.device))
        loss.backward()
        clock.append(_now(trainer.device))
        optimizer.step()
        clock.append(_now(trainer.device))
        steps.append([after - before for before, after in itertools.pairwise(clock)])
        yield None
    undisturbed = [min(times) for times in zip(*steps[1:], strict=True)]  # the first step makes the optimizer's state
    yield tuple(seconds / sum(undisturbed) for seconds in undisturbed)


def _now(device: torch.device) -> float:
    """The time in seconds, once the device has done all its work. On a CPU it is this thread's own time, which stands
    still while other programs use the processor."""
    if device.type == "cpu":
        return time.thread_time()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()
