import numpy as np
import pytest
import torch
from torch import nn

from mlpviz import Settings, Trainer
from mlpviz.line_by_line.gradient_check import NUDGES, gradient_check
from mlpviz.line_by_line.walk import take_apart
from tests.waiting import worked_off

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(12,), batch_size=100, init_std=0.1, activation="tanh")


def checked(walked, name, place):
    return worked_off(gradient_check(walked, name, place))


@pytest.fixture
def walked(tiny):
    trainer = Trainer(SMALL, tiny)
    trainer.train(5)
    return take_apart(trainer)


@pytest.mark.parametrize(("name", "place"), [("W1", (3, 400)), ("b1", (7,)), ("W2", (9, 2)), ("b2", (0,))])
def test_the_gradient_is_that_of_autograd_and_of_the_walk(walked, name, place):
    check = checked(walked, name, place)
    assert check.gradient == pytest.approx(float(walked.update(name).gradient[place]), rel=1e-4, abs=1e-8)
    assert check.gradient_float64 == pytest.approx(check.gradient, rel=1e-3, abs=1e-8)
    assert check.images == 100 and check.entry == float(walked.update(name).gradient[place])


def test_the_differences_are_central_ones_of_the_loss(walked):
    check = checked(walked, "W2", (9, 2))
    net = walked.net.double()
    for i, h in enumerate(NUDGES):
        losses = []
        for sign in (1, -1):
            nudged = {name: value.clone() for name, value in net.named_parameters()}
            nudged["3.weight"][9, 2] += sign * h
            logits = torch.func.functional_call(net, nudged, (walked.X.double(),))
            losses.append(nn.functional.cross_entropy(logits, walked.y).item())
        assert check.differences["float64"][i] == pytest.approx(
            (losses[0] - losses[1]) / (2 * h), rel=1e-9, abs=1e-15 / h
        )


def test_the_error_is_a_v_with_its_bottom_where_theory_puts_it(walked):
    """The truncation error falls as h², the rounding error grows as 1/h: in float64 the best h is near ε^⅓ ≈ 6·10⁻⁶."""
    check = checked(walked, "W2", (9, 2))
    errors = check.errors("float64")
    assert 1e-7 < NUDGES[errors.argmin()] < 1e-2 and errors.min() < 1e-8
    at = {h: errors[np.abs(np.log10(NUDGES) - np.log10(h)).argmin()] for h in (1, 0.1, 0.01, 1e-12)}
    assert at[0.1] / at[0.01] == pytest.approx(100, rel=0.1)
    assert at[1e-12] > 1e3 * errors.min()
    assert check.errors("float32").min() > 10 * errors.min()


def test_the_network_does_not_change(walked):
    before = [p.clone() for p in walked.net.parameters()]
    checked(walked, "W1", (0, 0))
    assert all(torch.equal(a, b) for a, b in zip(before, walked.net.parameters(), strict=True))


def test_a_gradient_of_zero_has_an_absolute_error(tiny):
    walked = take_apart(Trainer(SMALL.replace(init="zeros"), tiny))
    check = checked(walked, "W1", (0, 0))
    assert check.gradient == 0 and np.isfinite(check.errors("float64")).all()
