"""A run and its twin: they train step by step on the same mini-batches."""

import pytest
import torch

from mlpviz import Trainer
from mlpviz.backend.specifications import TwinOf
from mlpviz.figures.twin import twin_line
from mlpviz.runs.engine import Engine
from mlpviz.runs.pair import Pair
from mlpviz.runs.run import Run
from tests.runs.working import SMALL, work_off
from tests.waiting import until


def pair(tiny, at=0, **changes):
    leader = Run(SMALL.replace(epochs=4), tiny)
    work_off(leader)
    while leader.step < at:
        leader.one_step()
        work_off(leader)
    both = Pair.of(leader, changes)
    both.begin()
    work_off(leader)
    return leader, both.follower


def show(twin):
    twin.collect()
    twin.publisher.show_where_it_rests()
    return twin.snapshot


def test_each_run_gives_the_same_numbers_as_alone(tiny):
    leader, twin = pair(tiny, learning_rate=0.3)
    leader.start()
    ours = work_off(leader)
    theirs = show(twin)
    assert (twin.step, twin.status) == (40, "finished")
    for settings, snapshot in ((leader.settings, ours), (leader.settings.replace(learning_rate=0.3), theirs)):
        oracle = Trainer(settings, tiny)
        assert snapshot.steps.column("loss").tolist() == oracle.train(40).tolist()
        assert snapshot.evaluations[-1].tolist() == [40, (e := oracle.evaluate()).loss, e.accuracy]


def test_the_mini_batches_are_the_same_for_another_network(tiny):
    """Other layers draw more or fewer random numbers. The order of the images must not depend on that."""
    leader, twin = pair(tiny, hidden_sizes=(8, 8), activation="tanh")
    leader.start()
    for _ in range(25):
        leader.advance()
        while leader.leads.behind():
            leader.advance()
        assert torch.equal(leader.trainer.order, twin.trainer.order)
    assert twin.step == leader.step


def test_they_are_never_more_than_a_step_apart(tiny):
    leader, twin = pair(tiny, learning_rate=0.2)
    leader.start()
    while leader.has_work():
        leader.advance()
        assert 0 <= leader.step - twin.step <= 1
    leader.pause()
    assert twin.status == leader.status == "finished"


def test_the_first_difference_is_reported_correctly(tiny):
    leader, twin = pair(tiny, learning_rate=0.3)
    leader.start()
    work_off(leader)
    a = Trainer(leader.settings, tiny).train(40)
    b = Trainer(leader.settings.replace(learning_rate=0.3), tiny).train(40)
    first = int((a != b).nonzero()[0]) + 1
    snapshot = show(twin)
    assert snapshot.comparison.first_difference == (first, a[first - 1].item(), b[first - 1].item())
    line = twin_line(snapshot)
    assert f"first differ at step {first}" in line and "learning rate 0.1 → 0.3" in line and "Test accuracy" in line


def test_a_twin_with_nothing_changed_never_differs(tiny):
    leader, twin = pair(tiny, learning_rate=0.1)
    leader.start()
    work_off(leader)
    assert show(twin).comparison.first_difference is None and "identical" in twin_line(twin.snapshot)


@pytest.mark.parametrize("at", [7, 10, 25])
def test_a_twin_of_a_run_under_way_begins_at_its_present_step(tiny, at):
    leader, twin = pair(tiny, at=at, learning_rate=0.02, momentum=0.5)
    assert twin.step == at
    leader.start()
    work_off(leader)
    oracle = Trainer(leader.settings, tiny)
    oracle.train(at)
    oracle.change(leader.settings.replace(learning_rate=0.02, momentum=0.5))
    expected = oracle.train(40 - at)
    assert show(twin).steps.column("loss").tolist() == expected.tolist()
    assert twin.snapshot.steps.ends()[0] == at + 1


def test_a_change_that_needs_a_new_run_must_begin_at_step_0(tiny):
    with pytest.raises(ValueError, match="begin at step 0"):
        pair(tiny, at=3, hidden_sizes=(8,))


