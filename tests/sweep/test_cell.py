"""A cell is a real run: its bits are those of the trainer, and its diagnosis is that of a run."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mlpviz import Settings, Trainer
from mlpviz.diagnosis import PATIENCE
from mlpviz.runs.run import Run
from mlpviz.sweep import cell as cell_module
from mlpviz.sweep.cell import EVERY, LASTS, train_cell
from tests.runs.working import SMALL

HEALTHY = SMALL.replace(learning_rate=0.1)
STEPS = 250


@pytest.mark.parametrize("steps", [1, 7, 120, 250])
def test_its_numbers_are_the_trainers(tiny, steps):
    cell = train_cell(HEALTHY, tiny, steps)
    oracle = Trainer(HEALTHY, tiny)
    losses = oracle.train(steps).numpy()
    evaluation = oracle.evaluate()
    assert (cell.step, cell.total_steps) == (steps, steps)
    assert (cell.test_loss, cell.test_accuracy) == (evaluation.loss, evaluation.accuracy)
    assert cell.loss == pytest.approx(losses[-100:].astype(np.float64).mean(), rel=1e-6)


ILL = [
    HEALTHY.replace(learning_rate=50.0),
    HEALTHY.replace(learning_rate=3.0, hidden_sizes=(16, 16)),
    HEALTHY.replace(init_std=5.0, learning_rate=1.0),
    HEALTHY.replace(init="zeros"),
    HEALTHY.replace(weight_decay=0.5),
    HEALTHY.replace(learning_rate=0.0),
    HEALTHY.replace(learning_rate=0.001),
    HEALTHY.replace(activation="sigmoid", hidden_sizes=(16, 16, 16)),
    HEALTHY.replace(optimizer="adam", learning_rate=0.01),
    HEALTHY,
]


@pytest.mark.parametrize("settings", ILL, ids=lambda each: str(sorted(Settings().differences(each).items()))[:60])
@pytest.mark.parametrize("all_steps", [False, True])
def test_its_diagnosis_is_that_of_a_run_which_rests_at_the_same_step(tiny, settings, all_steps):
    cell = train_cell(settings, tiny, STEPS, all_steps)
    run = Run(settings.replace(epochs=100), tiny)
    run.health.pauses_when_ill = False
    run.goal = cell.step
    while run.has_work():
        run.work(0.005)
        run.refresh(1)
    run.publisher.show_where_it_rests()
    run.inspections.sample_here()
    run.health.see(run.recording.collect())
    assert (cell.kind, cell.severity) == (run.health.diagnosis.kind, run.health.diagnosis.severity)
    assert cell.step == run.step and (cell.step == STEPS or not all_steps)


@pytest.mark.parametrize("settings", ILL, ids=lambda each: str(sorted(Settings().differences(each).items()))[:60])
def test_only_a_run_that_the_page_would_pause_stops_early(tiny, settings):
    cell = train_cell(settings, tiny, 600)
    run = Run(settings.replace(epochs=100), tiny)
    run.goal = 600
    while run.has_work():
        run.work(0.005)
        run.refresh(1)
    if cell.step < 600:
        assert cell.severity == "alarm" and run.step < 600 and run.health.post_mortem is not None
        assert run.step <= cell.step <= run.step + LASTS + 2 * EVERY


def test_an_alarm_must_last(tiny, monkeypatch):
    wild = HEALTHY.replace(learning_rate=50.0)
    first = train_cell(wild, tiny, 400).step
    assert PATIENCE + LASTS <= first < 400
    verdicts = iter(["alarm", "alarm", "note", "alarm", *["note"] * 50])
    real = cell_module.diagnose
    monkeypatch.setattr(cell_module, "diagnose", lambda vitals: replace(real(vitals), severity=next(verdicts)))
    assert train_cell(HEALTHY, tiny, 400).step == 400


def test_counting_dead_units_can_clear_an_alarm(tiny, monkeypatch):
    """As on the page, where the units are known at each look."""
    real, counts = cell_module.diagnose, iter(range(999))

    def alarming(vitals):
        alarm = vitals.dead == vitals.initial_dead and vitals.step > 0
        return replace(real(vitals), severity="alarm" if alarm else "note")

    monkeypatch.setattr(cell_module, "diagnose", alarming)
    monkeypatch.setattr(cell_module, "dead_shares", lambda net, X: [next(counts) / 1000])
    assert train_cell(HEALTHY, tiny, 400).step == 400


def test_a_loss_that_is_not_finite_is_a_value_that_tables_know(tiny):
    broken = train_cell(HEALTHY.replace(learning_rate=100.0, activation="identity"), tiny, STEPS)
    assert broken.kind == "overflow" and broken.step == EVERY, "nothing can change any more"
    assert math.isnan(broken.loss) and math.isnan(broken.test_loss) and 0 <= broken.test_accuracy <= 1


def test_settings_that_do_not_fit_are_refused(tiny):
    with pytest.raises(ValueError, match="batch_size is 1,001"):
        train_cell(HEALTHY.replace(batch_size=1001), tiny, 10)
