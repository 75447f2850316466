"""Going back: checkpoints, replays and branches repeat the run bit for bit."""

import numpy as np
import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz.runs.branch import branch
from mlpviz.runs.checkpoints import LATEST, Checkpoints
from mlpviz.runs.memory import FEWEST_CHECKPOINTS, checkpoint_capacity, checkpoint_memory, run_memory
from mlpviz.runs.run import Run
from mlpviz.stability.replay import Replay
from tests.runs.working import SMALL, work_off

OPTIMIZERS = [
    {},
    {"momentum": 0.9, "nesterov": True},
    {"optimizer": "adam", "learning_rate": 0.01},
    {"optimizer": "rmsprop", "learning_rate": 0.01, "weight_decay": 0.01},
]


def equal(ours, theirs):
    return all(torch.equal(a, b) for a, b in zip(ours.net.parameters(), theirs.net.parameters(), strict=True))


@pytest.mark.parametrize("changes", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("at", [0, 3, 10, 13, 20])
def test_a_trainer_goes_on_from_its_checkpoint_bit_for_bit(tiny, changes, at):
    """From the first step of an epoch and from its middle, and on into the next epochs. An epoch is ten steps."""
    settings = SMALL.replace(**changes)
    alone = Trainer(settings, tiny).train(35)
    trainer = Trainer(settings, tiny)
    trainer.train(at)
    kept = trainer.checkpoint()
    trainer.train(8)
    trainer.restore(kept)
    assert torch.equal(trainer.train(35 - at), alone[at:])
    other = Trainer(settings, tiny)
    other.restore(kept)
    assert torch.equal(other.train(35 - at), alone[at:]) and equal(other, trainer)


def test_a_checkpoint_of_another_network_is_refused(tiny):
    kept = Trainer(SMALL, tiny).checkpoint()
    with pytest.raises(ValueError, match="other settings"):
        Trainer(SMALL.replace(hidden_sizes=(8,)), tiny).restore(kept)


def test_a_replay_repeats_the_run_with_its_changes(tiny):
    run = Run(SMALL.replace(epochs=20), tiny)
    for _ in range(6):
        run.one_epoch()
        work_off(run)
        run.change(run.settings.replace(learning_rate=run.settings.learning_rate * 1.3))
    replay = Replay(tiny, run.health.checkpoints.before(55), run.recording.settings_log)
    assert replay.start == 50
    while replay.trainer.step < run.step:
        replay.advance()
    assert equal(replay.trainer, run.trainer)
    losses = run.snapshot.steps.column("loss")[50:60]
    assert [row[0] for row in replay.rows] == losses.tolist()


def test_the_rows_of_a_replay_agree_with_plain_pytorch(tiny):
    trainer = Trainer(SMALL, tiny)
    trainer.train(4)
    replay = Replay(tiny, trainer.checkpoint())
    replay.advance()
    W1, b1, W2, b2 = (p.detach().clone() for p in trainer.net.parameters())
    X, y = trainer.next_batch()
    z1 = X.flatten(1) @ W1.T + b1
    z2 = z1.relu() @ W2.T + b2
    trainer.train_one()
    grads = [p.grad for p in trainer.net.parameters()]
    new = [p.detach() for p in trainer.net.parameters()]
    after = torch.nn.functional.cross_entropy((X.flatten(1) @ new[0].T + new[1]).relu() @ new[2].T + new[3], y)
    expected = [
        torch.nn.functional.cross_entropy(z2, y),
        after,
        grads[0].norm(),
        grads[2].norm(),
        (new[0] - W1).norm() / W1.norm(),
        (new[2] - W2).norm() / W2.norm(),
        new[0].abs().max(),
        new[2].abs().max(),
        z1.abs().max(),
        z2.abs().max(),
        (z1 <= 0).all(dim=0).float().mean(),
    ]
    assert replay.rows[0] == pytest.approx([float(value) for value in expected], rel=1e-5)


@pytest.mark.parametrize(
    ("poison", "expected"),
    [
        (lambda net: net[1].weight.data.fill_(1e38), ("activations", 1)),
        (lambda net: (net[1].bias.data.fill_(10.0), net[3].weight.data.fill_(3e38)), ("logits", 2)),
    ],
)
def test_the_first_tensor_that_is_not_finite_is_found(tiny, poison, expected):
    trainer = Trainer(SMALL, tiny)
    poison(trainer.net)
    replay = Replay(tiny, trainer.checkpoint())
    replay.advance()
    assert replay.first_bad == (*expected, 1)


def test_a_gradient_that_is_not_finite_is_found_in_its_layer(tiny):
    """The square root at zero is finite, but its slope is not."""
    replay = Replay(tiny, Trainer(SMALL, tiny).checkpoint())
    replay.trainer.loss_fn = lambda logits, y: (logits * 0).sum().sqrt()
    replay.advance()
    assert replay.first_bad == ("gradient", 2, 1)


def test_checkpoints_stay_few_and_the_latest_are_close_together():
    class Fake:
        def __init__(self, step):
            self.step = step

    kept = Checkpoints(Settings())
    for step in range(100_001):
        if kept.due(step):
            kept.keep(Fake(step))
    steps = kept.steps()
    assert len(steps) <= checkpoint_capacity(Settings()) and steps[0] == 0
    assert steps[-LATEST:] == (99_600, 99_800, 100_000)
    gaps = np.diff([step for step in steps if step <= 99_200])
    assert gaps.max() <= 2 * gaps.min(), "spread evenly over the run"
    assert kept.before(99_999).step == 99_800 and kept.before(0).step == 0
    with pytest.raises(LookupError):
        kept.before(-1)


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(hidden_sizes=(1024,) * 6, optimizer="adam"), Settings(momentum=0.5)]
)
def test_a_checkpoint_takes_the_expected_memory(tiny, settings):
    trainer = Trainer(settings.replace(dataset="fashion-mnist-mini"), tiny)
    trainer.train(1)
    kept = trainer.checkpoint()
    tensors = [*kept.parameters, kept.draws]
    for state in kept.optimizer.values():
        tensors += [value for value in state.values() if isinstance(value, torch.Tensor)]
    measured = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert checkpoint_memory(settings) == pytest.approx(measured, rel=0.01)
    assert (
        checkpoint_capacity(settings) >= FEWEST_CHECKPOINTS
        and run_memory(settings) > checkpoint_capacity(settings) * measured * 0.99
    )


