"""The same pair from other seeds: each run is the plain trainer's."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mlpviz import Trainer
from mlpviz.figures.seeds import T95, difference, seeds_charts, verdict
from mlpviz.runs.seeds import Seeds
from tests.runs.working import SMALL, finish


def losses_of(trainer, steps):
    return trainer.train(steps).numpy().astype(float)


def test_pairs_are_what_their_runs_are_alone(tiny):
    snapshot = finish(Seeds([(0, SMALL)], {"learning_rate": 0.3}, tiny, seeds=2, steps=20))
    assert snapshot.status == "finished" and snapshot.step == snapshot.total_steps == 80
    for pair, seed in enumerate((1, 2)):
        for side, rate in enumerate((0.1, 0.3)):
            oracle = Trainer(SMALL.replace(seed=seed, learning_rate=rate), tiny)
            assert snapshot.losses[pair, side].tolist() == losses_of(oracle, 20).tolist()
            assert snapshot.accuracies[pair, side] == oracle.evaluate().accuracy


def test_a_change_on_the_way_comes_at_its_step(tiny):
    snapshot = finish(Seeds([(0, SMALL)], {"learning_rate": 0.3}, tiny, seeds=2, steps=20, at=7))
    oracle = Trainer(SMALL.replace(seed=1), tiny)
    expected = losses_of(oracle, 7).tolist()
    oracle.change(oracle.settings.replace(learning_rate=0.3))
    assert snapshot.losses[0, 1].tolist() == expected + losses_of(oracle, 13).tolist()


def test_long_curves_are_means_of_pieces(tiny):
    snapshot = finish(Seeds([(0, SMALL)], {"learning_rate": 0.3}, tiny, seeds=2, steps=250))
    losses = losses_of(Trainer(SMALL.replace(seed=1), tiny), 250)
    pieces = [losses[i : i + 3].mean() for i in range(0, 250, 3)]
    assert snapshot.losses[0, 0] == pytest.approx(pieces) and snapshot.ends[-1] == 250


def test_the_interval_is_student_s(tiny):
    assert pytest.approx([stats.t.ppf(0.975, df) for df in range(1, len(T95) + 1)], abs=5e-4) == T95
    snapshot = finish(Seeds([(0, SMALL)], {"learning_rate": 0.3}, tiny, seeds=4, steps=20))
    apart = snapshot.accuracies[:, 1] - snapshot.accuracies[:, 0]
    interval = stats.ttest_rel(snapshot.accuracies[:, 1], snapshot.accuracies[:, 0]).confidence_interval()
    mean, half = difference(snapshot)
    assert (mean - half, mean + half) == pytest.approx((interval.low, interval.high), rel=1e-3)
    assert ("probably not chance" in verdict(snapshot)) == (abs(np.mean(apart)) > half)
    assert "chance" not in verdict(replace(snapshot, status="training")), "no verdict before the end"
    assert len(seeds_charts(snapshot)) == 2


def test_one_pair_says_nothing_yet(tiny):
    task = Seeds([(0, SMALL)], {"learning_rate": 0.3}, tiny, seeds=2, steps=5)
    while task.step < task.total_steps // 2:
        task.advance()
    task.advance()  # which ends the second run
    task.refresh(1)
    assert "Two pairs" in verdict(task.snapshot)
    assert all(np.isfinite(np.asarray(trace["y"], dtype=float)).all() for trace in seeds_charts(task.snapshot)[0].data)


def test_another_network_gets_the_same_mini_batches(tiny, monkeypatch):
    orders = []
    shuffle = Trainer.shuffle

    def noting(self):
        order = shuffle(self)
        orders.append((self.settings.hidden_sizes, order.tolist()))
        return order

    monkeypatch.setattr(Trainer, "shuffle", noting)
    finish(Seeds([(0, SMALL)], {"hidden_sizes": (8, 8)}, tiny, seeds=2, steps=15))
    first, twin = ([order for sizes, order in orders if sizes == wanted] for wanted in ((16,), (8, 8)))
    assert first == twin and len(first) == 4 and first[0] != first[1]


def test_what_the_run_went_through_is_gone_through_again(tiny):
    """The rate that was changed at step 5, and the twin's from step 9 on."""
    log = [(0, SMALL), (5, SMALL.replace(learning_rate=0.5, epochs=9))]
    snapshot = finish(Seeds(log, {"learning_rate": 0.02}, tiny, seeds=2, steps=20, at=9))
    for side, last in enumerate((0.5, 0.02)):
        oracle = Trainer(SMALL.replace(seed=1), tiny)
        expected = losses_of(oracle, 5).tolist()
        oracle.change(oracle.settings.replace(learning_rate=0.5))
        expected += losses_of(oracle, 4).tolist()
        oracle.change(oracle.settings.replace(learning_rate=last))
        assert snapshot.losses[0, side].tolist() == expected + losses_of(oracle, 11).tolist()


def test_a_twin_that_began_too_late_is_refused(tiny):
    with pytest.raises(ValueError, match="began at step 3,100"):
        Seeds([(0, SMALL)], {"learning_rate": 0.3}, tiny, seeds=2, steps=5000, at=3100)
