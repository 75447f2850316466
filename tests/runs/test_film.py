"""The film of a run: its moments are those of a run that was paused there, and they depend only on the run."""

import base64
import json

import numpy as np
import pytest

from mlpviz.backend.frames import frame
from mlpviz.backend.parts import Encoder
from mlpviz.examples import Examples
from mlpviz.film import MOST, snapshot_at
from mlpviz.runs.branch import branch
from mlpviz.runs.film import Film
from mlpviz.runs.run import Run
from mlpviz.runs.saving import bring_back, save
from mlpviz.runs.schedule import is_moment, look_steps
from mlpviz.settings import Settings
from tests.runs.test_saving import through_bytes
from tests.runs.working import SMALL, work_off
from tests.store.test_codec import same

CASES = {
    "relu": SMALL,
    "no hidden layer": SMALL.replace(hidden_sizes=()),
    "deep tanh": SMALL.replace(hidden_sizes=(12, 10), activation="tanh", init="xavier"),
    "ill": SMALL.replace(learning_rate=100.0),
    "not finite": SMALL.replace(
        learning_rate=10.0, momentum=0.9, hidden_sizes=(16, 16), activation="identity", init="kaiming"
    ),
}


def train(run, to=None):
    run.start()
    if to is not None:
        run.goal = to
    work_off(run)
    return run


def frame_of(run, step):
    """The parts of a moment, as a browser gets them."""
    snapshot = snapshot_at(run.snapshot, run.film.at(step), run.inspections.examples.images_of)
    return {part.name: json.loads(part.plain) for part in frame(snapshot).parts}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("then", [0, 130])  # further epochs; with them, a bucket of the series holds several steps
def test_a_moment_shows_what_a_run_shows_that_rests_there(tiny, name, then):
    run = Run(CASES[name], tiny)
    run.health.pauses_when_ill = False
    train(run)
    run.change(run.settings.replace(epochs=2 + then))
    train(run)
    steps = run.film.index().steps
    assert len(steps) > 5 and steps[0] == 0 and (not then or run.snapshot.steps.width > 1)
    for step in (0, 3, 20) if 20 in steps else (0, 3, 13):
        paused = Run(CASES[name], tiny)
        paused.health.pauses_when_ill = False
        if step:
            train(paused, step)
        else:
            work_off(paused)
        parts = Encoder().newest(paused.snapshot, None, frozenset()).parts
        rests = {part.name: json.loads(part.plain) for part in parts}
        then = frame_of(run, step)
        for part in ("tiles", "answers", "network", "examples", "Weights", "Gradients"):
            assert then[part] == without_shared(rests[part], rests), (part, step)
        for chart in ("Loss", "Accuracy", "Gradient norms", "Biases", "Update ratio", "Dead units"):
            assert then[chart]["sentence"] == rests[chart]["sentence"] and "data" not in then[chart]
        assert then["head"]["notice"] == rests["head"]["notice"]
        shown = {label: rest for label, *rest in then["head"]["headline"]["values"]}
        expected = {label: rest for label, *rest in rests["head"]["headline"]["values"]}
        for label in ("Step", "Epoch", "Train loss", "Test accuracy"):
            assert shown[label] == expected[label]


def without_shared(part, parts):
    """A chart with all its arrays in place."""
    arrays = parts.get("arrays", {})

    def whole(value):
        return arrays[value["array"]] if isinstance(value, dict) and "array" in value else value

    if not isinstance(part, dict) or "data" not in part:
        return part
    return part | {"data": [{key: whole(value) for key, value in trace.items()} for trace in part["data"]]}


def test_the_moments_depend_neither_on_who_watches_nor_on_pauses(tiny):
    quiet, watched = Run(SMALL.replace(epochs=4), tiny), Run(SMALL.replace(epochs=4), tiny)
    quiet.start()
    while quiet.has_work():
        quiet.advance()
    for stop in (1, 2, 7, 19, 33, None):
        train(watched, stop)
    same(quiet.film.moments, watched.film.moments)


def test_a_moment_keeps_no_larger_array_in_memory(tiny):
    run = train(Run(SMALL.replace(epochs=60), tiny))
    assert run.recording.steps.width == 1 and run.recording.steps.rows == 600
    moment = run.film.moments[-1]
    for series in (moment.steps, moment.trend):
        assert series.mean.base is None and series.not_finite.base is None
    assert len(moment.steps.mean) == 25 and moment.steps.ends()[-1] == moment.step


def test_each_moment_is_at_a_look(tiny):
    run = train(Run(SMALL.replace(epochs=8), tiny))
    looks = [step for step, _ in zip(look_steps(run.settings), range(200), strict=False)]
    assert set(run.film.index().steps) <= set(looks)