def test_a_branch_without_changes_repeats_the_run(tiny):
    run = Run(SMALL.replace(epochs=12), tiny)
    run.start()
    work_off(run)
    other = branch(run, 60)
    assert (other.step, other.status) == (50, "paused"), "its evaluations are those of the run before it"
    other.start()
    snapshot = work_off(other)
    assert equal(other.trainer, run.trainer) and snapshot.step == 120
    assert snapshot.steps.start == 50 and snapshot.steps.ends().tolist() == list(range(51, 121))
    assert snapshot.steps.column("loss").tolist() == run.snapshot.steps.column("loss")[50:].tolist()
    ours = {row[0]: row for row in snapshot.evaluations.tolist()}
    for row in run.snapshot.evaluations.tolist():
        assert ours[row[0]] == row
    assert other.settings == run.settings


def test_a_branch_with_another_rate_does_not_change_the_old_run(tiny):
    run = Run(SMALL.replace(epochs=12), tiny)
    run.start()
    work_off(run)
    before = [p.detach().clone() for p in run.trainer.net.parameters()]
    other = branch(run, 0)
    other.change(other.settings.replace(learning_rate=0.3))
    other.start()
    work_off(other)
    oracle = Trainer(SMALL.replace(epochs=12, learning_rate=0.3), tiny)
    oracle.train(120)
    assert equal(other.trainer, oracle)
    assert all(torch.equal(a, b) for a, b in zip(before, run.trainer.net.parameters(), strict=True))


def test_a_branch_of_a_branch_knows_its_settings_from_step_0_on(tiny):
    run = Run(SMALL.replace(epochs=12), tiny)
    run.one_epoch()
    work_off(run)
    run.change(run.settings.replace(learning_rate=0.2))
    run.start()
    work_off(run)
    other = branch(run, 50)
    other.change(other.settings.replace(learning_rate=0.3))
    assert [(step, s.learning_rate) for step, s in other.recording.settings_log] == [(0, 0.1), (10, 0.2), (50, 0.3)]


def test_momentum_that_is_set_later_counts_as_memory(tiny):
    run = Run(SMALL, tiny)
    before = run.memory
    run.change(SMALL.replace(momentum=0.9))
    assert run.memory == run_memory(SMALL.replace(momentum=0.9)) > before
