"""The way back after an alarm: which rates are tried, their results, and when no way back is offered."""

from __future__ import annotations

import math

import pytest
import torch

from mlpviz import Settings, Trainer, load_dataset
from mlpviz.diagnosis import LN10, Cause, cause_of
from mlpviz.figures.diagnosis import words
from mlpviz.runs.branch import branch
from mlpviz.runs.run import Run
from mlpviz.stability.way_back import choose, find_way_back, rates_below
from tests.runs.working import work_off
from tests.stability.cases import case

MINI = "fashion-mnist-mini"


def failed(settings, change=None):
    """A run that trained until it stopped by itself, and its post-mortem."""
    run = Run(settings, load_dataset(MINI))
    run.start()
    while run.has_work():
        if change is not None and run.step == change[0]:
            run.change(change[1])
        run.advance()
    assert run.health.post_mortem is not None
    return run, run.health.post_mortem


def accuracy(run):
    return run.recording.evaluations[-1][2]


def gone_back(run, way_back):
    """The accuracy at the end of a branch with the suggested rate."""
    other = branch(run, way_back.step)
    assert other.step == way_back.step
    other.change(other.settings.replace(learning_rate=way_back.rate))
    other.start()
    work_off(other)
    assert other.step == run.total_steps, "no alarm stopped it"
    return accuracy(other)


def test_rates_are_one_and_three_times_powers_of_ten_below_the_one_that_failed():
    settings = Settings(learning_rate=0.5)
    rates = list(rates_below(settings, settings))
    assert rates[:5] == [0.3, 0.1, 0.03, 0.01, 0.003] and rates[-1] == 1e-5
    assert next(rates_below(Settings(learning_rate=0.3), Settings(learning_rate=0.3))) == 0.1
    before = Settings(learning_rate=0.05)
    assert next(rates_below(before, before.replace(momentum=0.99))) == 0.05, "before the change its own rate was fine"


def test_the_rate_with_the_lowest_loss_is_chosen_or_a_lower_one_that_is_about_as_good():
    assert choose([(1.0, math.inf), (0.3, 0.9), (0.1, 0.5), (0.03, 1.2)], 2.3) == 0.1
    assert choose([(0.3, 0.5), (0.1, 0.52), (0.03, 1.2)], 2.3) == 0.1
    assert choose([(0.3, math.inf), (0.1, math.inf)], 2.3) is None
    assert choose([(0.3, 2.3), (0.1, 2.29)], 2.3) is None, "it learns at none of them"
    assert choose([(0.1, 0.31), (0.03, 0.3)], 0.3) == 0.03, "a loss that is low already need not fall"


def test_the_losses_of_the_tried_rates_are_those_of_a_plain_trainer():
    """The same updates, from the same step, on a separate trainer."""
    run, post_mortem = failed(case(learning_rate=2.0, batch_size=128, epochs=4))
    way = post_mortem.way_back
    oracle = Trainer(run.settings, load_dataset(MINI))
    oracle.train(way.step)
    here = oracle.checkpoint()
    images, labels = oracle.dataset.train.images[:1024], oracle.dataset.train.labels[:1024]

    def loss():
        with torch.no_grad():
            return oracle.loss_fn(oracle.net(oracle.pixels(images)), labels).item()

    assert way.loss == loss() and way.steps == 100
    for rate, after in way.tried:
        if math.isfinite(after):
            oracle.restore(here)
            oracle.change(run.settings.replace(learning_rate=rate))
            oracle.train(way.steps)
            assert after == loss()
    text = words(post_mortem.diagnosis, post_mortem)
    assert f"Go back to step {way.step:,} with a learning rate of {way.rate:g}. This was tried" in text


def test_looking_for_a_way_back_does_not_change_the_run():
    settings = case(learning_rate=2.0, batch_size=128, epochs=4)
    run, post_mortem = failed(settings)
    assert torch.equal(torch.cat([p.flatten() for p in run.trainer.net.parameters()]), plain(settings, run.step))
    assert run.step == post_mortem.diagnosis.vitals.step


