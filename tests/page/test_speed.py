"""The speed of a run on the page: which one it takes, and who may choose it."""

import pytest

from mlpviz.backend.commands import Start
from mlpviz.page import memory, speed
from tests.page.driver import button, labels, open_page, page, press, run_of, state_of, tell, texts
from tests.waiting import until

SMALL = {"hidden_sizes": "16", "batch_size": "1000"}


def speed_of(app):
    return state_of(run_of(app)).speed


@pytest.mark.paced
@pytest.mark.parametrize("settings, expected", [({}, "20"), ({"epochs": "1"}, "1"), ({"batch_size": "1"}, "full")])
def test_a_run_takes_the_speed_at_which_it_lasts_about_25_seconds(settings, expected):
    app = page(**settings)
    assert speed_of(app) == expected
    assert "speed" not in app.query_params, "nobody chose it"


@pytest.mark.paced
def test_a_resting_run_takes_another_speed_with_other_epochs_and_a_training_run_does_not():
    app = page()
    app.number_input(key="epochs").set_value(1).run()
    assert speed_of(app) == "1"
    run = run_of(app)
    press(app, "Start")
    app.number_input(key="epochs").set_value(100).run()
    assert speed_of(app) == "1"
    press(app, "Pause")
    assert run.settings.epochs == 100 and speed_of(app) == "100"


@pytest.mark.paced
def test_the_address_chooses_the_speed_and_every_run_after_it_has_it():
    app = page(speed="5", **SMALL)
    assert speed_of(app) == "5"
    first = run_of(app)
    press(app, "Step")
    until(lambda: first.look() is None and first.step == 1)
    press(app, "Reset")
    assert run_of(app) is not first and speed_of(app) == "5"
    assert app.query_params["speed"] == "5"


@pytest.mark.paced
def test_a_speed_that_does_not_exist_is_said_and_the_rest_of_the_address_is_used():
    app = page(speed="7", **SMALL)
    assert "'7' is not a speed. It must be one of slow, 1, 5, 20, 100, full." in texts(app)
    assert run_of(app).settings.hidden_sizes == (16,) and speed_of(app) != "7"
    assert "speed" not in app.query_params


@pytest.mark.paced
def test_the_reader_chooses_while_it_trains(monkeypatch):
    app = page(**SMALL)
    run = run_of(app)
    tell(run, Start())
    chosen = {}
    monkeypatch.setattr(memory.SPEED, "set", lambda value: chosen.update(speed=value))
    speed.choose_speed(state_of(run), "slow")
    assert state_of(run).speed == "slow" and chosen == {"speed": "slow"}
    with pytest.raises(ValueError, match="not a speed"):
        speed.choose_speed(state_of(run), "fast")
    assert state_of(run).speed == "slow"


@pytest.mark.paced
def test_a_lesson_has_its_own_speed_and_the_readers_choice_before_it_is_forgotten():
    app = page(speed="full")
    app.selectbox(key=memory.LESSON_CHOICE).select("too-high").run()
    assert speed_of(app) == "5"
    app.selectbox(key=memory.LESSON_CHOICE).select("momentum").run()
    assert speed_of(app) == "20", "this one leaves the choice to the page"


@pytest.mark.paced
def test_who_comes_back_finds_the_speed_of_the_run():
    app = page(speed="100", **SMALL)
    run = run_of(app)
    press(app, "Step")
    until(lambda: run.look() is None and run.step == 1)
    again = open_page()
    assert run_of(again) is run and state_of(run).speed == "100" and again.query_params["speed"] == "100"


def test_every_speed_has_a_button_and_a_description():
    state = state_of(run_of(page(**SMALL)))
    choices = speed.choices(state)
    assert choices["now"] == "full"
    assert [(name, label) for name, label, _ in choices["choices"]] == [
        (name, name) for name in ("slow", "1", "5", "20", "100", "full")
    ]
    assert [description for *_, description in choices["choices"]][1:3] == ["1 step per second", "5 steps per second"]


def test_a_watcher_can_not_choose():
    app = page(**SMALL)
    watcher = open_page(watch=state_of(run_of(app)).token)
    assert labels(watcher) == ["Present"]
    assert button(app, "Start")
