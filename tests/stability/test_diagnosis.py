"""The diagnoses of runs with a problem and of healthy runs, on real data, watched as in the engine."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mlpviz import Trainer, load_dataset
from mlpviz.catalog import find_dataset
from mlpviz.diagnosis import Kind, Severity
from mlpviz.figures.diagnosis import TITLES, how_it_is_doing, words
from mlpviz.figures.gradient_norms import gradient_norms
from mlpviz.observe import steps as steps_module
from mlpviz.observe.steps import StepRecorder
from mlpviz.runs.branch import branch
from mlpviz.runs.run import Run
from mlpviz.snapshot import step_columns
from tests.runs.working import work_off
from tests.stability.cases import FACTS, FULL, ILL, STEPS, WELL, case


def few_tests(dataset):
    """Only as many test images as an inspection uses: these tests are not about the test set."""
    return replace(dataset, test=dataset.test.first(512))


def watch(settings, steps):
    """The run, and each kind of diagnosis that it got, with its severity, in order."""
    dataset = few_tests(load_dataset(settings.dataset))
    per_epoch = -(-(settings.train_size or len(dataset.train.images)) // settings.batch_size)
    run = Run(settings.replace(epochs=-(-steps // per_epoch)), dataset)
    run.start()
    said = []
    while run.has_work() and run.step < steps:
        run.look()
        run.work(0.02)
        run.collect()
        diagnosis = run.health.diagnosis
        if diagnosis is not None and (diagnosis.kind, diagnosis.severity) not in said:
            said.append((diagnosis.kind, diagnosis.severity))
    while run.health.examining() or run.recording.evaluating():
        run.advance()
    if run.status == "training":
        run.pause()
    run.publisher.show_where_it_rests()
    return run, said


def needs(dataset):
    if dataset == FULL and find_dataset(dataset) is None:
        pytest.skip(f"{dataset} is not on this machine")


@pytest.mark.seeds
@pytest.mark.parametrize(
    ("rate", "sizes", "kinds"),
    FACTS,
    ids=lambda value: " or ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_each_row_of_the_measured_table_gets_the_right_diagnosis(rate, sizes, kinds):
    needs(FULL)
    run, said = watch(case(FULL, learning_rate=rate, hidden_sizes=sizes), 235)
    assert run.snapshot.diagnosis.kind in kinds, said
    ill = kinds & {"dead", "overflow"}
    assert (run.status == "paused" and run.health.post_mortem is not None) if ill else run.status == "finished"


@pytest.mark.slow
def test_nan_at_step_166_is_found_in_the_outputs_of_the_second_layer():
    """As measured, with init std 1 and two hidden layers. The expected step comes from the loss of a plain trainer."""
    needs(FULL)
    settings = case(FULL, hidden_sizes=(256, 256), init_std=1.0)
    losses = Trainer(settings, load_dataset(FULL)).train(200)
    first = int((~torch.isfinite(losses)).nonzero()[0]) + 1
    run, _ = watch(settings, 235)
    post_mortem = run.health.post_mortem
    assert run.snapshot.not_finite_step == first and post_mortem.first_bad[2] == first
    assert post_mortem.diagnosis.kind == "overflow" and post_mortem.first_bad[0] in ("activations", "logits")
    assert f"At update {first}" in words(post_mortem.diagnosis, post_mortem)


@pytest.mark.seeds
@pytest.mark.parametrize(("kind", "settings"), ILL, ids=lambda value: value if isinstance(value, str) else "")
def test_other_problems_get_the_right_diagnosis(kind, settings):
    needs(settings.dataset)
    run, said = watch(settings, 300)
    final = run.snapshot.diagnosis
    assert final.kind == kind, said
    text = words(final, run.health.post_mortem)
    assert text.startswith(TITLES[kind]) and len(text) > 60 and "nan" not in text and "None" not in text
    if final.severity == Severity.ALARM:
        assert run.status == "paused" and run.health.post_mortem.diagnosis.kind == kind


@pytest.mark.seeds
@pytest.mark.parametrize("settings", WELL, ids=str)
def test_a_healthy_run_never_gets_another_diagnosis(settings):
    needs(settings.dataset)
    run, said = watch(settings, STEPS)
    assert run.step >= STEPS and {kind for kind, _ in said} <= {Kind.YOUNG, Kind.HEALTHY, Kind.OVERFITTING}, said
    if run.snapshot.diagnosis.kind == Kind.HEALTHY:
        assert words(run.snapshot.diagnosis) == "" and "Healthy" in how_it_is_doing(run.snapshot.diagnosis)


@pytest.mark.seeds
@pytest.mark.parametrize("seed", range(10))
def test_a_network_that_learns_its_images_by_heart_gets_overfitting(seed):
    settings = case(train_size=200, batch_size=20, learning_rate=0.3, init="kaiming", seed=seed)
    run, said = watch(settings, 2000)
    assert Severity.ALARM not in {severity for _, severity in said}
    assert run.snapshot.diagnosis.kind == Kind.OVERFITTING
    assert "100 % of them" in words(run.snapshot.diagnosis)


def test_there_are_more_than_forty_different_healthy_runs():
    assert len(set(WELL)) == len(WELL) > 40


def test_the_switch_lets_a_run_go_on_after_an_alarm(tiny):
    run = Run(case(hidden_sizes=(16,) * 3, activation="leaky_relu", init_std=1.0, batch_size=100, epochs=5), tiny)
    run.health.pauses_when_ill = False
    run.start()
    while run.has_work():
        run.work(0.01)
        run.refresh(1)
    assert run.step == run.total_steps and run.snapshot.diagnosis.kind == "overflow" and run.health.post_mortem is None


def test_each_kind_has_a_title_and_a_text():
    assert set(TITLES) == set(Kind)


@pytest.mark.slow
def test_the_text_says_that_the_loss_of_a_dead_network_looks_harmless():
    run, _ = watch(case(learning_rate=3.16), 240)
    text = words(run.snapshot.diagnosis, run.health.post_mortem)
    post_mortem = run.health.post_mortem
    assert post_mortem.stable_rate < 3.16 and "looks harmless" in text
    assert f"Go back to step {post_mortem.way_back.step:,} with a learning rate of" in text
    assert math.isfinite(post_mortem.column("loss")[0])


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_leaving_a_plateau_is_no_alarm(rate):
    """While the loss falls, the best mean of 25 steps is lower than the mean of 100."""
    settings = case(hidden_sizes=(128, 128), activation="sigmoid", learning_rate=rate)
    run, said = watch(settings, 700)
    assert run.step >= 700 and Severity.ALARM not in {severity for _, severity in said}, said


@pytest.mark.slow
def test_a_branch_that_fails_is_examined_from_its_own_beginning():
    run, _ = watch(case(learning_rate=3.16), 240)
    other = branch(run, 100)
    other.change(other.settings.replace(epochs=20))
    other.start()
    while other.has_work():
        other.look()
        other.work(0.02)
        other.refresh(1)
    assert other.status == "paused" and not other.failed
    assert other.health.post_mortem.steps[0] > 100 and other.health.post_mortem.well_until >= 100


@pytest.mark.slow
def test_the_evidence_is_from_the_trouble_and_not_from_healthy_steps():
    """Healthy for 1,000 steps with falling losses; then a learning rate of 10."""
    run, _ = watch(case(init="kaiming"), 1000)
    run.change(run.settings.replace(learning_rate=10.0, epochs=60))
    run.start()
    while run.has_work():
        run.look()
        run.work(0.02)
        run.refresh(1)
    post_mortem = run.health.post_mortem
    assert 990 <= post_mortem.well_until <= 1010 and post_mortem.steps[0] <= 1000 <= post_mortem.steps[-1]
    assert 900 <= post_mortem.way_back.step <= 1010


def test_one_more_step_column_does_not_change_the_diagnosis(tiny, monkeypatch):
    """The new column is before the gradient norms. They must still be found."""
    settings = case(hidden_sizes=(32, 16), init="kaiming", batch_size=50, epochs=6)
    plain, _ = watched_to_the_end(settings, tiny)
    flush = StepRecorder.flush
    columns = ("loss", "largest logit", *step_columns(3)[1:])

    def one_more(self):
        rows = flush(self)
        return np.insert(rows, 1, 123.0, axis=1)

    monkeypatch.setattr(steps_module, "step_columns", lambda layers: list(columns))
    monkeypatch.setattr(StepRecorder, "flush", one_more)
    more, snapshot = watched_to_the_end(settings, tiny)
    assert snapshot.steps.columns == columns and snapshot.steps.column("largest logit")[0] == 123.0
    vitals, others = plain.health.diagnosis.vitals, more.health.diagnosis.vitals
    assert len(others.gradient_norms) == 3 and others.gradient_norms == vitals.gradient_norms
    assert (others.loss, others.accuracy, others.best_loss) == (vitals.loss, vitals.accuracy, vitals.best_loss)
    assert more.health.diagnosis.kind == plain.health.diagnosis.kind == "healthy"
    means = [trace for trace in gradient_norms(snapshot).data if "each step" not in trace["name"]]
    assert [trace["name"] for trace in means] == ["W₁", "W₂", "W₃"]
    assert [float(trace["y"][0]) for trace in means] == pytest.approx(
        [snapshot.steps.column(f"weight_gradient {i}")[0] for i in (1, 2, 3)]
    )


def watched_to_the_end(settings, dataset):
    run = Run(settings, dataset)
    run.start()
    return run, work_off(run)
