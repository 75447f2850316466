"""A comparison and a sweep in the engine."""

import numpy as np
import pytest

from mlpviz import Settings, Trainer
from mlpviz.backend.commands import Start
from mlpviz.backend.parts import Encoder
from mlpviz.line_by_line.ablations import ABLATIONS, Ablation
from mlpviz.line_by_line.what_ifs import WhatIf
from mlpviz.observe.dead_units import dead_shares
from mlpviz.runs.comparison import Comparison
from mlpviz.runs.engine import Engine
from mlpviz.runs.run import Run
from mlpviz.runs.sweep import INIT_STDS, Sweep
from mlpviz.trainer import pixels
from tests.waiting import until

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=2)


@pytest.fixture
def engine():
    engine = Engine(threads=1)
    yield engine
    engine.close()


def encoded(snapshot):
    return b"".join(part.plain for part in Encoder().newest(snapshot, None, frozenset()).parts)


def finish(task):
    until(
        lambda: task.look() is None and task.snapshot is not None and task.snapshot.status in ("finished", "failed"), 60
    )
    return task.snapshot


def test_a_comparison_in_the_engine_and_a_run_beside_it(engine, tiny):
    run = engine.add(Run(SMALL, tiny))
    comparison = engine.add(Comparison(SMALL, tiny, ABLATIONS["rate-10"], "ada"))
    engine.tell(run.id, "", Start().carry_out)
    snapshot = finish(comparison)
    until(lambda: run.look() is None and run.status == "finished")
    leader, follower = Trainer(SMALL, tiny), Trainer(SMALL.replace(learning_rate=1.0), tiny)
    assert snapshot.steps[0].column("loss").tolist() == leader.train(400).tolist()
    assert snapshot.steps[1].column("loss").tolist() == follower.train(400).tolist()
    assert snapshot.evaluations[0][-1].tolist() == [400, leader.evaluate().loss, leader.evaluate().accuracy]
    assert [int(step) for step in snapshot.evaluations[1][:, 0]] == list(range(0, 401, 50))
    assert run.snapshot.steps.column("loss").tolist() == Trainer(SMALL, tiny).train(20).tolist()
    assert b"Learning rate" in encoded(snapshot)


def test_an_error_in_a_comparison_stops_only_the_comparison(engine, tiny):
    class Broken(Ablation):
        about = WhatIf("broken", "Broken", "net")

        def update(self, X, y):
            raise RuntimeError("the changed program failed")

    run = engine.add(Run(SMALL, tiny))
    comparison = engine.add(Comparison(SMALL, tiny, Broken))
    engine.tell(run.id, "", Start().carry_out)
    assert finish(comparison).status == "failed" and "program failed" in comparison.snapshot.message
    until(lambda: run.look() is None and run.status == "finished")


def test_a_mini_batch_larger_than_the_dataset_is_a_value_error(tiny):
    with pytest.raises(ValueError, match="batch_size"):
        Comparison(SMALL.replace(batch_size=2000), tiny, ABLATIONS["sum"])


def test_a_sweep_gives_the_same_numbers_as_single_runs(engine, tiny):
    sweep = engine.add(Sweep(SMALL, tiny, "ada"))
    snapshot = finish(sweep)
    assert snapshot.init_stds.tolist() == list(INIT_STDS)
    assert snapshot.step == snapshot.total_steps == 13 * 10
    for i in (0, 6, 12):
        trainer = Trainer(SMALL.replace(init_std=INIT_STDS[i]), tiny)
        trainer.train(10)
        evaluation = trainer.evaluate()
        assert (snapshot.losses[i], snapshot.accuracies[i]) == (evaluation.loss, evaluation.accuracy)
        assert snapshot.dead_shares[i].tolist() == dead_shares(trainer.net, pixels(tiny.test.images[:512]))
    assert b"after one epoch" in encoded(snapshot)


def test_a_sweep_without_hidden_layers_has_no_dead_units(engine, tiny):
    snapshot = finish(engine.add(Sweep(SMALL.replace(hidden_sizes=()), tiny)))
    assert snapshot.dead_shares.shape == (13, 0) and np.isfinite(snapshot.losses).all()
    assert b"no hidden layer" in encoded(snapshot)
