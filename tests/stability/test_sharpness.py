"""Sharpness, compared with explicit Hessians and SciPy; range test and slices, compared with direct evaluation."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch.autograd.functional import hessian
from torch.func import functional_call

from mlpviz import Settings, Trainer
from mlpviz.answers import Plane
from mlpviz.backend.commands import SetSharpness
from mlpviz.figures.slices import plane_map
from mlpviz.network import build_network
from mlpviz.runs.range_test import STEPS, RangeTest, suggest
from mlpviz.runs.run import Run
from mlpviz.snapshot import SHARPNESS_COLUMNS
from mlpviz.stability import sharpness
from mlpviz.stability.meter import SharpnessMeter, stability_threshold
from mlpviz.stability.sharpness import WARM, hessian_vector_product, largest_eigenvector, measure_sharpness
from mlpviz.stability.slices import NextStep, along_gradient, plane, probe
from mlpviz.trainer import pixels
from tests.runs.working import SMALL, FakeClock, finish, work_off
from tests.waiting import worked_off


def explicit_hessian(net, X, y):
    """All second derivatives, computed by double backward, one row at a time."""
    names = [name for name, _ in net.named_parameters()]
    shapes = [p.shape for p in net.parameters()]

    def loss(theta):
        parts = torch.split(theta, [math.prod(shape) for shape in shapes])
        values = {n: part.view(shape) for n, part, shape in zip(names, parts, shapes, strict=True)}
        return torch.nn.functional.cross_entropy(functional_call(net, values, (X,)), y)

    theta = torch.cat([p.detach().flatten() for p in net.parameters()])
    return hessian(loss, theta)


def tiny_net(activation="tanh", hidden=(5,), init="xavier"):
    """784 inputs are too many for an explicit Hessian, so the first layer gets four pixels."""
    net = build_network(
        Settings(hidden_sizes=hidden, activation=activation, init=init), torch.Generator().manual_seed(1)
    ).double()
    generator = torch.Generator().manual_seed(2)
    first = torch.nn.Linear(4, net[1].out_features).double()
    net[1] = first
    X = torch.rand(64, 2, 2, generator=generator).double()
    return net, X, torch.randint(10, (64,), generator=generator)


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("hidden", [(5,), (4, 3)])
def test_products_and_eigenvalue_agree_with_the_explicit_hessian(activation, hidden):
    net, X, y = tiny_net(activation, hidden)
    H = explicit_hessian(net, X, y)
    v = torch.randn(len(H), generator=torch.Generator().manual_seed(3)).double()
    assert torch.allclose(hessian_vector_product(net, X, y)(v), H @ v, atol=1e-10)
    largest = torch.linalg.eigvalsh(H)[-1].item()
    found = measure_sharpness(net, X, y, start=v)
    for _ in range(20):
        found = measure_sharpness(net, X, y, start=found.vector)
    assert found.value == pytest.approx(largest, rel=0.01) and found.value <= largest + 1e-9
    assert min(abs(torch.linalg.eigvalsh(H) - found.value)) <= found.residual + 1e-9, "the residual bounds the error"


def test_on_the_real_network_it_agrees_with_scipy(tiny):
    trainer = Trainer(SMALL.replace(hidden_sizes=(32,)), tiny)
    trainer.train(60)
    X, y = pixels(tiny.train.images[:512]), tiny.train.labels[:512]
    product = hessian_vector_product(trainer.net, X, y)
    size = sum(p.numel() for p in trainer.net.parameters())

    def matvec(v):
        return product(torch.from_numpy(np.asarray(v, dtype=np.float32).ravel())).numpy()

    (largest,) = eigsh(LinearOperator((size, size), matvec=matvec, dtype=np.float32), k=1, which="LA", tol=1e-4)[0]
    found = measure_sharpness(trainer.net, X, y)
    assert found.value == pytest.approx(float(largest), rel=0.01)
    low, high = found.band()
    assert low < found.value < high


def test_it_finds_the_largest_eigenvalue_and_not_the_largest_magnitude():
    """The eigenvalues come in pairs ±λ, as on a saddle. Power iteration would jump between them."""
    values = torch.tensor([-5.0, 4.9, 3.0, 1.0, 0.0, -2.0])
    start = torch.ones(6)
    vector = worked_off(largest_eigenvector(lambda v: values * v, start, 30))
    assert (vector @ (values * vector)).item() == pytest.approx(4.9, rel=0.01)


def test_a_warm_start_is_as_good_with_a_fifth_of_the_products(tiny, monkeypatch):
    trainer = Trainer(SMALL, tiny)
    trainer.train(40)
    X, y = pixels(tiny.train.images[:512]), tiny.train.labels[:512]
    found = measure_sharpness(trainer.net, X, y)
    trainer.train(1)
    counts = []

    def counting(product, start, iterations):
        def counted(v):
            counts.append(1)
            return product(v)

        return largest_eigenvector(counted, start, iterations)

    monkeypatch.setattr(sharpness, "largest_eigenvector", counting)
    warm = measure_sharpness(trainer.net, X, y, found.vector)
    assert len(counts) <= WARM
    assert warm.value == pytest.approx(measure_sharpness(trainer.net, X, y).value, rel=0.03)


def test_the_band_contains_the_value_on_other_images(tiny):
    """The bands from seven parts of 128 images contain the value on all thousand images; one may miss it."""
    trainer = Trainer(SMALL, tiny)
    trainer.train(40)
    X, y = pixels(tiny.train.images), tiny.train.labels
    true = measure_sharpness(trainer.net, X, y).value
    bands = [measure_sharpness(trainer.net, X[i : i + 128], y[i : i + 128]).band() for i in range(0, 896, 128)]
    assert sum(low <= true <= high for low, high in bands) >= 6


def measure(meter):
    """Measure in one call what a run measures in pieces."""
    meter.begin()
    while meter.measuring():
        meter.measure_on()


def test_measuring_in_pieces_gives_the_same_value(tiny):
    """A run computes one product in each turn, because each takes long for a large network."""
    trainer = Trainer(SMALL, tiny)
    trainer.train(20)
    X, y = pixels(tiny.train.images[:256]), tiny.train.labels[:256]
    pieces, parts = [], sharpness.sharpness_in_parts(trainer.net, X, y)
    with pytest.raises(StopIteration) as end:
        while True:
            pieces.append(next(parts))
    whole = measure_sharpness(trainer.net, X, y)
    assert (end.value.value.value, end.value.value.band()) == (whole.value, whole.band()) and len(pieces) > 8


def test_only_the_run_itself_waits_while_its_sharpness_is_measured(tiny):
    """Its weights must not change. But other runs don't wait: each turn makes one Hessian-vector product."""
    clock = FakeClock()
    run = Run(SMALL.replace(epochs=50), tiny, clock=clock.clock)
    while run.recording.evaluating():
        run.advance()
    run.start()
    for _ in range(3):
        run.advance()
    step, before = run.step, [p.detach().clone() for p in run.trainer.net.parameters()]
    SetSharpness(True).carry_out(run)
    assert run.inspections.measuring() and run.has_work()
    pieces = 0
    while run.inspections.measuring():
        run.advance()
        pieces += 1
    assert pieces > 8 and run.step == step
    assert all(torch.equal(a, b) for a, b in zip(before, run.trainer.net.parameters(), strict=True))
    clock.now += 1
    run.refresh(1)
    assert run.snapshot.sharpness.column("step")[-1] == step
    run.advance()
    assert run.step == step + 1