def plain(settings, steps):
    trainer = Trainer(settings, load_dataset(MINI))
    trainer.train(steps)
    return torch.cat([p.detach().flatten() for p in trainer.net.parameters()])


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        case(hidden_sizes=(64,), activation="identity", init="kaiming", batch_size=1, train_size=600, epochs=3, seed=1),
        case(hidden_sizes=(64,), learning_rate=3.0, batch_size=2, train_size=1000, epochs=3, seed=3),
        case(hidden_sizes=(64,), learning_rate=2.0, init="kaiming", batch_size=8, train_size=2000, epochs=4, seed=5),
    ],
    ids=lambda settings: f"batches of {settings.batch_size}",
)
def test_a_single_low_loss_does_not_count_as_healthy(settings):
    """With few images in a mini-batch, a loss can be low by chance, although the run went wrong long before."""
    run, post_mortem = failed(settings)
    way = post_mortem.way_back
    assert way.loss < 1.3 * LN10 and dict(way.tried)[way.rate] < way.loss
    usual = Run(settings.replace(learning_rate=0.01), load_dataset(MINI))
    usual.start()
    work_off(usual)
    assert gone_back(run, way) > accuracy(usual) - 0.05


def test_an_overflow_after_a_long_time_goes_back_to_where_the_trouble_began():
    """At step 200 the loss has been above 10¹¹ for a long time."""
    run, post_mortem = failed(case(hidden_sizes=(), activation="identity", learning_rate=10.0, init_std=0.1, seed=1))
    way = post_mortem.way_back
    assert way is not None and way.loss < 5 and gone_back(run, way) > 0.7


@pytest.mark.parametrize(
    ("settings", "cause", "said"),
    [
        (case(hidden_sizes=(), learning_rate=5.0, weight_decay=0.5, seed=1), Cause.DECAY, "1 − ηλ = −1.5"),
        (case(hidden_sizes=(64, 64), init_std=1.0), Cause.INIT, "initial weights are too large"),
        (case(hidden_sizes=(64, 64), init_std=5.0, seed=3), Cause.INIT, "initial weights are too large"),
        (case(hidden_sizes=(64,), init="zeros", activation="sigmoid"), Cause.ZERO_INIT, "All weights start at zero"),
        (case(hidden_sizes=(64,), weight_decay=1.0, epochs=20), Cause.DECAY, "sual values are 0.0001 to 0.01"),
    ],
    ids=["decay beyond 2", "std 1", "std 5", "zeros", "decay"],
)
def test_no_way_back_is_offered_if_going_back_can_t_help(settings, cause, said):
    run, post_mortem = failed(settings)
    assert cause_of(post_mortem.diagnosis) == cause and post_mortem.way_back is None
    text = words(post_mortem.diagnosis, post_mortem)
    assert said in text and "Go back" not in text and "lower" not in text
    run.publish()
    assert run.state.way_back is None and run.state.examined


def test_a_change_during_the_run_is_named_and_the_way_back_is_before_it():
    settings = case(hidden_sizes=(64,), epochs=15)
    run, post_mortem = failed(settings, (200, settings.replace(learning_rate=10.0)))
    way = post_mortem.way_back
    assert cause_of(post_mortem.diagnosis) == Cause.CHANGE
    text = words(post_mortem.diagnosis, post_mortem)
    assert "The last change before that: learning rate 0.1 → 10, at step 200." in text
    assert 150 <= way.step <= 201 and way.loss < 1.2
    assert gone_back(run, way) > 0.75


def test_if_the_latest_checkpoint_is_broken_an_earlier_one_is_used():
    trainer = Trainer(case(hidden_sizes=(64,)), load_dataset(MINI))
    first = trainer.checkpoint()
    trainer.train(60)
    well = trainer.checkpoint()
    trainer.change(trainer.settings.replace(learning_rate=10.0))
    trainer.train(30)
    broken = trainer.checkpoint()
    pieces = find_way_back(trainer, [broken, well, first], trainer.settings)
    while True:
        try:
            next(pieces)
        except StopIteration as stop:
            assert stop.value.step == 60
            return
