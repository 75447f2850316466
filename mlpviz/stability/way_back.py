"""A way back for a run that failed: a step to go back to, and a learning rate that worked there on a copy."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mlpviz.diagnosis import GUESSES, LN10, WayBack
from mlpviz.settings import Settings
from mlpviz.trainer import Checkpoint, Trainer, pixels

# Updates at each rate: enough for 12,800 images, within bounds. For the article's network, all rates together take
# about two seconds.
IMAGES, FEWEST, MOST = 12_800, 50, 400
LOWEST_RATE = 1e-5
PATIENCE = 2  # after this many rates in a row that are worse than the best, lower ones are not tried
RUNAWAY = 3.0  # a rate is too high if the loss grows to this many times the loss before, or that of guessing
LEARNT = 0.97  # the network learns if the loss falls to this many times the loss before
GOOD = 0.3 * LN10  # a loss this low is good, even if it does not fall
AS_GOOD = 1.15  # a loss up to this many times the lowest is about as good; the lower of two such rates is safer


def find_way_back(
    trainer: Trainer, candidates: Sequence[Checkpoint], failed: Settings
) -> Generator[None, None, WayBack | None]:
    """Try rates at the latest checkpoint and at the first; if the first does better, also at those in between. Works in
    pieces of one update.

    Args:
        trainer: a trainer of the same run, which trains the copies.
        candidates: checkpoints to go back to, the latest first.
        failed: the settings with which the run failed.
    """
    latest, *between = candidates
    first = between.pop() if between else None
    best = yield from try_rates(trainer, latest, failed)
    if first is None:
        return best
    begun = yield from try_rates(trainer, first, failed)
    if _loss(best) <= _loss(begun):
        return best
    for checkpoint in between:
        tried = yield from try_rates(trainer, checkpoint, failed)
        if _loss(tried) <= _loss(begun):
            return tried
    return begun


def try_rates(trainer: Trainer, checkpoint: Checkpoint, failed: Settings) -> Generator[None, None, WayBack | None]:
    """Train a copy from the checkpoint at several rates, from high to low; None if it learns at none of them."""
    probe, labels = _probe(trainer)
    trainer.restore(checkpoint)
    before = _loss_on(trainer, probe, labels)
    steps = min(max(FEWEST, IMAGES // checkpoint.settings.batch_size), MOST)
    tried: list[tuple[float, float]] = []
    for rate in rates_below(checkpoint.settings, failed):
        loss = yield from _train(trainer, checkpoint, rate, steps, before)
        tried.append((rate, loss if math.isinf(loss) else _loss_on(trainer, probe, labels)))
        if _no_better(tried):
            break
    chosen = choose(tried, before)
    return None if chosen is None else WayBack(checkpoint.step, chosen, tuple(tried), before, steps)


def rates_below(settings: Settings, failed: Settings) -> Iterator[float]:
    """1 and 3 times powers of ten, below the rate that failed, from high to low. If another setting was changed since
    `settings`, their own rate comes first: it may have been fine."""
    if settings.replace(epochs=failed.epochs) != failed:
        yield settings.learning_rate
    exponent = math.floor(math.log10(failed.learning_rate))
    for power in range(exponent, -6, -1):
        for mantissa in (3, 1):
            rate = float(f"{mantissa}e{power}")
            if LOWEST_RATE <= rate < 0.9 * failed.learning_rate and rate != settings.learning_rate:
                yield rate


def choose(tried: Sequence[tuple[float, float]], before: float) -> float | None:
    """The rate with the lowest loss, or a lower rate that is about as good; None if the network learnt at none."""
    finite = [(rate, loss) for rate, loss in tried if math.isfinite(loss)]
    if not finite:
        return None
    lowest = min(loss for _, loss in finite)
    if lowest > min(GUESSES, max(LEARNT * before, GOOD)):
        return None
    return min(rate for rate, loss in finite if loss <= AS_GOOD * lowest)


def _train(
    trainer: Trainer, checkpoint: Checkpoint, rate: float, steps: int, before: float
) -> Generator[None, None, float]:
    """Train a copy. Returns the loss of the last mini-batch, or infinity if the loss diverges."""
    trainer.restore(checkpoint)
    trainer.change(checkpoint.settings.replace(learning_rate=rate))
    limit, mean, loss = RUNAWAY * max(before, LN10), before, before
    for _ in range(steps):
        loss = trainer.train_one()[1].item()
        mean = 0.9 * mean + 0.1 * loss
        if not mean < limit:  # also true for NaN
            return math.inf
        yield
    return loss


def _no_better(tried: Sequence[tuple[float, float]]) -> bool:
    """Whether the latest rates were all worse than the best, so that lower ones need not be tried."""
    losses = [loss for _, loss in tried]
    return math.isfinite(min(losses)) and len(losses) - 1 - losses.index(min(losses)) >= PATIENCE


def _loss(way_back: WayBack | None) -> float:
    """The loss after the updates at the chosen rate; infinite if there is no way back."""
    return dict(way_back.tried)[way_back.rate] if way_back is not None else math.inf


def _probe(trainer: Trainer) -> tuple[Tensor, Tensor]:
    """Up to 1,024 training images, and their labels."""
    train = trainer.dataset.train
    count = min(1024, trainer.train_size)
    return pixels(train.images[:count]), train.labels[:count]


def _loss_on(trainer: Trainer, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        loss = cross_entropy(trainer.net(images), labels).item()
    return loss if math.isfinite(loss) else math.inf
