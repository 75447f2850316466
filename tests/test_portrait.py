"""One image on its way through the network, compared with PyTorch's autograd, with sums and with finite differences."""

import copy

import numpy as np
import pytest
import torch

from mlpviz import Trainer
from mlpviz.examples import Examples
from mlpviz.network import activations, linears
from mlpviz.observe.examples import ExampleViewer, first_of_each_class
from mlpviz.observe.portrait import portrait
from mlpviz.trainer import pixels
from tests.runs.working import SMALL

SHAPES = [(), (16,), (12, 8), (9, 7, 6, 5, 9, 8)]
EACH_SHAPE = pytest.mark.parametrize("sizes", SHAPES, ids=lambda sizes: f"{len(sizes)} hidden")


def trained(tiny, sizes, activation="relu", steps=5):
    settings = SMALL.replace(hidden_sizes=sizes, activation=activation, init="kaiming", init_std=0.01)
    trainer = Trainer(settings, tiny)
    trainer.train(steps)
    return trainer


def example(trainer, index=3):
    test = trainer.dataset.test
    return pixels(test.images[index]), int(test.labels[index])


def through(net, x):
    """What goes into each activation, and what comes out of it, with autograd's record; and the logits."""
    before, after, h = [], [], x.reshape(1, -1)
    for layer in list(net)[1:]:
        if isinstance(layer, torch.nn.Linear):
            h = layer(h)
            h.retain_grad()
            before.append(h)
        else:
            h = layer(h)
            after.append(h)
    return before, after, h


