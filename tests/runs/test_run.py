import math

import numpy as np
import pytest
import torch

from mlpviz import Trainer
from mlpviz.observe.inspector import Inspector
from mlpviz.runs.inspections import INSPECTION_SHARE, Inspections
from mlpviz.runs.run import Run
from mlpviz.runs.speed import Speed
from mlpviz.snapshot import REFRESH, step_columns
from tests.runs.working import SMALL, FakeClock, work_off

WILD = SMALL.replace(hidden_sizes=(16,) * 3, activation="leaky_relu", init_std=1.0, epochs=50)


def first_bad_step(settings, dataset):
    """The first step whose loss is not finite, by the plain trainer."""
    losses = Trainer(settings, dataset).train(200)
    return int((~torch.isfinite(losses)).nonzero()[0]) + 1


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
    assert snapshot.steps.column("loss").tolist() == losses
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
    assert run.snapshot.steps.column("loss").tolist() == alone.tolist()


def test_fewer_or_more_epochs_while_training_move_its_end(tiny):
    run = Run(SMALL.replace(epochs=50), tiny)
    run.start()
    while run.step < 5:
        run.advance()
    run.change(SMALL.replace(epochs=3))
    assert work_off(run).step == 30


def test_a_changed_learning_rate_is_marked_and_shown(tiny):
    run = Run(SMALL, tiny)
    run.change(SMALL.replace(learning_rate=0.2))
    snapshot = work_off(run)
    assert snapshot.changes == (), "before the first step there is nothing to mark"
    assert snapshot.learning_rate == run.trainer.optimizer.param_groups[0]["lr"] == 0.2
    run.one_epoch()
    work_off(run)
    run.change(SMALL.replace(learning_rate=0.05, momentum=0.9))
    run.one_step()
    assert work_off(run).changes == ((10, "learning rate 0.2 → 0.05"), (10, "momentum 0 → 0.9"))


def test_a_slider_that_is_moved_on_leaves_one_mark(tiny):
    """Keyboard moves while it rests: only what the next step is trained with counts."""
    run = Run(SMALL, tiny)
    run.one_epoch()
    work_off(run)
    for rate in (0.2, 0.3, 0.5, 0.7):
        run.change(run.settings.replace(learning_rate=rate))
    assert tuple(run.recording.changes) == ((10, "learning rate 0.1 → 0.7"),)
    run.change(run.settings.replace(learning_rate=0.1))
    assert tuple(run.recording.changes) == (), "it is back where it was"
    run.change(run.settings.replace(learning_rate=0.2))
    run.one_step()
    work_off(run)
    run.change(run.settings.replace(learning_rate=0.4))
    assert tuple(run.recording.changes) == ((10, "learning rate 0.1 → 0.2"), (11, "learning rate 0.2 → 0.4"))


