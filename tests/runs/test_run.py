import numpy as np
import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz.backend.commands import SetSharpness
from mlpviz.runs.publishing import SHARE
from mlpviz.runs.run import Run
from mlpviz.runs.schedule import is_test_step
from mlpviz.runs.speedometer import Speedometer
from mlpviz.snapshot import REFRESH, step_columns
from tests.runs.working import SMALL, FakeClock, work_off

WILD = SMALL.replace(hidden_sizes=(16,) * 3, activation="leaky_relu", init_std=1.0, epochs=50)


def first_bad_step(settings, dataset):
    """The first step whose loss is not finite, by the plain trainer."""
    losses = Trainer(settings, dataset).train(200)
    return int((~torch.isfinite(losses)).nonzero()[0]) + 1


def test_a_whole_run_gives_the_numbers_of_the_trainer(tiny):
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


def test_a_finished_run_goes_on_with_more_epochs(tiny):
    run = Run(SMALL, tiny)
    run.start()
    work_off(run)
    run.change(SMALL.replace(epochs=3))
    assert run.status == "paused"
    run.start()
    assert work_off(run).step == 30
    alone = Trainer(SMALL, tiny).train(30)
    assert run.snapshot.steps.column("loss").tolist() == alone.tolist()


def test_changing_the_epochs_while_training_moves_the_end(tiny):
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


def test_a_slider_moved_several_times_leaves_one_mark(tiny):
    """The slider is moved by keys while the run rests. Only the value of the next step counts."""
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
    run.start()  # the reader may go on
    run.work(0.01)
    assert run.status == "training"