def test_the_twin_shares_the_leader_s_later_changes_except_the_difference(tiny):
    leader, twin = pair(tiny, learning_rate=0.3)
    leader.change(leader.settings.replace(learning_rate=0.05, weight_decay=0.01, epochs=6))
    assert (twin.settings.learning_rate, twin.settings.weight_decay, twin.settings.epochs) == (0.3, 0.01, 6)


def test_a_twin_that_fails_does_not_stop_its_leader(tiny):
    leader, twin = pair(tiny, learning_rate=0.3)
    show(twin)
    twin.trainer.train_one = None
    leader.start()
    assert work_off(leader).status == "finished" and twin.failed
    assert "stopped by an error" in twin_line(show(twin))


def test_leading_does_not_change_a_run(tiny):
    leader, _ = pair(tiny, hidden_sizes=(4,))
    leader.start()
    losses = work_off(leader).steps.column("loss").tolist()
    assert losses == Trainer(leader.settings, tiny).train(40).tolist()


def test_a_change_that_the_twin_can_t_follow_is_ignored_by_the_twin(tiny):
    leader, twin = pair(tiny, optimizer="adam", learning_rate=0.001)
    leader.change(leader.settings.replace(momentum=0.9, weight_decay=0.01))
    leader.start()
    assert work_off(leader).status == "finished" and not leader.failed
    assert (twin.settings.momentum, twin.settings.weight_decay, twin.step) == (0.0, 0.01, 40)


def test_a_broken_run_does_not_differ_from_its_broken_twin(tiny):
    leader = Run(SMALL.replace(epochs=4), tiny)
    leader.health.pauses_when_ill = False
    work_off(leader)
    leader.trainer.net[1].weight.data.fill_(float("nan"))
    leader.one_step()
    work_off(leader)
    both = Pair.of(leader, {"learning_rate": 0.2})
    both.begin()
    twin = both.follower
    leader.start()
    work_off(leader)
    assert show(twin).comparison.first_difference is None


def test_the_two_means_are_of_the_same_steps(tiny):
    leader, twin = pair(tiny, learning_rate=0.3)
    leader.start()
    for _ in range(60):
        leader.advance()
    a = Trainer(leader.settings, tiny).train(twin.step)[-25:].mean().item()
    b = Trainer(twin.settings, tiny).train(twin.step)[-25:].mean().item()
    assert leader.leads.comparison().losses == pytest.approx((a, b), rel=1e-6)


def test_a_leader_knows_of_its_twin_only_once_it_begins(tiny):
    """So if there is no room for a twin, nothing of it is left."""
    leader = Run(SMALL, tiny)
    both = Pair.of(leader, {"learning_rate": 0.3})
    assert leader.leads is None and leader.companions() == []
    both.begin()
    assert leader.leads is both and leader.companions() == [both.follower]


def test_a_second_twin_replaces_the_first(tiny):
    leader, first = pair(tiny, learning_rate=0.3)
    Pair.of(leader, {"learning_rate": 0.2}).begin()
    assert first.over and leader.leads.follower is not first


def test_a_twin_is_removed_with_its_leader(tiny):
    engine = Engine(threads=1)
    try:
        leader = engine.add(Run(SMALL, tiny))
        twin = engine.create(TwinOf(leader.id, (("learning_rate", 0.3),))).result(10)
        state = engine.find(leader.id, "")
        assert (state.twin.id, dict(state.twin.changes), state.twin.what) == (
            twin.id,
            {"learning_rate": 0.3},
            "learning rate 0.1 → 0.3",
        )
        assert engine.look(state.twin.token).id == twin.id
        engine.drop(leader.id, "")
        assert engine.look(twin.token) is None
    finally:
        engine.close()


def test_a_twin_that_is_ended_is_removed(tiny):
    engine = Engine(threads=1)
    try:
        leader = engine.add(Run(SMALL, tiny))
        twin = engine.create(TwinOf(leader.id, (("learning_rate", 0.3),))).result(10)
        assert engine.tell(leader.id, "", lambda run: run.end_twin()).result(10).twin is None
        until(lambda: engine.find(twin.id, "") is None)
    finally:
        engine.close()
