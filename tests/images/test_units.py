import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz.images import units
from mlpviz.images.units import answers_of_layer, importance, logits_from, unit_look, unit_table, without
from mlpviz.network import activations, linears
from mlpviz.trainer import pixels
from tests.waiting import worked_off


@pytest.fixture(scope="module")
def net(mini):
    settings = Settings(dataset="fashion-mnist-mini", hidden_sizes=(12, 8), batch_size=100, init="kaiming")
    trainer = Trainer(settings, mini)
    trainer.train(200)
    return trainer.net


def test_activations_are_those_of_the_forward_pass(net, mini):
    x = pixels(mini.test.images)
    W1, W2, _ = linears(net)
    h1 = torch.relu(W1(x.flatten(1)))
    h2 = torch.relu(W2(h1))
    torch.testing.assert_close(worked_off(answers_of_layer(net, mini.test.images, 0)), h1.detach())
    torch.testing.assert_close(worked_off(answers_of_layer(net, mini.test.images, 1)), h2.detach())
    torch.testing.assert_close(logits_from(net, h1, 0), net(x).detach())
    torch.testing.assert_close(logits_from(net, h2, 1), net(x).detach())
    assert activations(net) == [2, 4]


def test_switching_a_unit_off_is_the_same_as_a_column_of_zeros_in_the_next_weights(net, mini):
    """The oracle changes the weights. The code changes the activations."""
    x = pixels(mini.test.images)
    h = worked_off(answers_of_layer(net, mini.test.images, 0))
    changed = torch.nn.Sequential(*[torch.nn.Sequential(layer) for layer in net])
    W2 = linears(net)[1]
    kept = W2.weight.detach().clone()
    with torch.no_grad():
        W2.weight[:, [3, 5]] = 0
        oracle = changed(x)
        W2.weight.copy_(kept)
    torch.testing.assert_close(logits_from(net, without(h, [3, 5]), 0), oracle)
    assert (h[:, 3] != 0).any(), "the given activations do not change"


@pytest.mark.parametrize("layer", [0, 1])
def test_importance_is_the_accuracy_lost(net, mini, layer):
    h = worked_off(answers_of_layer(net, mini.test.images, layer))
    lost, n = worked_off(importance(net, h, mini.test.labels, layer))
    assert n == len(mini.test.labels) and lost.shape == (h.shape[1],)
    whole = (net(pixels(mini.test.images)).argmax(1) == mini.test.labels).double().mean()
    for unit in range(h.shape[1]):
        there = logits_from(net, without(h, [unit]), layer)
        assert lost[unit] == pytest.approx(float(whole - (there.argmax(1) == mini.test.labels).double().mean()))
    assert lost.max() > 0


def test_importance_uses_fewer_images_if_it_would_cost_too_much(net, mini, monkeypatch):
    monkeypatch.setattr(units, "WORK", 12 * (12 * 8 + 8 * 10) * 500)
    h = worked_off(answers_of_layer(net, mini.test.images, 0))
    assert worked_off(importance(net, h, mini.test.labels, 0))[1] == 500


def test_a_dead_unit_has_no_importance(mini):
    net = Trainer(Settings(dataset="fashion-mnist-mini", hidden_sizes=(6,), init="kaiming"), mini).net
    with torch.no_grad():
        linears(net)[0].weight[2] = 0
        linears(net)[0].bias[2] = -1
    h = worked_off(answers_of_layer(net, mini.test.images, 0))
    assert (h[:, 2] == 0).all() and worked_off(importance(net, h, mini.test.labels, 0))[0][2] == 0


@pytest.mark.parametrize("layer", [0, 1])
def test_the_table_describes_each_unit(net, mini, layer):
    h = worked_off(answers_of_layer(net, mini.test.images, layer))
    table = worked_off(unit_table(net, h, mini.test.labels, layer, step=200))
    linear = linears(net)[layer]
    assert table.step == 200 and table.norms == pytest.approx(linear.weight.detach().norm(dim=1).numpy())
    means = torch.stack([h[mini.test.labels == c].mean(dim=0) for c in range(10)])
    alive = (h != 0).any(dim=0)
    assert table.dead.tolist() == (~alive).tolist()
    assert table.favourites[alive].tolist() == means.argmax(dim=0)[alive].tolist()
    assert (table.favourites[~alive.numpy()] == -1).all()
    assert (table.weights is None) == (layer == 1)


def test_a_look_at_a_unit_shows_what_activates_it_and_what_is_lost_without_it(net, mini):
    h = worked_off(answers_of_layer(net, mini.test.images, 0))
    look = worked_off(unit_look(net, h, mini.test, 0, 3, step=200))
    assert (look.step, look.unit) == (200, 3)
    assert torch.equal(torch.from_numpy(look.answers), h[:, 3])
    assert look.answers[look.strongest].tolist() == h[:, 3].topk(8).values.tolist()
    assert (look.images == mini.test.images[look.strongest].numpy()).all()
    assert look.predicted.tolist() == net(pixels(mini.test.images)).argmax(1).tolist()
    assert look.without.tolist() == logits_from(net, without(h, [3]), 0).argmax(1).tolist()


def test_pieces_of_a_large_network_are_small(mini):
    """A large network gets more pieces of work, not longer ones, so that other tasks get their turns in between."""
    net = Trainer(Settings(dataset="fashion-mnist-mini", hidden_sizes=(1024,) * 3, batch_size=100), mini).net
    pieces = list(answers_of_layer(net, mini.test.images[:300], 2))
    parameters = sum(p.numel() for p in net.parameters())
    assert len(pieces) >= 300 * parameters / 2e8
