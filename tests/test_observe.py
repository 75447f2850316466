import math

import numpy as np
import pytest
import torch
from torch import nn

from mlpviz import Settings, Trainer
from mlpviz.network import linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.observe.first_layer import FirstLayer
from mlpviz.observe.histograms import histogram
from mlpviz.observe.inspector import Inspector
from mlpviz.observe.steps import StepRecorder
from mlpviz.observe.updates import norm, update_ratios
from mlpviz.snapshot import step_columns, trend_columns

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16, 8), batch_size=300, init="kaiming")


def test_steps_record_loss_accuracy_and_gradient_norms(tiny):
    trainer, oracle = Trainer(SMALL, tiny), Trainer(SMALL, tiny)
    recorder = StepRecorder(trainer.net)
    rows = []
    for chunk in (3, 0, 5):  # 8 steps: two epochs of three batches of 300 and one of 100
        for _ in range(chunk):
            recorder.record(*trainer.train_one())
        rows.append(recorder.flush())
    rows = np.concatenate(rows)
    assert rows.shape == (8, len(step_columns(3)))
    for row in rows:
        X, y = oracle.next_batch()
        logits = oracle.net(X)
        accuracy = (logits.argmax(1) == y).double().mean().item()
        loss = oracle.train(1).item()
        norms = [p.grad.double().square().sum().sqrt().item() for p in oracle.net.parameters()]
        assert row[0] == loss and row[1] == pytest.approx(accuracy)
        assert row[2:] == pytest.approx(norms, rel=1e-5)


def test_recording_does_not_change_the_run(tiny):
    trainer = Trainer(SMALL, tiny)
    recorder, inspector, losses = StepRecorder(trainer.net), Inspector(trainer), []
    for _ in range(20):
        with update_ratios(trainer.net) as ratios:
            step = trainer.train_one()
        recorder.record(*step)
        inspector.sample(ratios)
        inspector.inspect()
        losses.append(step[1].item())
    assert losses == Trainer(SMALL, tiny).train(20).tolist()


@pytest.mark.parametrize("size", [1, 10, 5000])
def test_histograms_agree_with_numpy(size):
    values = torch.randn(size, generator=torch.Generator().manual_seed(size))
    ours = histogram(values, bins=13)
    counts, edges = np.histogram(values.double().numpy(), bins=13)
    assert abs(ours.counts - counts).sum() <= 2  # in float32, a value on an edge may fall into either bin
    assert ours.counts.sum() == size and ours.not_finite == 0
    assert (ours.low, ours.high) == pytest.approx((edges[0], edges[-1]))
    assert ours.centres() == pytest.approx((edges[:-1] + edges[1:]) / 2)


def test_histograms_count_the_values_that_are_not_finite():
    ours = histogram(torch.tensor([1.0, math.nan, 3.0, math.inf, -math.inf]), bins=2)
    assert (ours.low, ours.high, ours.counts.tolist(), ours.not_finite) == (1.0, 3.0, [1, 1], 3)
    assert histogram(torch.tensor([math.nan] * 4)).not_finite == 4
    assert histogram(torch.zeros(4)).counts.sum() == 4
    assert histogram(torch.full((3,), 1e20)).counts.sum() == 3


def network(*layers):
    return nn.Sequential(nn.Flatten(), *layers)


def test_dead_relus_are_those_that_are_never_active():
    first = nn.Linear(784, 4)
    nn.init.zeros_(first.weight)
    with torch.no_grad():
        first.weight[3, 0] = 1.0  # active only if the first pixel is bright
        first.bias.copy_(torch.tensor([-1.0, 1.0, 0.0, -0.5]))
    X = torch.zeros(5, 28, 28)
    assert dead_shares(network(first, nn.ReLU(), nn.Linear(4, 10)), X) == [0.75]
    X[2, 0, 0] = 1.0
    assert dead_shares(network(first, nn.ReLU(), nn.Linear(4, 10)), X) == [0.5]


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        (nn.Tanh(), lambda z: 1 - math.tanh(z) ** 2),
        (nn.Sigmoid(), lambda z: 1 / (2 + math.exp(z) + math.exp(-z))),
        (nn.LeakyReLU(), lambda z: 1.0 if z > 0 else 0.01),
        (nn.Identity(), lambda z: 1.0),
    ],
)
def test_saturated_units_are_dead(activation, slope):
    z = [-9.0, -3.0, 0.1, 5.0]
    first = nn.Linear(784, 4)
    nn.init.zeros_(first.weight)
    with torch.no_grad():
        first.bias.copy_(torch.tensor(z))
    expected = sum(slope(value) < 1e-3 for value in z) / 4
    assert dead_shares(network(first, activation, nn.Linear(4, 10)), torch.zeros(3, 28, 28)) == [expected]


