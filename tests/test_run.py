import math

import numpy as np
import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz import run as run_module
from mlpviz.run import Run
from mlpviz.snapshot import step_columns

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=2)


def work_off(run):
    while run.has_work():
        run.work(0.005)
        run.refresh(1)
    run._next_refresh = 0.0  # no waiting for the next one
    run.refresh(1)
    return run.snapshot


def test_a_whole_run_is_the_trainers(tiny):
    run = Run(SMALL, tiny)
    assert run.status == "preparing"
    assert work_off(run).status == "paused"
    run.start()
    assert run.status == "training"
    snapshot = work_off(run)
    oracle = Trainer(SMALL, tiny)
    expected = [oracle.evaluate()]
    losses = []
    for _ in range(2):
        losses += oracle.train(10).tolist()
        expected.append(oracle.evaluate())
    assert snapshot.status == "finished" and snapshot.step == 20
    assert snapshot.steps.mean[:, 0].tolist() == losses
    assert snapshot.evaluations.tolist() == [[e.step, e.loss, e.accuracy] for e in expected]
    assert snapshot.inspection.step == 20


def test_one_step_one_epoch_and_pause_move_the_goal(tiny):
    run = Run(SMALL, tiny)
    work_off(run)
    run.one_step()
    assert work_off(run).step == 1
    run.one_epoch()
    assert work_off(run).step == 10 and len(run.snapshot.evaluations) == 2
    run.one_epoch()
    run.pause()
    assert work_off(run).step == 10
    run.one_epoch()
    assert work_off(run).step == 20


def test_more_epochs_go_on_from_a_finished_run(tiny):
    run = Run(SMALL, tiny)
    run.start()
    work_off(run)
    run.change(SMALL.replace(epochs=3))
    assert run.status == "paused"
    run.start()
    assert work_off(run).step == 30
    alone = Trainer(SMALL, tiny).train(30)
    assert run.snapshot.steps.mean[:, 0].tolist() == alone.tolist()


def test_fewer_or_more_epochs_while_training_move_its_end(tiny):
    run = Run(SMALL.replace(epochs=50), tiny)
    run.start()
    while run.step < 5:
        run.advance()
    run.change(SMALL.replace(epochs=3))
    assert work_off(run).step == 30


def test_a_changed_learning_rate_is_marked(tiny):
    run = Run(SMALL, tiny)
    run.change(SMALL.replace(learning_rate=0.2))
    assert work_off(run).changes == (), "before the first step there is nothing to mark"
    run.one_epoch()
    work_off(run)
    run.change(SMALL.replace(learning_rate=0.05, momentum=0.9))
    run.one_step()
    assert work_off(run).changes == ((10, "learning rate 0.2 → 0.05"), (10, "momentum 0 → 0.9"))


def test_a_loss_that_is_not_finite_pauses_the_run_and_names_the_step(tiny):
    wild = SMALL.replace(hidden_sizes=(16,) * 3, activation="leaky_relu", init_std=1.0, epochs=50)
    losses = Trainer(wild, tiny).train(200)
    first_bad = int((~torch.isfinite(losses)).nonzero()[0]) + 1
    run = Run(wild, tiny)
    run.start()
    snapshot = work_off(run)
    assert snapshot.status == "paused" and snapshot.not_finite_step == first_bad
    assert (snapshot.diagnosis.kind, snapshot.diagnosis.severity) == ("overflow", "alarm")
    assert first_bad <= snapshot.step < run.total_steps
    assert snapshot.steps.not_finite[:, 0].sum() == snapshot.step - first_bad + 1
    run.start()  # whoever wants to go on may
    run.work(0.01)
    assert run.status == "training"