@EACH_SHAPE
@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
def test_outputs_and_errors_are_those_of_autograd(tiny, sizes, activation):
    trainer = trained(tiny, sizes, activation)
    x, label = example(trainer)
    seen = portrait(trainer.net, x, label)
    net = copy.deepcopy(trainer.net)
    before, after, logits = through(net, x)
    torch.nn.functional.cross_entropy(logits, torch.tensor([label])).backward()
    assert len(seen.layers) == len(sizes)
    for i, layer in enumerate(seen.layers):
        assert layer.size == sizes[i] and len(layer.units) == min(8, sizes[i])
        assert layer.outputs == pytest.approx(after[i][0, layer.units].detach().numpy(), rel=1e-4, abs=1e-6)
        assert layer.errors == pytest.approx(before[i].grad[0, layer.units].numpy(), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("sizes", [(), (8,), (8, 6), (7, 7, 7, 7, 7, 7)], ids=str)
def test_contributions_of_all_units_and_the_bias_make_up_each_unit(tiny, sizes):
    """Here every unit is shown, so the sums must be complete, forward and back."""
    trainer = trained(tiny, sizes, "gelu")
    x, label = example(trainer)
    seen = portrait(trainer.net, x, label)
    before, _, _ = through(copy.deepcopy(trainer.net), x)
    for i, layer in enumerate(linears(trainer.net)):
        sums = seen.forward[i].sum(axis=1) + layer.bias.detach().numpy()
        assert sums == pytest.approx(before[i][0].detach().numpy(), rel=1e-4, abs=1e-5)
    for i, layer in enumerate(seen.layers):
        assert seen.backward[i + 1].sum(axis=0) == pytest.approx(layer.errors, rel=1e-4, abs=1e-6)
        assert seen.backward[0][:, 0] == pytest.approx(seen.layers[0].errors)
        assert layer.share == pytest.approx(1)


def test_the_strongest_units_pass_most_on(tiny):
    trainer = trained(tiny, (40,))
    x, label = example(trainer)
    (layer,) = portrait(trainer.net, x, label).layers
    h = trainer.net[: activations(trainer.net)[0] + 1](x[None])[0].detach().double().numpy()
    weight = linears(trainer.net)[1].weight.detach().double().numpy()
    strength = np.abs(h * weight).sum(axis=0)
    assert set(layer.units) == set(np.argsort(-strength)[:8]) and list(layer.units) == sorted(layer.units)
    assert layer.share == pytest.approx(strength[layer.units].sum() / strength.sum(), rel=1e-5)
    assert 0 < layer.share < 1


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_pictures_are_the_slope_of_each_unit_by_finite_differences(tiny, activation):
    trainer = trained(tiny, (12, 8, 6), activation)
    x, label = example(trainer)
    seen = portrait(trainer.net, x, label)
    assert np.array_equal(
        seen.layers[0].pictures.reshape(-1, 784), linears(trainer.net)[0].weight.detach()[seen.layers[0].units]
    )
    net, generator = copy.deepcopy(trainer.net).double(), torch.Generator().manual_seed(0)
    direction = torch.randn(28, 28, generator=generator, dtype=torch.float64)
    above, below = (through(net, x.double() + sign * 1e-5 * direction)[0] for sign in (1, -1))
    for i, layer in enumerate(seen.layers):
        slope = (above[i] - below[i])[0].detach().numpy()[layer.units] / 2e-5
        along = (layer.pictures * direction.numpy()).sum(axis=(1, 2))
        assert along == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_a_picture_without_a_label_has_no_error(tiny):
    trainer = trained(tiny, (16,))
    seen = portrait(trainer.net, example(trainer)[0], None)
    assert seen.backward == () and seen.layers[0].errors is None


def test_a_linear_classifier_shows_the_weights_of_each_class(tiny):
    trainer = trained(tiny, ())
    seen = portrait(trainer.net, *example(trainer))
    assert np.array_equal(seen.class_pictures.reshape(10, 784), linears(trainer.net)[0].weight.detach().numpy())


@pytest.mark.parametrize("spoil", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_do_not_break_it(tiny, spoil):
    trainer = trained(tiny, (16, 8))
    with torch.no_grad():
        linears(trainer.net)[1].weight[:] = spoil
    seen = portrait(trainer.net, *example(trainer))
    assert [len(layer.units) for layer in seen.layers] == [8, 8]
    assert np.isnan(seen.layers[1].share), "no number is invented"


def test_one_unit_that_is_not_a_number_spoils_the_share_of_its_layer_only(tiny):
    trainer = trained(tiny, (40, 12))
    with torch.no_grad():
        linears(trainer.net)[1].weight[3] = float("nan")
    first, second = portrait(trainer.net, *example(trainer)).layers
    assert np.isnan(first.share) and np.isnan(second.share) and 3 not in second.units


def test_a_layer_that_passes_nothing_on_has_the_share_0(tiny):
    trainer = trained(tiny, (16,))
    with torch.no_grad():
        linears(trainer.net)[1].weight[:] = 0
    assert portrait(trainer.net, *example(trainer)).layers[0].share == 0


def test_looking_changes_nothing_of_the_run(tiny):
    one, other = (trained(tiny, (16,), steps=0) for _ in range(2))
    viewer = ExampleViewer(other)
    for _ in range(12):
        one.train(1)
        other.train(1)
        grads = [p.grad.clone() for p in other.net.parameters()]
        viewer.look()
        assert all(torch.equal(p.grad, grad) for p, grad in zip(other.net.parameters(), grads, strict=True))
    for a, b in zip(one.net.parameters(), other.net.parameters(), strict=True):
        assert torch.equal(a, b), "the same bits"
    assert torch.equal(one.generator.get_state(), other.generator.get_state())


def test_answers_are_the_networks_own_and_new_after_each_step(tiny):
    trainer = trained(tiny, (16,))
    viewer = ExampleViewer(trainer)
    seen = viewer.look()
    at = list(seen.examples.indices)
    expected = trainer.net(tiny.test.images[at].float() / 255).detach().softmax(dim=1)
    assert seen.probabilities == pytest.approx(expected.numpy(), abs=1e-6)
    assert seen.labels == tuple(range(10)) == tuple(tiny.test.labels[at].tolist()), "one of each class"
    assert at == [tiny.test.labels.tolist().index(c) for c in range(10)], "the first of each"
    assert viewer.look() is seen, "computed once for each step"
    trainer.train(1)
    assert not np.array_equal(viewer.look().probabilities, seen.probabilities)


def test_the_readers_own_picture_comes_first(tiny):
    viewer = ExampleViewer(trained(tiny, (16,)))
    viewer.choose(Examples(indices=(5, 7), own=bytes(range(256)) * 3 + bytes(16), focus=2))
    seen = viewer.look()
    assert seen.labels[0] is None and seen.images[0].ravel().tolist()[:300:100] == [0, 100, 200]
    assert seen.examples.image_at(0) is None and (seen.examples.image_at(1), seen.examples.image_at(2)) == (5, 7)
    assert np.array_equal(seen.images[1:], tiny.test.images[[5, 7]].numpy())


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        (Examples(indices=(300,)), "only 300 test images"),
        (Examples(indices=tuple(range(11))), "at most 10"),
        (Examples(kind="nicest", indices=(1,)), "one per class, or the hardest"),
        (Examples(own=b"abc"), "784 grey values"),
        (Examples(focus=10), "one of the images"),
    ],
)
def test_an_impossible_choice_is_refused_and_the_old_one_stays(tiny, examples, words):
    viewer = ExampleViewer(trained(tiny, (16,)))
    before = viewer.look()
    with pytest.raises(ValueError, match=words):
        viewer.choose(examples)
    assert viewer.look() is before


def test_a_test_set_may_lack_classes():
    assert first_of_each_class(torch.tensor([3, 3, 0, 9])) == (2, 0, 3)