def test_looking_does_not_change_a_run(tiny):
    """A run with a snapshot after each step, and the trainer alone, give the same bits."""
    time = FakeClock()
    watched, alone = Run(SMALL, tiny, clock=time.clock), Trainer(SMALL, tiny)
    watched.start()
    while watched.has_work():
        time.now += 1.0  # so that a snapshot is due again
        watched.advance()
        watched.refresh(1)
        assert watched.snapshot.inspection.step == watched.step == watched.snapshot.step
    alone.train(20)
    for ours, theirs in zip(watched.trainer.net.parameters(), alone.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def curves_of(snapshot):
    """Everything that a snapshot shows of a run, except its speed and its prices."""
    inspection, diagnosis = snapshot.inspection, snapshot.diagnosis
    series = [snapshot.steps, inspection.trend, snapshot.sharpness]
    arrays = [a for each in series for a in (each.mean, each.minimum, each.maximum, each.not_finite)]
    arrays += [h.counts for h in (*inspection.weights, *inspection.gradients)]
    arrays += [inspection.first_layer_units, inspection.first_layer_images, snapshot.evaluations]
    values = (snapshot.step, snapshot.status, snapshot.recent, inspection.latest, snapshot.checkpoints)
    return [a.tobytes() for a in arrays], repr(values), repr(diagnosis.vitals), diagnosis.kind


@pytest.mark.parametrize(
    "settings",
    [
        SMALL.replace(epochs=30),
        SMALL.replace(epochs=40, learning_rate=1.5, hidden_sizes=(16, 16)),
        SMALL.replace(epochs=2, batch_size=3),
        WILD,
    ],
    ids=["healthy", "dying", "small batches", "overflow"],
)
def test_the_figures_do_not_depend_on_the_watchers_or_on_the_speed(tiny, settings):
    """One watcher on a fast machine, thirty on a slow one, nobody until the run rests, and one in slow motion."""
    shown = []
    for seconds, watched, pause, speed in (
        (0.001, 1, 0.0, "full"),
        (0.013, 30, 0.7, "full"),
        (10.0, 1, 0.0, "full"),
        (0.001, 1, 5.0, "slow"),
    ):
        time = FakeClock()
        run = Run(settings, tiny, clock=time.clock, speed=speed)
        SetSharpness(True).carry_out(run)
        train_one = run.recording.train_one

        def slowly(look_closely, time=time, train_one=train_one, seconds=seconds):
            train_one(look_closely)
            time.worked += seconds

        run.recording.train_one = slowly
        run.start()
        while run.has_work() or run.step < run.goal:
            run.work(0.02)
            time.now += 0.02 + pause
            if seconds < 1:
                run.refresh(watched)
        run.publisher.show_where_it_rests()
        shown.append(curves_of(run.snapshot))
    assert shown[0] == shown[1] == shown[2] == shown[3]


def test_a_sample_taken_at_a_pause_is_dropped_when_the_run_goes_on(tiny):
    """A run that was paused has the same series at the end."""
    settings, shown = SMALL.replace(epochs=10), []
    for pauses in ((), (7, 13, 48)):
        run = Run(settings, tiny)
        SetSharpness(True).carry_out(run)
        for step in pauses:
            run.start()
            while run.step < step:
                run.advance()
            run.pause()
            assert work_off(run).inspection.latest.step == step
        run.start()
        shown.append(curves_of(work_off(run)))
    assert shown[0] == shown[1]


def test_a_long_epoch_is_also_tested_within_the_epoch(tiny):
    """With mini-batches of one image, an epoch is too long without a test."""
    settings = SMALL.replace(batch_size=1, hidden_sizes=(), learning_rate=0.01, epochs=4)
    run = Run(settings, tiny)
    run.start()
    assert work_off(run).evaluations[:, 0].tolist() == [0, 1000, 2000, 3000, 4000]
    parts = [step for step in range(1, 60_001) if is_test_step(step, settings, 60_000)]
    gaps = np.diff([0, *parts])
    assert parts[-1] == 60_000 and len(parts) == 28 and gaps.max() - gaps.min() <= 1
    article = Settings()
    assert [step for step in range(1, 471) if is_test_step(step, article, 235)] == [235, 470]


def test_a_run_is_finished_after_its_last_test(tiny):
    run = Run(SMALL, tiny)
    run.start()
    seen = set()
    while run.has_work():
        run.advance()
        seen.add((run.status, len(run.recording.evaluations)))
    assert {status for status, tests in seen if tests < 3} == {"training"} and run.status == "finished"


def test_snapshots_come_at_most_once_a_refresh_and_only_with_news(tiny):
    time = FakeClock()
    run = Run(SMALL.replace(epochs=100), tiny, clock=time.clock)
    work_off(run)
    first = run.snapshot
    run.refresh(1)
    assert run.snapshot is first, "nothing new"
    run.start()
    run.advance()
    run.refresh(1)
    assert run.snapshot.status == "training", "a changed status is shown at once"
    second = run.snapshot
    run.advance()
    run.refresh(1)
    assert run.snapshot is second, "too early"
    time.now += REFRESH
    run.refresh(1)
    assert run.snapshot.version == second.version + 1


def test_histograms_of_many_runs_take_a_bounded_share(tiny, monkeypatch):
    """If each snapshot takes 6 ms, a hundred runs are shown less often."""
    clock = FakeClock()
    run = Run(SMALL.replace(epochs=100), tiny, clock=clock.clock)
    work_off(run)
    show = run.inspections.show
    monkeypatch.setattr(run.inspections, "show", lambda: (show()[0], 0.006))
    run.start()
    run.advance()
    run.refresh(100)
    shown = run.snapshot
    run.advance()
    clock.now += 100 * 0.006 / SHARE - 0.01
    run.refresh(100)
    assert run.snapshot is shown
    clock.now += 0.02
    run.refresh(100)
    assert run.snapshot is not shown


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
    """On a fake clock: 40 turns of 5 ms each, with steps of 30 ms and with steps of 1 ms."""
    spent = {}
    for milliseconds in (30, 1):
        time = FakeClock()
        run = Run(SMALL.replace(epochs=1000), tiny, clock=time.clock)
        work_off(run)
        run.start()
        train_one = run.recording.train_one

        def slowly(look_closely, milliseconds=milliseconds, time=time, train_one=train_one):
            train_one(look_closely)
            time.worked += milliseconds / 1e3

        run.recording.train_one = slowly
        begun = time.worked
        for _ in range(40):
            run.work(0.005)
        spent[milliseconds] = time.worked - begun
    assert spent[1] == pytest.approx(0.2, abs=0.002) and spent[30] == pytest.approx(0.2, abs=0.03)


def test_a_run_that_fails_says_so_once_and_immediately(tiny):
    """Nothing is measured for this message, because the same error could happen again."""
    run = Run(SMALL, tiny)
    work_off(run)
    run.publish()
    version = run.snapshot.version
    run.start()
    run.fail(MemoryError("no memory"))
    run.fail(ValueError("something else"))
    assert (run.snapshot.status, run.snapshot.version) == ("failed", version + 1)
    assert (run.state.status, run.state.message, run.state.version) == ("failed", run.snapshot.message, version + 1)
    assert run.state.message.startswith("An error stopped this run (MemoryError: no memory). Press Reset")
    assert not run.has_work() and run.state.goal == run.state.step == 0, "it has no goal any more"


def test_a_run_that_fails_before_its_first_snapshot_says_so_too(tiny):
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


def test_a_snapshot_never_changes(tiny):
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


def test_a_bad_loss_pauses_at_once_but_not_again_after_start(tiny):
    first_bad = first_bad_step(WILD, tiny)
    run = Run(WILD, tiny)
    run.start()
    while run.has_work():
        run.work(1.0)
    assert run.step == first_bad and run.status == "paused"
    run.start()
    for _ in range(60):
        run.advance()
    run.refresh(1)
    assert run.status == "training" and run.step > first_bad + 20, "the same alarm doesn't stop it twice"


def test_speed_is_steps_per_second_of_training():
    time = FakeClock()
    speed = Speedometer(time.clock)
    assert speed.measure(0, True) == 0.0
    time.now += 0.5
    assert speed.measure(50, True) == 100.0
    time.now += 0.5
    assert speed.measure(50, False) == 50.0
    time.now += 1.0
    assert speed.measure(50, True) == 50.0, "a pause doesn't count"
    time.now += 0.5
    assert speed.measure(60, True) == 20.0


def test_the_state_agrees_with_the_run(tiny):
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
    assert not state.untouched and not state.measures_sharpness
    before = state
    run.start()
    assert run.state is before, "it changes only when it is published"


def test_a_run_that_was_started_is_not_untouched(tiny):
    """Even before the first step, the reader has begun something that could be lost."""
    run = Run(SMALL, tiny)
    run.publish()
    assert run.state.untouched
    run.start()
    run.publish()
    assert run.step == 0 and not run.state.untouched