@pytest.mark.parametrize("batch_size, steps", [(1, 600_000), (256, 100_000), (32, 50_000)])
def test_in_a_long_run_the_film_costs_less_than_one_percent_and_stays_bounded(batch_size, steps, monkeypatch):
    settings, film = Settings(batch_size=batch_size), Film()

    class At:
        def __init__(self, step):
            self.step, self.settings = step, settings

    def keep(run):
        film.moments = [*film.moments, run]
        film._make_room()

    monkeypatch.setattr(film, "_keep", keep)
    due, latest = 0, -1
    for step in look_steps(settings):
        if step > steps:
            break
        if latest < 0 or is_moment(step, latest, settings):
            due, latest = due + 1, step
        film.take(At(step), look=True, alarm=False)
    assert due * 280 <= 0.01 * steps * (batch_size + 45)
    shown = [each.step for each in film.moments]
    assert min(due, MOST // 2) <= len(shown) <= MOST and shown == sorted(set(shown)) and shown[0] == 0
    gaps = np.diff(shown)[len(shown) // 2 :]
    assert gaps.max() <= 2 * gaps.min(), "the later moments are about equally far apart"


def test_an_alarm_is_marked_and_its_moment_kept(tiny):
    run = train(Run(CASES["not finite"], tiny))
    assert run.health.post_mortem is not None
    [(step, kind)] = run.film.index().alarms
    assert step == run.step and kind == run.health.diagnosis.kind and run.film.at(step) is not None


def test_a_branch_has_the_moments_from_before_it(tiny):
    run = train(Run(SMALL.replace(epochs=20), tiny))
    step = run.health.checkpoints.steps()[2]
    other = branch(run, step)
    before = [each for each in run.film.moments if each.step < step]
    assert before and other.film.moments == before
    train(other, step + 5)
    assert other.film.index().steps[len(before)] == step, "its first own moment is where it begins"


@pytest.mark.parametrize("step", [3, 12])  # after 3, the next look is not kept
def test_the_film_is_saved(tiny, step):
    run = train(Run(SMALL.replace(epochs=4), tiny), step)
    back = bring_back(through_bytes(save(run, "")), tiny)
    same(run.film.moments, back.film.moments)
    same(train(run).film.moments, train(back).film.moments)


def test_other_images_on_the_way_are_those_of_the_moment(tiny):
    run = train(Run(SMALL.replace(epochs=4), tiny), 10)
    run.inspections.examples.choose(Examples(indices=(3, 5, 9), focus=1))
    train(run)
    steps = run.film.index().steps
    early, late = frame_of(run, steps[2]), frame_of(run, steps[-1])
    assert len(early["answers"]["answers"]) == len(early["examples"]["labels"]) == 10
    pixels = np.frombuffer(base64.b64decode(early["examples"]["pixels"]["bdata"]), dtype=np.uint8)
    shown = [tiny.test.images[i].numpy() for i in early["examples"]["images"]]
    assert np.array_equal(pixels.reshape(10, 28, 28), shown)
    assert late["examples"]["images"] == [3, 5, 9] and len(late["answers"]["answers"]) == 3


def test_a_moment_comes_before_what_was_changed_there_and_another_after_the_first_step(tiny):
    run = train(Run(SMALL.replace(epochs=4), tiny), 9)
    run.change(run.settings.replace(learning_rate=0.5))
    train(run)
    steps = run.film.index().steps
    assert 9 in steps and 10 in steps, "the first step with the new rate"
    before, after = (snapshot_at(run.snapshot, run.film.at(step), lambda _: None) for step in (9, 10))
    assert (before.learning_rate, before.changes) == (0.1, ())
    assert (after.learning_rate, after.changes) == (0.5, ((9, "learning rate 0.1 → 0.5"),))
    assert np.isfinite(after.inspection.latest.update_ratios).all()


def test_more_epochs_change_no_moment(tiny):
    run = train(Run(SMALL, tiny))
    before = [frame_of(run, step)["head"]["headline"]["values"] for step in run.film.index().steps]
    run.change(run.settings.replace(epochs=6))
    train(run)
    assert [frame_of(run, step)["head"]["headline"]["values"] for step in run.film.index().steps][
        : len(before)
    ] == before


def test_the_diagnosis_of_a_moment_knows_the_test_of_its_step(tiny):
    run = train(Run(SMALL.replace(batch_size=50, learning_rate=1.0), tiny))
    for step in run.film.index().steps[1:]:
        snapshot = snapshot_at(run.snapshot, run.film.at(step), lambda _: None)
        tests = snapshot.evaluations
        vitals = snapshot.diagnosis.vitals
        assert (vitals.test_loss, vitals.best_test_loss) == (tests[-1, 1], tests[:, 1].min())


def test_the_sharpness_that_was_not_measured_then_is_not_shown(tiny):
    run = train(Run(SMALL.replace(epochs=4), tiny), 9)
    run.inspections.sharpness.on = True
    train(run)
    assert run.snapshot.sharpness is not None
    steps = run.film.index().steps
    assert "Sharpness" not in frame_of(run, steps[2])
    assert frame_of(run, steps[-1])["Sharpness"]["sentence"].startswith(("λ =", "Not measured"))


def test_moments_of_alarms_stay_when_others_are_dropped(tiny, monkeypatch):
    monkeypatch.setattr("mlpviz.runs.film.MOST", 8)
    run = train(Run(CASES["not finite"].replace(epochs=40), tiny))
    [(step, _)] = run.film.alarms
    run.health.pauses_when_ill = False
    train(run)
    assert run.film.at(step) is not None and len(run.film.moments) <= 8