def test_the_sharpness_is_measured_at_each_look(tiny):
    run = Run(SMALL.replace(epochs=5), tiny)
    SetSharpness(True).carry_out(run)
    run.start()
    snapshot = work_off(run)
    looks = snapshot.inspection.trend.column("step").tolist()
    assert snapshot.sharpness.column("step").tolist() == looks and len(looks) > 10


def test_measuring_does_not_change_the_run(tiny):
    watched, alone = Trainer(SMALL, tiny), Trainer(SMALL, tiny)
    meter = SharpnessMeter(watched)
    for _ in range(3):
        watched.train(5)
        grads = [p.grad.clone() for p in watched.net.parameters()]
        measure(meter)
        worked_off(along_gradient(NextStep(watched)))
        assert all(torch.equal(a, p.grad) for a, p in zip(grads, watched.net.parameters(), strict=True))
    assert torch.equal(watched.train(15), alone.train(30)[15:])


def test_a_run_measures_only_when_asked(tiny):
    run = Run(SMALL.replace(epochs=4), tiny)
    run.start()
    assert work_off(run).sharpness is None
    SetSharpness(True).carry_out(run)
    sharpness = work_off(run).sharpness
    step, value, low, high, threshold = (sharpness.column(name)[-1] for name in SHARPNESS_COLUMNS)
    assert (step, threshold) == (40, pytest.approx(20)) and 0 < low < value < high
    assert {price.name: price.times for price in run.snapshot.prices}["sharpness"] == 1


