"""What is said of runs that fell ill and of runs that are well, on real data, watched as the engine watches them."""

import math

import pytest
import torch

from mlpviz import Trainer, load_dataset
from mlpviz.datasets import find_dataset
from mlpviz.diagnosis import ALARM, HEALTHY, KINDS
from mlpviz.figures.diagnosis import TITLES, how_it_is_doing, words
from mlpviz.run import Run
from tests.stability.cases import FACTS, FULL, ILL, STEPS, WELL, case


def watch(settings, steps):
    """The run, and each kind of diagnosis that it was given, with its severity, in order."""
    dataset = load_dataset(settings.dataset)
    per_epoch = -(-(settings.train_size or len(dataset.train_images)) // settings.batch_size)
    run = Run(settings.replace(epochs=-(-steps // per_epoch)), dataset)
    run._evaluating = None  # the test set isn't asked
    run._evaluations.append((0, 2.3, 0.1))
    run.start()
    said = []
    while run.has_work() and run.step < steps:
        run.look()
        run._credit = 0.0
        run.work(0.02)
        run._next_refresh = 0.0
        run.refresh(1)
        run._evaluating = None
        found = run.snapshot.diagnosis
        if found is not None and (found.kind, found.severity) not in said:
            said.append((found.kind, found.severity))
    run.look()
    while run._inquest is not None:
        run.advance()
    run._next_refresh = 0.0
    run.refresh(1)
    return run, said


def needs(dataset):
    if dataset == FULL and find_dataset(dataset) is None:
        pytest.skip(f"{dataset} is not on this machine")


@pytest.mark.parametrize(("rate", "sizes", "kinds"), FACTS, ids=lambda value: str(value))
def test_each_row_of_the_measured_table_is_diagnosed_rightly(rate, sizes, kinds):
    needs(FULL)
    run, said = watch(case(FULL, learning_rate=rate, hidden_sizes=sizes), 235)
    assert run.snapshot.diagnosis.kind in kinds, said
    ill = kinds & {"dead", "overflow"}
    assert (run.status == "paused" and run.post_mortem is not None) if ill else run.status == "finished"


def test_nan_at_step_166_is_found_in_the_outputs_of_the_second_layer():
    """As measured: init std 1, two hidden layers; the oracle is the plain trainer's loss."""
    needs(FULL)
    settings = case(FULL, hidden_sizes=(256, 256), init_std=1.0)
    losses = Trainer(settings, load_dataset(FULL)).train(200)
    first = int((~torch.isfinite(losses)).nonzero()[0]) + 1
    run, _ = watch(settings, 235)
    found = run.post_mortem
    assert run.snapshot.not_finite_step == first and found.first_bad[2] == first
    assert found.diagnosis.kind == "overflow" and found.first_bad[0] in ("activations", "logits")
    assert f"At update {first}" in words(found.diagnosis, found)


@pytest.mark.parametrize(("kind", "settings"), ILL, ids=lambda value: value if isinstance(value, str) else "")
def test_other_illnesses_are_named_too(kind, settings):
    needs(settings.dataset)
    run, said = watch(settings, 300)
    final = run.snapshot.diagnosis
    assert final.kind == kind, said
    text = words(final, run.post_mortem)
    assert text.startswith(TITLES[kind]) and len(text) > 60 and "nan" not in text and "None" not in text
    if final.severity == ALARM:
        assert run.status == "paused" and run.post_mortem.diagnosis.kind == kind


@pytest.mark.parametrize("settings", WELL, ids=str)
def test_a_healthy_run_is_never_called_sick(settings):
    needs(settings.dataset)
    run, said = watch(settings, STEPS)
    assert run.step >= STEPS and {severity for _, severity in said} <= {HEALTHY}, said
    assert words(run.snapshot.diagnosis) == "" and "Healthy" in how_it_is_doing(run.snapshot.diagnosis)


def test_there_are_more_than_forty_of_them_and_all_differ():
    assert len(set(WELL)) == len(WELL) > 40


def test_the_switch_lets_a_sick_run_go_on(tiny):
    run = Run(case(hidden_sizes=(16,) * 3, activation="leaky_relu", init_std=1.0, batch_size=100, epochs=5), tiny)
    run.pauses_when_ill = False
    run.start()
    while run.has_work():
        run.work(0.01)
        run.refresh(1)
    assert run.step == run.total_steps and run.snapshot.diagnosis.kind == "overflow" and run.post_mortem is None


def test_each_kind_has_a_title_and_a_text():
    assert set(TITLES) == set(KINDS)


def test_dead_loss_looks_harmless_and_is_called_so():
    run, _ = watch(case(learning_rate=3.16), 240)
    text = words(run.snapshot.diagnosis, run.post_mortem)
    found = run.post_mortem
    assert found.stable_rate < 3.16 and "curvature could bear" in text and f"Go back to step {found.back_to:,}" in text
    assert math.isfinite(found.column("loss")[0])


@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_leaving_a_plateau_is_no_illness(rate):
    """On the way down the best mean of 25 steps runs ahead of the mean of 100."""
    settings = case(hidden_sizes=(128, 128), activation="sigmoid", learning_rate=rate)
    run, said = watch(settings, 700)
    assert run.step >= 700 and ALARM not in {severity for _, severity in said}, said


def test_a_branch_that_falls_ill_is_examined_from_its_own_beginning():
    run, _ = watch(case(learning_rate=3.16), 240)
    branch = run.branch(100)
    branch.change(branch.settings.replace(epochs=20))
    branch.start()
    while branch.has_work():
        branch.look()
        branch.work(0.02)
        branch._next_refresh = 0.0
        branch.refresh(1)
    assert branch.status == "paused" and not branch.failed
    assert branch.post_mortem.steps[0] > 100 and branch.post_mortem.back_to >= 100


def test_the_evidence_is_of_the_trouble_and_not_of_a_healthier_past():
    """Well for 1,000 steps, at ever lower losses; then a rate of 10."""
    run, _ = watch(case(init="kaiming"), 1000)
    run.change(run.settings.replace(learning_rate=10.0, epochs=60))
    run.start()
    while run.has_work():
        run.look()
        run.work(0.02)
        run.refresh(1)
    found = run.post_mortem
    assert 990 <= found.back_to <= 1010 and found.steps[0] <= 1000 <= found.steps[-1]
