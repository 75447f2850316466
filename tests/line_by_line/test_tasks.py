"""Comparison and sweep as the engine works at them."""

import numpy as np
import pytest

from mlpviz import Settings, Trainer
from mlpviz.engine import Engine
from mlpviz.line_by_line.ablations import ABLATIONS, Ablation
from mlpviz.line_by_line.comparison import Comparison
from mlpviz.line_by_line.sweep import INIT_STDS, Sweep
from mlpviz.live.encode import encode
from mlpviz.observe.dead_units import dead_shares
from mlpviz.trainer import pixels
from tests.test_engine import until

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=2)


@pytest.fixture
def engine():
    engine = Engine(threads=1)
    yield engine
    engine.close()


def finish(task):
    until(
        lambda: task.look() is None and task.snapshot is not None and task.snapshot.status in ("finished", "failed"), 60
    )
    return task.snapshot


def test_a_comparison_in_the_engine_and_a_run_beside_it(engine, tiny):
    run = engine.create(SMALL, tiny)
    comparison = engine.add(Comparison(SMALL, tiny, ABLATIONS["rate-10"], "ada"))
    engine.start(run)
    snapshot = finish(comparison)
    until(lambda: run.look() is None and run.status == "finished")
    leader, follower = Trainer(SMALL, tiny), Trainer(SMALL.replace(learning_rate=1.0), tiny)
    assert snapshot.steps[0].mean[:, 0].tolist() == leader.train(400).tolist()
    assert snapshot.steps[1].mean[:, 0].tolist() == follower.train(400).tolist()
    assert snapshot.evaluations[0][-1].tolist() == [400, leader.evaluate().loss, leader.evaluate().accuracy]
    assert [int(step) for step in snapshot.evaluations[1][:, 0]] == list(range(0, 401, 50))
    assert run.snapshot.steps.mean[:, 0].tolist() == Trainer(SMALL, tiny).train(20).tolist()
    assert b"Learning rate" in encode(snapshot)


def test_a_comparison_rests_when_nobody_watches(engine, tiny):
    comparison = Comparison(SMALL.replace(hidden_sizes=(512, 512)), tiny, ABLATIONS["no-relu"])
    engine.add(comparison)
    comparison._leased_until = 0.0
    until(lambda: not comparison.watched())
    done = comparison.step
    comparison._leased_until = 0.0
    assert comparison.step <= done + 30 and comparison.status == "training"
    assert engine.watch(comparison.token) is comparison


def test_a_comparison_is_found_by_its_token_and_never_as_a_run(engine, tiny):
    comparison = engine.add(Comparison(SMALL, tiny, ABLATIONS["sum"], "ada"))
    assert engine.find(comparison.id, "ada") is None
    engine.drop(comparison)
    assert engine.watch(comparison.token) is None


def test_an_error_in_a_comparison_stops_it_alone(engine, tiny):
    class Broken(Ablation):
        name, title, line = "broken", "Broken", "net"

        def update(self, X, y):
            raise RuntimeError("the changed program fell over")

    run = engine.create(SMALL, tiny)
    comparison = engine.add(Comparison(SMALL, tiny, Broken))
    engine.start(run)
    assert finish(comparison).status == "failed" and "fell over" in comparison.snapshot.message
    until(lambda: run.look() is None and run.status == "finished")


def test_more_than_fits_the_dataset_is_a_value_error(tiny):
    with pytest.raises(ValueError, match="batch_size"):
        Comparison(SMALL.replace(batch_size=2000), tiny, ABLATIONS["sum"])


def test_a_sweep_gives_what_each_run_alone_gives(engine, tiny):
    sweep = engine.add(Sweep(SMALL, tiny, "ada"))
    snapshot = finish(sweep)
    assert snapshot.init_stds.tolist() == list(INIT_STDS)
    assert snapshot.step == snapshot.total_steps == 13 * 10
    for i in (0, 6, 12):
        trainer = Trainer(SMALL.replace(init_std=INIT_STDS[i]), tiny)
        trainer.train(10)
        evaluation = trainer.evaluate()
        assert (snapshot.losses[i], snapshot.accuracies[i]) == (evaluation.loss, evaluation.accuracy)
        assert snapshot.dead_shares[i].tolist() == dead_shares(trainer.net, pixels(tiny.test_images[:512]))
    assert b"after one epoch" in encode(snapshot)


def test_a_sweep_without_hidden_layers_has_no_dead_units(engine, tiny):
    snapshot = finish(engine.add(Sweep(SMALL.replace(hidden_sizes=()), tiny)))
    assert snapshot.dead_shares.shape == (13, 0) and np.isfinite(snapshot.losses).all()
    assert b"no hidden layer" in encode(snapshot)


def test_questions_are_answered_between_two_steps_and_errors_go_to_who_asked(engine, tiny):
    run = engine.create(SMALL, tiny)
    engine.start(run)
    until(lambda: run.look() is None and run.step > 0)
    assert engine.ask(run, lambda run: run.step).result(5) > 0
    with pytest.raises(ZeroDivisionError):
        engine.ask(run, lambda run: 1 / 0).result(5)
    assert not run.failed