@pytest.mark.parametrize(
    ("changes", "threshold"),
    [
        ({}, 20.0),
        ({"momentum": 0.9}, 38.0),
        ({"momentum": 0.9, "nesterov": True}, 38 / 2.8),
        ({"optimizer": "adam"}, math.nan),
        ({"learning_rate": 0.0}, math.nan),
    ],
)
def test_the_threshold(changes, threshold):
    assert stability_threshold(Settings(**changes)) == pytest.approx(threshold, nan_ok=True)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_sgd_on_a_quadratic_diverges_above_the_threshold_only(momentum, nesterov):
    """With PyTorch's own SGD on L = λx²/2."""
    nesterov = nesterov and momentum > 0
    settings = Settings(momentum=momentum, nesterov=nesterov, learning_rate=0.1)
    for factor, grows in ((0.98, False), (1.02, True)):
        curvature = factor * stability_threshold(settings)
        x = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([x], lr=0.1, momentum=momentum, nesterov=nesterov)
        for _ in range(3000):
            optimizer.zero_grad()
            (curvature * x**2 / 2).sum().backward()
            optimizer.step()
        assert (abs(x.item()) > 1) == grows


# the range test


def test_the_range_test_trains_at_rising_rates_and_does_not_change_the_run(mini):
    settings = Settings(dataset="fashion-mnist-mini")
    run, oracle = Trainer(settings, mini), Trainer(settings, mini)
    run.train(5), oracle.train(5)
    before = [p.detach().clone() for p in run.net.parameters()]
    snapshot = finish(RangeTest(mini, run.checkpoint()))
    for rate, loss in list(zip(snapshot.rates, snapshot.losses, strict=True))[:30]:
        oracle.change(settings.replace(learning_rate=float(rate)))
        assert oracle.train(1).item() == loss
    assert all(torch.equal(a, p) for a, p in zip(before, run.net.parameters(), strict=True)) and run.step == 5
    assert (
        SETTLED_RATIO[0] < snapshot.rates[1] / snapshot.rates[0] < SETTLED_RATIO[1]
        and snapshot.step <= STEPS
        and snapshot.begun_at == 5
    )


SETTLED_RATIO = (1.05, 1.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, {"hidden_sizes": (256, 256), "init": "kaiming"}, {"optimizer": "adam"}, {"hidden_sizes": ()}],
    ids=str,
)
def test_the_suggested_rate_is_a_good_one(mini, changes):
    """Seven rates are tried: after 200 steps, the suggested rate is at most about a third above the best loss."""
    settings = Settings(dataset="fashion-mnist-mini", **changes)
    trainer = Trainer(settings, mini)
    low, high, use = finish(RangeTest(mini, trainer.checkpoint())).suggestion
    assert low < use < high

    def end(rate):
        losses = Trainer(settings.replace(learning_rate=rate), mini).train(200)[-40:]
        return losses.mean().item() if torch.isfinite(losses).all() else math.inf

    best = min(end(rate) for rate in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0))
    assert end(use) < 1.35 * best


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "steps"),
    [({"batch_size": 1, "learning_rate": 0.01}, 5000), ({"hidden_sizes": (), "learning_rate": 5.0}, 200)],
)
def test_a_rate_is_suggested_even_with_noise_or_a_high_loss(mini, changes, steps):
    settings = Settings(dataset="fashion-mnist-mini", **changes)
    trainer = Trainer(settings, mini)
    trainer.train(steps)
    assert 1e-4 < finish(RangeTest(mini, trainer.checkpoint())).suggestion[2] < 0.5


