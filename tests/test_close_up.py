"""What each of the five lines did in one step, compared with the five lines run by hand."""

import copy
import math

import numpy as np
import pytest
import torch

from mlpviz import Trainer
from mlpviz.network import linears
from mlpviz.observe.close_up import CloserLook
from mlpviz.observe.line_times import line_shares
from mlpviz.runs.run import Run
from mlpviz.trainer import make_optimizer
from tests.runs.working import SMALL, FakeClock, work_off


def closely(trainer, loss_before=None):
    look = CloserLook(trainer, loss_before)
    logits, loss, labels = trainer.train_one()
    return look.close_up(logits, loss, labels), loss.detach()


@pytest.mark.parametrize("settings", [SMALL, SMALL.replace(hidden_sizes=(), optimizer="adam")], ids=["SGD", "Adam"])
def test_a_close_up_is_what_the_five_lines_did(tiny, settings):
    trainer = Trainer(settings, tiny)
    trainer.train(3)
    net = copy.deepcopy(trainer.net)
    for copied, parameter in zip(net.parameters(), trainer.net.parameters(), strict=True):
        copied.grad = parameter.grad.clone()
    optimizer = make_optimizer(net, settings)
    optimizer.load_state_dict(copy.deepcopy(trainer.optimizer.state_dict()))
    at = trainer.order[300:400]
    X, y = tiny.train.images[at].float() / 255, tiny.train.labels[at]
    seen, loss = closely(trainer, torch.tensor(2.25))

    weights = [linear.weight for linear in linears(net)]
    old = [weight.grad.double().norm().item() for weight in weights]
    logits = net(X)
    expected = torch.nn.functional.cross_entropy(logits, y)
    optimizer.zero_grad()
    expected.backward()
    before = [weight.detach().clone() for weight in weights]
    optimizer.step()

    assert (seen.step, seen.batch, seen.loss_before, seen.loss) == (4, 100, 2.25, expected.item())
    assert np.array_equal(seen.images, tiny.train.images[at[:3]].numpy()) and seen.images.dtype == np.uint8
    assert seen.labels == tuple(y[:3].tolist())
    probabilities = logits.detach().softmax(dim=1)
    assert seen.answers == tuple(probabilities[:3].argmax(dim=1).tolist())
    assert seen.confidences == pytest.approx(probabilities[:3].max(dim=1).values.tolist())
    assert seen.right == int((logits.argmax(dim=1) == y).sum())
    assert seen.old_gradients == pytest.approx(old)
    assert seen.gradients == pytest.approx([weight.grad.double().norm().item() for weight in weights])
    moved = [((a - b).double().norm() / b.double().norm()).item() for a, b in zip(weights, before, strict=True)]
    assert seen.updates == pytest.approx(moved)
    assert loss == expected.detach(), "the same bits"


def test_before_the_first_step_there_is_no_loss_and_no_gradient(tiny):
    seen, _ = closely(Trainer(SMALL, tiny))
    assert seen.loss_before is None and seen.old_gradients == ()
    zeros, _ = closely(Trainer(SMALL.replace(init="zeros"), tiny))
    assert all(map(math.isnan, zeros.updates))


def test_looking_closely_changes_no_bit(tiny):
    watched, alone = Trainer(SMALL, tiny), Trainer(SMALL, tiny)
    losses = [closely(watched)[1] for _ in range(25)]  # over the end of an epoch
    assert torch.equal(torch.stack(losses), alone.train(25))


@pytest.mark.parametrize("speed, every", [("slow", True), ("1", True), ("5", False), ("full", False)])
def test_slow_runs_are_looked_at_closely_and_others_only_at_their_last_step(tiny, speed, every):
    time = FakeClock()
    run = Run(SMALL, tiny, clock=time.clock, speed=speed)
    run.start()
    seen = {}
    while run.has_work() or run.step < run.goal:
        if run.has_work():
            run.advance()
        time.now += 0.1
        seen[run.step] = run.recording.close_up is not None and run.recording.close_up.step == run.step
    assert [step for step, close in seen.items() if close] == (list(range(1, 21)) if every else [20])
    assert work_off(run).close_up.step == 20


def test_one_step_is_looked_at_closely_at_any_speed(tiny):
    run = Run(SMALL, tiny)
    for step in (1, 2):
        run.one_step()
        snapshot = work_off(run)
        assert snapshot.close_up.step == step
    assert snapshot.close_up.loss_before == pytest.approx(snapshot.steps.column("loss")[0])
    run.one_epoch()
    run.advance()
    assert run.recording.close_up is None, "the step before was another one"


def test_the_shares_of_the_lines_add_up_and_the_run_keeps_its_bits(tiny):
    run, alone = Run(SMALL, tiny), Trainer(SMALL, tiny)
    assert work_off(run).line_shares == run.inspections.line_shares
    shares = run.inspections.line_shares
    assert len(shares) == 5 and sum(shares) == pytest.approx(1) and min(shares) > 0
    run.start()
    snapshot = work_off(run)
    assert snapshot.line_shares == shares, "they are measured once"
    assert np.array_equal(snapshot.steps.column("loss"), alone.train(20).numpy())


def test_a_slow_line_gets_the_larger_share(tiny, monkeypatch):
    """The loss function is made to work for 10 ms."""
    trainer = Trainer(SMALL, tiny)
    loss_fn = trainer.loss_fn

    def slowly(logits, y):
        a = torch.rand(600, 600)
        for _ in range(40):
            a = a @ a
        return loss_fn(logits, y)

    trainer.loss_fn = slowly
    *_, shares = line_shares(trainer)
    assert shares[1] == max(shares) and shares[1] > 0.5