def test_looking_does_not_change_a_run(tiny):
    """With inspections at every chance and with none at all: the same bits."""
    watched, alone = Run(SMALL, tiny), Run(SMALL, tiny)
    for run in (watched, alone):
        run.start()
    while watched.has_work():
        watched._next_refresh = watched._inspected_at = -math.inf
        watched._credit = 0.0
        watched.work(1e-9)
        watched.refresh(1)
    while alone.has_work():
        alone.work(0.1)
    for ours, theirs in zip(watched.trainer.net.parameters(), alone.trainer.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert watched.snapshot.inspection.trend.rows > 15


def test_snapshots_come_at_most_every_refresh_and_only_with_news(tiny, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(run_module.time, "monotonic", lambda: clock[0])
    run = Run(SMALL.replace(epochs=100), tiny)
    work_off(run)
    first = run.snapshot
    run.refresh(1)
    assert run.snapshot is first, "nothing new"
    run.start()
    run.work(1e-9)
    run.refresh(1)
    assert run.snapshot.status == "training", "a changed status is told at once"
    second = run.snapshot
    run._credit = 0.0
    run.work(1e-9)
    run.refresh(1)
    assert run.snapshot is second, "too early"
    clock[0] += run_module.REFRESH
    run.refresh(1)
    assert run.snapshot.version == second.version + 1


def test_inspections_of_many_runs_take_a_bounded_share(tiny):
    run = Run(SMALL, tiny)
    work_off(run)
    run._inspection_seconds = 0.006
    run._shown, run._next_refresh = (None,), 0.0
    run.refresh(watched=100)
    assert 100 * 0.006 / run._inspect_every == pytest.approx(run_module.INSPECTION_SHARE)


def test_a_lease_lasts_ten_seconds(tiny, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(run_module.time, "monotonic", lambda: clock[0])
    run = Run(SMALL, tiny)
    clock[0] += 9.9
    assert run.watched()
    clock[0] += 0.2
    assert not run.watched() and run.unwatched_seconds() == pytest.approx(0.1)
    run.look()
    assert run.watched()


def test_long_steps_get_no_more_time_than_short_ones(tiny, monkeypatch):
    """On a made-up clock: 40 turns of 5 ms each, for steps of 30 ms and for steps of 1 ms."""
    clock, spent = [0.0], {}
    monkeypatch.setattr(run_module.time, "thread_time", lambda: clock[0])
    for milliseconds in (30, 1):
        run = Run(SMALL.replace(epochs=1000), tiny)
        run._evaluating = None
        run.start()

        def train_one(milliseconds=milliseconds):
            clock[0] += milliseconds / 1e3

        run._train_one = train_one
        run._inspection_due = lambda: False
        begun = clock[0]
        for _ in range(40):
            run.work(0.005)
        spent[milliseconds] = clock[0] - begun
    assert spent[1] == pytest.approx(0.2, abs=0.002) and spent[30] == pytest.approx(0.2, abs=0.03)


def test_a_failing_inspection_stops_the_run_once_and_is_shown(tiny):
    run = Run(SMALL, tiny)
    work_off(run)
    calls = []

    def explode(ratios):
        calls.append(1)
        raise RuntimeError("no memory")

    run._inspector.inspect = explode
    run.one_step()
    with pytest.raises(RuntimeError):
        run.work(0.1)
    run.fail("RuntimeError: no memory")
    run._next_refresh = 0.0
    run.refresh(1)
    assert (run.snapshot.status, run.snapshot.message, len(calls)) == ("failed", "RuntimeError: no memory", 1)


def test_the_recent_means_are_of_the_last_25_steps(tiny):
    run = Run(SMALL.replace(epochs=4), tiny)
    run.start()
    snapshot = work_off(run)
    losses = Trainer(SMALL, tiny).train(40).double()
    assert snapshot.recent[0] == pytest.approx(losses[-25:].mean().item(), rel=1e-6)


def test_snapshots_are_plain_and_keep_their_bits(tiny):
    run = Run(SMALL, tiny)
    run.one_step()
    snapshot = work_off(run)
    before = snapshot.steps.mean.copy()
    run.start()
    work_off(run)
    assert np.array_equal(snapshot.steps.mean, before) and snapshot.steps.mean.shape == (1, len(step_columns(2)))
    with pytest.raises(AttributeError):
        snapshot.step = 5


def test_a_change_while_one_epoch_trains_does_not_move_its_end(tiny):
    run = Run(SMALL, tiny)
    work_off(run)
    run.one_epoch()
    run.change(SMALL.replace(learning_rate=0.2))
    assert work_off(run).step == 10


def test_a_bad_loss_pauses_at_the_end_of_its_turn_and_start_goes_on_for_good(tiny):
    wild = SMALL.replace(hidden_sizes=(16,) * 3, activation="leaky_relu", init_std=1.0, epochs=50)
    first_bad = int((~torch.isfinite(Trainer(wild, tiny).train(200))).nonzero()[0]) + 1
    run = Run(wild, tiny)
    run.start()
    while run.has_work():
        run._credit = 0.0
        run.work(1e-9)  # one step a turn
    assert run.step == first_bad and run.status == "paused"
    run.start()
    run._credit = 0.0
    run.work(0.01)
    run.refresh(1)
    assert run.status == "training", "whoever has seen the alarm isn't stopped by it again"


def test_speed_is_steps_per_second_of_training(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(run_module.time, "monotonic", lambda: clock[0])
    speed = run_module._Speed()
    assert speed.measure(0, True) == 0.0
    clock[0] += 0.5
    assert speed.measure(50, True) == 100.0
    clock[0] += 0.5
    assert speed.measure(50, False) == 50.0
    clock[0] += 1.0
    assert speed.measure(50, True) == 50.0, "a pause doesn't count"
    clock[0] += 0.5
    assert speed.measure(60, True) == 20.0
