import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from mlpviz import Settings
from mlpviz.figures.step_zero import marks
from mlpviz.line_by_line.step_zero import IMAGES, INIT_STDS, first_signals, measure, predict
from mlpviz.network import build_network
from mlpviz.trainer import pixels
from tests.waiting import worked_off

ARTICLE = Settings(dataset="fashion-mnist-mini")
SPREAD = (
    {},
    {"hidden_sizes": ()},
    {"hidden_sizes": (256, 256, 256)},
    {"hidden_sizes": (300, 100), "activation": "tanh"},
    {"activation": "sigmoid"},
    {"activation": "gelu"},
    {"activation": "leaky_relu", "hidden_sizes": (200, 200)},
    {"activation": "identity", "seed": 5},
)


def keep(zs, _module, _inputs, z):
    z.retain_grad()
    zs.append(z)


@pytest.mark.parametrize("changes", SPREAD, ids=str)
def test_what_is_measured_is_the_runs_own_network(mini, changes):
    """Compared with the network that a run with that init std starts with, by hooks and autograd."""
    settings = ARTICLE.replace(**changes)
    stds = np.array([0.003, 0.07, 2.0])
    measured = worked_off(measure(settings, mini, stds))
    for row, init_std in enumerate(stds):
        generator = torch.Generator().manual_seed(settings.seed)
        net = build_network(settings.replace(init_std=float(init_std)), generator)
        zs = []
        for layer in net:
            if isinstance(layer, nn.Linear):
                layer.register_forward_hook(partial(keep, zs))
        logits = net(pixels(mini.train.images[:IMAGES]))
        losses = nn.functional.cross_entropy(logits, mini.train.labels[:IMAGES], reduction="none")
        losses.sum().backward()
        for layer, z in enumerate(zs):
            assert measured.values[row, layer] == pytest.approx(z.double().square().mean().sqrt().item(), rel=1e-4)
            assert measured.gradients[row, layer] == pytest.approx(
                z.grad.double().square().mean().sqrt().item(), rel=1e-3
            )
        assert measured.losses[row] == pytest.approx(losses.mean().item(), rel=1e-4)


@pytest.mark.parametrize("changes", SPREAD, ids=str)
def test_the_prediction_holds_over_five_orders_of_magnitude(mini, changes):
    settings = ARTICLE.replace(**changes)
    measured, predicted = worked_off(measure(settings, mini)), predict(settings, mini)
    assert measured.values.shape == predicted.values.shape == (25, 1 + len(settings.hidden_sizes))
    np.testing.assert_allclose(predicted.values, measured.values, rtol=0.25)
    np.testing.assert_allclose(predicted.gradients, measured.gradients, rtol=0.25)
    np.testing.assert_allclose(predicted.losses[:12], measured.losses[:12], rtol=0.02)
    assert (np.abs(np.log(predicted.losses / measured.losses)) < np.log(2)).all()


@pytest.mark.parametrize("changes", SPREAD[:5], ids=str)
def test_the_predicted_loss_is_the_average_over_networks(mini, changes):
    """One network's logits are similar for all images, so its loss may be far from the average."""
    stds = np.array([0.1, 0.5])
    settings = ARTICLE.replace(**changes)
    averages = np.mean(
        [worked_off(measure(settings.replace(seed=seed), mini, stds)).losses for seed in range(24)], axis=0
    )
    np.testing.assert_allclose(predict(settings, mini, stds).losses, averages, rtol=0.2)


def test_the_prediction_is_the_closed_form_for_relu(mini):
    """Var(z₁) = n σ² E[x²], E[h²] = Var(z₁)/2, E[φ'²] = 1/2, and tiny logits give (softmax − onehot)² = 0.09."""
    init_std = 1e-3
    predicted = predict(ARTICLE, mini, np.array([init_std]))
    square = (mini.train.images[:IMAGES].double() / 255).square().mean().item()
    first = 784 * init_std**2 * square
    second = 256 * init_std**2 * first / 2
    np.testing.assert_allclose(predicted.values[0] ** 2, [first, second], rtol=1e-3)
    np.testing.assert_allclose(predicted.gradients[0] ** 2, [0.5 * 10 * init_std**2 * 0.09, 0.09], rtol=1e-3)
    assert predicted.losses[0] == pytest.approx(math.log(10), abs=1e-3)


def test_small_stds_guess_and_large_ones_have_a_large_loss(mini):
    measured = worked_off(measure(ARTICLE, mini))
    assert measured.losses[0] == pytest.approx(math.log(10), abs=1e-6)
    assert measured.losses[-1] > 1000


def test_dead_and_flat_units(mini):
    relu = worked_off(measure(ARTICLE, mini))
    with torch.no_grad():
        net = build_network(ARTICLE.replace(init_std=1.0), torch.Generator().manual_seed(0))
        h = net[2](net[1](net[0](pixels(mini.train.images[:IMAGES]))))
    assert relu.flat_shares[-1, 0] == pytest.approx((h == 0).float().mean().item(), abs=1e-6)
    assert relu.dead_shares[-1, 0] == pytest.approx((h == 0).all(dim=0).float().mean().item(), abs=1e-6)
    tanh = worked_off(measure(ARTICLE.replace(activation="tanh"), mini))
    assert tanh.flat_shares[0, 0] == 0 and tanh.flat_shares[-1, 0] > 0.8, "saturated"


def test_the_marks_are_pytorchs(mini):
    """The spread of what PyTorch's own initialisers draw for the first layer."""
    weight = torch.empty(256, 784)
    named = marks(ARTICLE)
    assert named["article"] == 0.01
    assert named["Xavier"] == pytest.approx(nn.init.xavier_normal_(weight).std().item(), rel=0.01)
    assert named["Kaiming"] == pytest.approx(
        nn.init.kaiming_normal_(weight, nonlinearity="relu").std().item(), rel=0.01
    )


def test_the_global_generator_does_not_change(mini, global_generator_untouched):
    worked_off(measure(ARTICLE, mini, INIT_STDS[:2]))
    predict(ARTICLE, mini, INIT_STDS[:2])


def test_both_come_together_over_the_whole_range_or_at_one_std(mini):
    measured, predicted = worked_off(first_signals(ARTICLE, mini, 0.05))
    assert measured.init_stds.tolist() == predicted.init_stds.tolist() == [0.05]
    assert measured.losses == pytest.approx(worked_off(measure(ARTICLE, mini, np.array([0.05]))).losses)
    wide, _ = worked_off(first_signals(ARTICLE.replace(hidden_sizes=(1024,) * 3), mini))
    assert wide.init_stds.tolist() == INIT_STDS[::3].tolist(), "fewer if the network is large"
