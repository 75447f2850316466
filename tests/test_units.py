import pytest
import torch

from mlpviz import Settings, Trainer, units
from mlpviz.network import linears
from mlpviz.trainer import pixels
from mlpviz.units import activations, hidden_layers, importance, logits_from, without


@pytest.fixture(scope="module")
def net(mini):
    settings = Settings(dataset="fashion-mnist-mini", hidden_sizes=(12, 8), batch_size=100, init="kaiming")
    trainer = Trainer(settings, mini)
    trainer.train(200)
    return trainer.net


def test_activations_are_those_of_the_forward_pass(net, mini):
    x = pixels(mini.test_images)
    W1, W2, _ = linears(net)
    h1 = torch.relu(W1(x.flatten(1)))
    h2 = torch.relu(W2(h1))
    torch.testing.assert_close(activations(net, mini.test_images, 0), h1.detach())
    torch.testing.assert_close(activations(net, mini.test_images, 1), h2.detach())
    torch.testing.assert_close(logits_from(net, h1, 0), net(x).detach())
    torch.testing.assert_close(logits_from(net, h2, 1), net(x).detach())
    assert hidden_layers(net) == [2, 4]


def test_a_unit_switched_off_is_a_column_of_the_next_weights_gone(net, mini):
    """The oracle changes the weights, the code the activations."""
    x = pixels(mini.test_images)
    h = activations(net, mini.test_images, 0)
    changed = torch.nn.Sequential(*[torch.nn.Sequential(layer) for layer in net])
    W2 = linears(net)[1]
    kept = W2.weight.detach().clone()
    with torch.no_grad():
        W2.weight[:, [3, 5]] = 0
        oracle = changed(x)
        W2.weight.copy_(kept)
    torch.testing.assert_close(logits_from(net, without(h, [3, 5]), 0), oracle)
    assert (h[:, 3] != 0).any(), "the given activations are left alone"


@pytest.mark.parametrize("layer", [0, 1])
def test_importance_is_the_accuracy_lost(net, mini, layer):
    h = activations(net, mini.test_images, layer)
    lost, n = importance(net, h, mini.test_labels, layer)
    assert n == len(mini.test_labels) and lost.shape == (h.shape[1],)
    whole = (net(pixels(mini.test_images)).argmax(1) == mini.test_labels).double().mean()
    for unit in range(h.shape[1]):
        there = logits_from(net, without(h, [unit]), layer)
        assert lost[unit] == pytest.approx(float(whole - (there.argmax(1) == mini.test_labels).double().mean()))
    assert lost.max() > 0


def test_importance_takes_fewer_images_where_it_would_cost_too_much(net, mini, monkeypatch):
    monkeypatch.setattr(units, "WORK", 12 * (12 * 8 + 8 * 10) * 500)
    assert importance(net, activations(net, mini.test_images, 0), mini.test_labels, 0)[1] == 500


def test_a_dead_unit_costs_nothing(mini):
    net = Trainer(Settings(dataset="fashion-mnist-mini", hidden_sizes=(6,), init="kaiming"), mini).net
    with torch.no_grad():
        linears(net)[0].weight[2] = 0
        linears(net)[0].bias[2] = -1
    h = activations(net, mini.test_images, 0)
    assert (h[:, 2] == 0).all() and importance(net, h, mini.test_labels, 0)[0][2] == 0