def test_a_loss_that_is_not_finite_pauses_the_run_and_names_the_step(tiny):
    first_bad = first_bad_step(WILD, tiny)
    run = Run(WILD, tiny)
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
    """With an inspection after each step and with none at all: the same bits."""
    time = FakeClock()
    watched, alone = Run(SMALL, tiny, clock=time.clock), Run(SMALL, tiny)
    for run in (watched, alone):
        run.start()
    while watched.has_work():
        time.now += 1.0  # so that each look is due again
        watched.look()
        watched.advance()
        watched.refresh(1)
    while alone.has_work():
        alone.advance()
    for ours, theirs in zip(watched.trainer.net.parameters(), alone.trainer.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert watched.snapshot.inspection.trend.rows > 15


def test_snapshots_come_at_most_every_refresh_and_only_with_news(tiny):
    time = FakeClock()
    run = Run(SMALL.replace(epochs=100), tiny, clock=time.clock)
    work_off(run)
    first = run.snapshot
    run.refresh(1)
    assert run.snapshot is first, "nothing new"
    run.start()
    run.advance()
    run.refresh(1)
    assert run.snapshot.status == "training", "a changed status is told at once"
    second = run.snapshot
    run.advance()
    run.refresh(1)
    assert run.snapshot is second, "too early"
    time.now += REFRESH
    run.refresh(1)
    assert run.snapshot.version == second.version + 1


def test_inspections_of_many_runs_take_a_bounded_share(tiny, monkeypatch):
    """On a made-up clock on which an inspection takes 6 ms."""
    time = FakeClock()
    inspect = Inspector.inspect

    def slow(self, ratios):
        time.now += 0.006
        return inspect(self, ratios)

    monkeypatch.setattr(Inspector, "inspect", slow)
    run = Run(SMALL, tiny, clock=time.clock)
    inspections: Inspections = run.inspections
    inspections.look()
    inspections.share_time(watched=100)
    interval = 100 * 0.006 / INSPECTION_SHARE
    time.now += interval - 0.01
    assert not inspections.due()
    time.now += 0.02
    assert inspections.due()


def test_a_lease_lasts_ten_seconds(tiny):
    time = FakeClock()
    run = Run(SMALL, tiny, clock=time.clock)
    time.now += 9.9
    assert run.watched()
    time.now += 0.2
    assert not run.watched() and run.unwatched_seconds() == pytest.approx(0.1)
    run.look()
    assert run.watched()


def test_long_steps_get_no_more_time_than_short_ones(tiny):
    """On a made-up clock: 40 turns of 5 ms each, for steps of 30 ms and for steps of 1 ms."""
    spent = {}
    for milliseconds in (30, 1):
        time = FakeClock()
        run = Run(SMALL.replace(epochs=1000), tiny, clock=time.clock)
        work_off(run)
        run.start()
        train_one = run.recording.train_one

        def slowly(milliseconds=milliseconds, time=time, train_one=train_one):
            train_one()
            time.worked += milliseconds / 1e3

        run.recording.train_one = slowly
        begun = time.worked
        for _ in range(40):
            run.work(0.005)
        spent[milliseconds] = time.worked - begun
    assert spent[1] == pytest.approx(0.2, abs=0.002) and spent[30] == pytest.approx(0.2, abs=0.03)


def test_a_run_that_fails_says_so_once_and_at_once(tiny):
    """Nothing is measured for it: what broke may break again."""
    run = Run(SMALL, tiny)
    work_off(run)
    run.publish()
    version = run.snapshot.version
    run.start()
    run.fail(MemoryError("no memory"))
    run.fail(ValueError("something else"))
    assert (run.snapshot.status, run.snapshot.version) == ("failed", version + 1)
    assert (run.state.status, run.state.message, run.state.version) == ("failed", run.snapshot.message, version + 1)
    assert run.state.message.startswith("An error stopped this run (MemoryError: no memory). Reset begins it again;")
    assert not run.has_work() and run.state.goal == run.state.step == 0, "it is bound for nothing any more"


def test_a_run_that_fails_before_it_was_seen_says_so_too(tiny):
    run = Run(SMALL, tiny)
    run.publish()
    run.fail(MemoryError("no memory"))
    assert (run.snapshot.status, run.snapshot.step) == ("failed", 0) and "no memory" in run.snapshot.message


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
    first_bad = first_bad_step(WILD, tiny)
    time = FakeClock()
    run = Run(WILD, tiny, clock=time.clock)
    train_one = run.recording.train_one

    def one_a_turn():
        train_one()
        time.worked += 1.0

    run.recording.train_one = one_a_turn
    run.start()
    while run.has_work():
        run.work(1.0)
    assert run.step == first_bad and run.status == "paused"
    run.start()
    run.work(1.0)
    run.refresh(1)
    assert run.status == "training", "whoever has seen the alarm isn't stopped by it again"


def test_speed_is_steps_per_second_of_training():
    time = FakeClock()
    speed = Speed(time.clock)
    assert speed.measure(0, True) == 0.0
    time.now += 0.5
    assert speed.measure(50, True) == 100.0
    time.now += 0.5
    assert speed.measure(50, False) == 50.0
    time.now += 1.0
    assert speed.measure(50, True) == 50.0, "a pause doesn't count"
    time.now += 0.5
    assert speed.measure(60, True) == 20.0


def test_the_state_is_what_the_run_is(tiny):
    run = Run(SMALL, tiny)
    work_off(run)
    run.one_epoch()
    work_off(run)
    run.change(SMALL.replace(learning_rate=0.2, epochs=5))
    run.publish()
    state = run.state
    assert (state.id, state.status, state.step, state.total_steps, state.goal) == (run.id, "paused", 10, 50, 10)
    assert state.settings == run.settings and state.settings.learning_rate == 0.2
    assert (state.evaluations, state.changes) == (2, ((10, "learning rate 0.1 → 0.2"),))
    assert (state.dataset, state.classes, state.train_size, state.test_size) == ("tiny", tiny.classes, 1000, 300)
    assert (state.layers, state.device, state.threads) == ((784, 16, 10), "cpu", torch.get_num_threads())
    assert not state.untouched and math.isclose(state.inspect_every, REFRESH) and state.sharpness_every is None
    before = state
    run.start()
    assert run.state is before, "it changes only where it is published"


def test_a_run_that_is_bound_for_something_is_not_untouched(tiny):
    """Between Start and the first step there is something to lose already."""
    run = Run(SMALL, tiny)
    run.publish()
    assert run.state.untouched
    run.start()
    run.publish()
    assert run.step == 0 and not run.state.untouched
