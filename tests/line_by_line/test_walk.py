import numpy as np
import pytest
import torch
from torch import nn

from mlpviz import Settings, Trainer
from mlpviz.line_by_line.walk import came_true, move, take_apart

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(12, 8), batch_size=100, init_std=0.1)
OPTIMIZERS = (
    {},
    {"momentum": 0.9, "weight_decay": 0.01},
    {"momentum": 0.9, "nesterov": True},
    {"optimizer": "adam", "learning_rate": 0.001, "weight_decay": 0.01},
    {"optimizer": "adamw", "learning_rate": 0.001, "weight_decay": 0.1},
    {"optimizer": "rmsprop", "learning_rate": 0.001, "weight_decay": 0.01},
)


@pytest.mark.parametrize("steps", [0, 3, 10])
@pytest.mark.parametrize("changes", OPTIMIZERS, ids=str)
def test_the_walk_predicts_the_bits_of_the_next_update(tiny, changes, steps):
    trainer = Trainer(SMALL.replace(**changes), tiny)
    trainer.train(steps)  # 10 is the end of an epoch: the next mini-batch needs a new order
    walked = take_apart(trainer)
    assert not came_true(walked, trainer)
    (loss,) = trainer.train(1).tolist()
    assert came_true(walked, trainer)
    assert walked.walk.step == trainer.step == steps + 1 and walked.walk.loss == loss


def test_a_walk_does_not_change_the_run(tiny, global_generator_untouched):
    walked, alone = Trainer(SMALL.replace(momentum=0.9), tiny), Trainer(SMALL.replace(momentum=0.9), tiny)
    losses = []
    for _ in range(25):
        take_apart(walked)
        losses += walked.train(1).tolist()
    assert losses == alone.train(25).tolist()


def test_came_true_sees_a_single_changed_bit(tiny):
    trainer = Trainer(SMALL, tiny)
    walked = take_apart(trainer)
    trainer.train(1)
    with torch.no_grad():
        weight = trainer.net[1].weight
        weight[3, 5] = torch.nextafter(weight[3, 5], torch.tensor(1.0))
    assert not came_true(walked, trainer)


def test_each_part_agrees_with_the_formulas_in_float64(tiny):
    """The network, the loss and the backward pass written out by hand."""
    trainer = Trainer(SMALL, tiny)
    trainer.train(4)
    old = [float(p.grad.double().norm()) for p in trainer.net.parameters()]
    walked = take_apart(trainer)
    W1, b1, W2, b2, W3, b3 = (p.before.astype(np.float64) for p in walked.updates)
    x = walked.X.reshape(-1, 784).double().numpy()
    y = walked.walk.labels
    h1 = np.maximum(0, x @ W1.T + b1)
    h2 = np.maximum(0, h1 @ W2.T + b2)
    z = h2 @ W3.T + b3
    log_sum = np.log(np.exp(z).sum(axis=1))
    losses = log_sum - z[np.arange(len(y)), y]
    delta3 = (np.exp(z - log_sum[:, None]) - np.eye(10)[y]) / len(y)
    delta2 = (delta3 @ W3) * (h2 > 0)
    delta1 = (delta2 @ W2) * (h1 > 0)
    gradients = [delta1.T @ x, delta1.sum(0), delta2.T @ h1, delta2.sum(0), delta3.T @ h2, delta3.sum(0)]

    close = {"rtol": 2e-4, "atol": 2e-6}
    np.testing.assert_array_equal(walked.walk.images, walked.X.numpy()[:64])
    for kept, h in zip(walked.walk.hidden, (h1, h2), strict=True):
        np.testing.assert_allclose(kept, h[:64], **close)
    for silent, h in zip(walked.walk.silent, (h1, h2), strict=True):
        np.testing.assert_array_equal(silent, (h == 0).all(axis=0))
    np.testing.assert_allclose(walked.walk.logits, z, **close)
    np.testing.assert_allclose(walked.walk.losses, losses, **close)
    assert walked.walk.loss == pytest.approx(losses.mean(), rel=1e-5)
    np.testing.assert_allclose(walked.walk.logit_gradient, delta3, **close)
    for parameter, gradient, norm in zip(walked.updates, gradients, old, strict=True):
        np.testing.assert_allclose(parameter.gradient, gradient, **close)
        np.testing.assert_allclose(parameter.after, parameter.before - 0.1 * gradient, **close)
        assert parameter.old_norm == pytest.approx(norm)


def test_before_the_first_update_there_is_no_gradient_to_clear(tiny):
    assert {p.old_norm for p in take_apart(Trainer(SMALL, tiny)).updates} == {None}


@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("changes", OPTIMIZERS, ids=str)
def test_the_update_by_hand_is_the_optimizers(tiny, changes, steps):
    trainer = Trainer(SMALL.replace(**changes), tiny)
    trainer.train(steps)
    walked = take_apart(trainer)
    for parameter in walked.updates:
        for place in np.ndindex(
            *parameter.before[:7, :40].shape if parameter.before.ndim > 1 else parameter.before.shape
        ):
            done = move(walked.walk.settings, parameter, place)
            assert done.actual == parameter.after[place] and done.gradient == parameter.gradient[place]
            assert done.ulps < 4, (parameter.name, place)


def test_a_wrong_rule_is_noticed(tiny):
    walked = take_apart(Trainer(SMALL, tiny))
    wrong = walked.walk.settings.replace(learning_rate=0.1001)
    place = np.unravel_index(np.abs(walked.updates[0].gradient).argmax(), (12, 784))
    assert (
        move(walked.walk.settings, walked.updates[0], place).ulps < 2 < 10 < move(wrong, walked.updates[0], place).ulps
    )


def test_a_walk_of_a_broken_run_shows_it(tiny):
    trainer = Trainer(SMALL, tiny)
    with torch.no_grad():
        trainer.net[1].weight[0, :] = float("nan")
    walked = take_apart(trainer)
    assert np.isnan(walked.walk.loss) and np.isnan(walked.update("W1").after).any()
    trainer.train(1)
    assert came_true(walked, trainer), "NaN where NaN was predicted"


def test_a_network_without_hidden_layers_can_be_walked(tiny):
    walked = take_apart(Trainer(SMALL.replace(hidden_sizes=()), tiny))
    assert walked.walk.hidden == () and [p.name for p in walked.updates] == ["W1", "b1"]
    assert isinstance(walked.net[0], nn.Flatten)


def test_a_page_is_told_where_each_gradient_is_largest(tiny):
    trainer = Trainer(SMALL, tiny)
    trainer.train(3)
    walked = take_apart(trainer)
    for summary, update in zip(walked.walk.parameters, walked.updates, strict=True):
        assert (summary.name, summary.shape) == (update.name, update.gradient.shape)
        assert abs(update.gradient[summary.largest]) == np.abs(update.gradient).max()
        assert summary.old_norm == update.old_norm
        assert walked.move(update.name, summary.largest) == move(walked.walk.settings, update, summary.largest)