def test_dead_shares_of_a_broken_network_are_nan_and_without_hidden_layers_empty():
    first = nn.Linear(784, 4)
    nn.init.constant_(first.weight, math.nan)
    assert math.isnan(dead_shares(network(first, nn.ReLU(), nn.Linear(4, 10)), torch.ones(2, 28, 28))[0])
    assert dead_shares(network(nn.Linear(784, 10)), torch.ones(2, 28, 28)) == []


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_update_ratios_agree_with_a_direct_calculation(tiny, optimizer):
    trainer = Trainer(SMALL.replace(optimizer=optimizer), tiny)
    before = [linear.weight.detach().double().clone() for linear in linears(trainer.net)]
    with update_ratios(trainer.net) as ratios:
        trainer.train(1)
    after = [linear.weight.detach().double() for linear in linears(trainer.net)]
    expected = [((new - old).norm() / old.norm()).item() for old, new in zip(before, after, strict=True)]
    assert ratios == pytest.approx(expected, rel=1e-4)


def test_an_update_of_zero_weights_has_no_ratio(tiny):
    trainer = Trainer(SMALL.replace(init="zeros"), tiny)
    with update_ratios(trainer.net) as ratios:
        trainer.train(1)
    assert all(math.isnan(ratio) for ratio in ratios)


def test_first_layer_images_show_the_largest_units_in_fixed_places():
    net = network(nn.Linear(784, 40))
    weight = net[1].weight
    with torch.no_grad():
        weight.copy_(torch.arange(40.0)[:, None] * torch.ones(40, 784))
    first_layer = FirstLayer()
    first_layer.choose(net)
    units, images = first_layer.images(net)
    assert units.tolist() == list(range(16, 40))
    assert images.shape == (24, 28, 28) and np.array_equal(images[5], np.full((28, 28), 21.0))
    with torch.no_grad():
        weight[3] = 100.0  # it takes the place of the unit with the smallest weights; the others don't move
    assert first_layer.images(net)[0].tolist() == list(range(16, 40)), "units change only at the next choice"
    first_layer.choose(net)
    assert first_layer.images(net)[0].tolist() == [3, *range(17, 40)]


def test_an_inspection_fits_the_network(tiny):
    trainer = Trainer(SMALL, tiny)
    inspector = Inspector(trainer)
    inspector.sample()
    empty = inspector.inspect()
    assert empty.gradients == () and empty.step == 0
    with update_ratios(trainer.net) as ratios:
        trainer.train(1)
    inspector.sample(ratios)
    inspection = inspector.inspect()
    assert [h.counts.sum() for h in inspection.weights] == [784 * 16, 16 * 8, 8 * 10]
    assert [h.counts.sum() for h in inspection.gradients] == [784 * 16, 16 * 8, 8 * 10]
    assert inspection.weight_norms == pytest.approx(
        [linear.weight.double().norm().item() for linear in linears(trainer.net)]
    )
    trend = inspection.trend
    assert trend.mean.shape == (2, len(trend_columns(3))) and trend.mean[:, 0].tolist() == [0, 1]
    assert trend.mean[1, 1:4] == pytest.approx(ratios) and inspection.latest.update_ratios == tuple(ratios)
    trainer.train(1)
    inspector.sample(keep=False)
    passing = inspector.inspect()
    assert passing.latest.step == 2 and passing.trend.rows == 2, "a sample that isn't kept is only the latest"


def test_a_recorder_is_full_after_64_steps_or_50000_images(tiny):
    trainer = Trainer(SMALL, tiny)
    trainer.train(1)
    recorder = StepRecorder(trainer.net)
    for images, steps in ((10, 64), (25_000, 2)):
        for _ in range(steps):
            assert not recorder.full()
            recorder.record(torch.zeros(images, 10), torch.tensor(1.0), torch.zeros(images, dtype=torch.int64))
        assert recorder.full()
        recorder.flush()


def test_a_norm_whose_square_is_too_large_for_float32():
    assert norm(torch.full((4,), 1e30)) == pytest.approx(2e30)


def test_a_unit_with_nan_weights_is_not_chosen():
    net = network(nn.Linear(784, 40))
    with torch.no_grad():
        net[1].weight[7, 0] = math.nan
    first_layer = FirstLayer()
    first_layer.choose(net)
    assert 7 not in first_layer.images(net)[0]


def test_initial_weights_are_from_before_training(tiny):
    trainer = Trainer(SMALL, tiny)
    bounds = [(linear.weight.min().item(), linear.weight.max().item()) for linear in linears(trainer.net)]
    inspector = Inspector(trainer)
    trainer.train(5)
    inspector.sample()
    inspection = inspector.inspect()
    assert [(h.low, h.high) for h in inspection.initial_weights] == bounds
    assert [(h.low, h.high) for h in inspection.weights] != bounds
