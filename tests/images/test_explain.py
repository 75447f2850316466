import copy

import numpy as np
import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz.images.explain import along_gradient, contributions, logits, neighbours, saliency
from mlpviz.network import linears
from mlpviz.trainer import pixels
from tests.waiting import worked_off


@pytest.fixture(scope="module", params=[(16,), (16, 12), ()], ids=str)
def trained(request, mini):
    settings = Settings(
        dataset="fashion-mnist-mini", hidden_sizes=request.param, batch_size=100, activation="tanh", init="xavier"
    )
    trainer = Trainer(settings, mini)
    trainer.train(100)
    return trainer.net


@pytest.fixture(scope="module")
def x(mini):
    return pixels(mini.test.images[5])


def test_saliency_is_a_finite_difference(trained, x):
    found = saliency(trained, x, 3).values
    double = torch.nn.Sequential(*trained).double()
    for row, column in ((14, 14), (3, 20), (27, 0)):
        nudge = torch.zeros(28, 28, dtype=torch.float64)
        nudge[row, column] = 1e-4
        up, down = (double((x.double() + sign * nudge)[None])[0, 3].item() for sign in (1, -1))
        assert found[row, column] == pytest.approx((up - down) / 2e-4, rel=1e-3, abs=1e-6)
    trained.float()


def test_contributions_and_bias_add_up_to_the_logit(trained, x):
    for c in (0, 7):
        found = contributions(trained, x, c)
        assert found.values.sum() + found.bias == pytest.approx(found.logit, abs=1e-5)
        assert found.logit == pytest.approx(float(logits(trained, x)[c]), abs=1e-6)
        for_it, against = found.strongest()
        assert (found.values[for_it] > 0).all() and (found.values[against] < 0).all()
        assert found.values[for_it[0]] == found.values.max() and found.values[against[0]] == found.values.min()


def test_one_contribution_by_hand(trained, x):
    layers = linears(trained)
    with torch.no_grad():
        h = x.flatten()
        for linear in layers[:-1]:
            h = torch.tanh(linear(h))
    found = contributions(trained, x, 2)
    assert found.values[4] == pytest.approx(h[4].item() * layers[-1].weight[2, 4].item(), rel=1e-5)


def test_the_neighbours_are_the_same_as_by_brute_force(trained, x, mini):
    found = worked_off(neighbours(trained, x[None], mini.train))
    with torch.no_grad():
        distances = torch.cdist(trained[:-1](x[None]).double(), trained[:-1](pixels(mini.train.images)).double())[0]
    expected = distances.sort()
    np.testing.assert_allclose(found.distances[0], expected.values[:8], rtol=1e-4)
    assert found.labels.tolist() == mini.train.labels[torch.as_tensor(found.indices)].tolist()
    assert found.indices[0, 0] == expected.indices[0]
    assert (found.images[0] == mini.train.images[found.indices[0]].numpy()).all()


def test_an_image_is_its_own_nearest_neighbour(trained, mini):
    found = worked_off(neighbours(trained, pixels(mini.train.images[7:9]), mini.train, k=1))
    assert found.indices.tolist() == [[7], [8]] and found.distances == pytest.approx(np.zeros((2, 1)), abs=1e-4)


def test_the_flip_is_where_the_prediction_changes(trained, x):
    path = along_gradient(trained, x, furthest=30)
    first, second = trained(x[None])[0].topk(2).indices.tolist()
    assert path.logits[0].argmax() == first and path.towards == second
    assert path.flip is not None and path.images.min() >= 0 and path.images.max() <= 1
    start = x.detach().requires_grad_()
    z = trained(start[None])[0]
    (z[second] - z[first]).backward()
    direction = start.grad / start.grad.norm()
    for epsilon, same in ((path.flip * 0.999, True), (path.flip * 1.001, False)):
        there = (x + epsilon * direction).clamp(0, 1)
        assert (trained(there[None]).argmax().item() == first) == same
    assert path.moved == pytest.approx(((x + path.flip * direction).clamp(0, 1) - x).norm().item(), rel=1e-4)


def test_a_very_confident_network_flips_at_the_same_place(trained, x):
    """Larger last weights make it more confident and change no prediction. The gradient of the loss would vanish."""
    path = along_gradient(trained, x, furthest=30)
    sure = copy.deepcopy(trained)
    with torch.no_grad():
        sure[-1].weight *= 1000
        sure[-1].bias *= 1000
    assert along_gradient(sure, x, furthest=30).flip == pytest.approx(path.flip, rel=1e-3)


def test_a_network_without_a_gradient_never_flips(mini):
    net = Trainer(Settings(dataset="fashion-mnist-mini", init="zeros"), mini).net
    path = along_gradient(net, pixels(mini.test.images[0]))
    assert path.flip is None and not path.gradient and np.isfinite(path.logits).all()