def test_nothing_is_suggested_for_a_dead_network(mini):
    trainer = Trainer(Settings(dataset="fashion-mnist-mini", init="zeros"), mini)
    assert finish(RangeTest(mini, trainer.checkpoint())).suggestion is None
    assert suggest(np.geomspace(1e-5, 1, 5), np.ones(5)) is None


# slices


def test_the_curve_along_the_gradient_shows_the_true_losses(tiny):
    trainer = Trainer(SMALL, tiny)
    trainer.train(12)
    found = worked_off(along_gradient(NextStep(trainer)))
    X, y = trainer.next_batch()
    loss = trainer.loss_fn(trainer.net(X), y)
    grads = torch.autograd.grad(loss, list(trainer.net.parameters()))
    old = [p.detach().clone() for p in trainer.net.parameters()]
    for i in (0, 7, 40):
        with torch.no_grad():
            for p, o, g in zip(trainer.net.parameters(), old, grads, strict=True):
                p.copy_(o - float(found.alphas[i]) * g)
            assert found.losses[i] == pytest.approx(trainer.loss_fn(trainer.net(X), y).item(), rel=1e-5)
    for p, o in zip(trainer.net.parameters(), old, strict=True):
        p.data.copy_(o)
    assert found.alphas[-1] == pytest.approx(0.4) and found.slope == pytest.approx(
        sum((g**2).sum().item() for g in grads)
    )
    _, after, _ = trainer.train_one()
    assert found.losses[0] == pytest.approx(after.item())
    assert found.after == pytest.approx(trainer.loss_fn(trainer.net(X), y).item(), rel=1e-5), "the step really made"


def test_the_quadratic_touches_the_curve(tiny):
    """The value, slope and curvature at α = 0 agree with finite differences in float64."""
    trainer = Trainer(SMALL.replace(activation="tanh"), tiny)
    trainer.train(12)
    trainer.net.double()
    X, y = trainer.next_batch()
    trainer.next_batch = lambda: (X.double(), y)
    trainer.change(trainer.settings.replace(learning_rate=1e-3))
    found = worked_off(along_gradient(NextStep(trainer)))
    h = found.alphas[1]
    first = (found.losses[2] - found.losses[0]) / (2 * h)
    assert found.quadratic[0] == pytest.approx(found.losses[0], rel=1e-12)
    assert first == pytest.approx(-found.slope + h * found.curvature, rel=1e-3)
    second = (found.losses[2] - 2 * found.losses[1] + found.losses[0]) / h**2
    assert second == pytest.approx(found.curvature, rel=1e-2)
    assert np.diff(found.quadratic, 2) == pytest.approx(second * h**2, rel=1e-2), (
        "and the curve drawn is that polynomial"
    )


def test_the_plane_is_filter_normalised_and_goes_through_the_network(tiny):
    trainer = Trainer(SMALL, tiny)
    trainer.train(20)
    X, y = probe(trainer)
    found = worked_off(plane(trainer.net, X, y))
    middle = len(found.offsets) // 2
    expected = torch.nn.functional.cross_entropy(trainer.net(X), y).item()
    assert found.losses[middle, middle] == pytest.approx(expected, rel=1e-6)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in trainer.net.parameters():
            d = torch.randn(p.shape, generator=generator)
            if p.ndim == 2:
                p.add_(d * (p.norm(dim=1) / d.norm(dim=1))[:, None])
    corner = torch.nn.functional.cross_entropy(trainer.net(X), y).item()
    assert found.losses[middle, -1] == pytest.approx(corner, rel=1e-5)


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1.0])
def test_the_map_of_a_flat_landscape_has_a_number_beside_its_colours(spread):
    offsets = np.linspace(-1, 1, 5)
    losses = 2.3 + spread * np.add.outer(offsets**2, offsets**2)
    (contour, _) = plane_map(Plane(offsets=offsets, losses=losses)).data
    inside = [contour["zmin"] <= tick <= contour["zmax"] for tick in contour["colorbar"]["tickvals"]]
    assert inside and all(inside) and "2.3" in contour["colorbar"]["ticktext"][0]
