"""Which run the page shows: after a reload, in another tab, when the run is gone, and after very fast clicks."""

from __future__ import annotations

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException, get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from mlpviz.backend.commands import OneStep
from mlpviz.images.gallery import Filter
from mlpviz.lessons import load_lessons
from mlpviz.page import door
from mlpviz.page.controls import OTHERS, misspelt
from mlpviz.settings import Settings
from tests.page import driver
from tests.page.driver import at_rest, can_press, open_page, page, press, run_of, tell


def infos(app):
    return " ".join(info.value for info in app.info)


def test_an_address_without_a_run_shows_the_latest_run():
    """In a frame on a course page, a reload keeps the cookie and loses the address."""
    first = page(learning_rate="0.02")
    run = run_of(first)
    tell(run, OneStep())
    at_rest(run, 1)
    again = open_page()
    assert run_of(again) is run and again.select_slider(key="learning_rate").value == 0.02
    assert "your latest run, at step 1" in infos(again)
    assert run_of(open_page(learning_rate="0.03")) is not run
    assert run_of(open_page(lesson="article")) is not run, "that lesson has other settings"


def test_an_address_with_a_lesson_shows_the_latest_run_of_that_lesson():
    """As in a frame on a course page, where the address names the lesson. A variant's run counts, too."""
    lesson = load_lessons()[0]["batch-size"]
    for query in (lesson.settings, *lesson.variants.values()):
        run = run_of(open_page(**{"dataset": "fashion-mnist-mini"} | query))
        tell(run, OneStep())
        at_rest(run, 1)
        assert run_of(open_page(lesson="batch-size")) is run
    other = open_page(lesson="nonsense")
    assert run_of(other) is not run and "no lesson called" in other.error[0].value


def test_returning_visitors_also_see_mistakes_in_the_address():
    run = run_of(page())
    app = open_page(lock="all,bananas")
    assert run_of(app) is run and "asks to lock 'bananas'" in app.error[0].value


def test_a_misspelt_setting_in_the_address_is_told():
    app = open_page(learning_rat="0.5", batchsize="8", utm_source="mail", seed="3")
    message = app.error[0].value
    assert "Did you mean 'learning_rate'?" in message and "Did you mean 'batch_size'?" in message
    assert "utm_source" not in message and "'seed'" not in message
    assert run_of(app).settings.seed == 3


def test_all_names_of_the_pages_own_addresses_are_known():
    assert misspelt([*Settings().to_dict(), *OTHERS, *Filter(kind="all", true=1, page=2).to_params()]) == []


def test_it_is_no_error_if_the_old_run_makes_room_for_its_replacement(monkeypatch):
    """There is no room for two of the largest networks: Reset removes the first one, and says only that."""
    app = page()
    run = run_of(app)
    tell(run, OneStep())
    at_rest(run, 1)
    app.run()
    monkeypatch.setattr(driver.engine().room, "memory", 8 * (run.memory + 1000))
    press(app, "Reset")
    assert run_of(app) is not run and "removed your run at step 1" in infos(app)
    assert not app.error and not can_press(app, "Undo")


def test_a_twin_is_never_the_latest_run():
    app = page(view="stability", section="two-runs")
    run = run_of(app)
    press(app, "Make the twin")
    assert run.leads is not None
    assert run_of(open_page()) is run


def test_the_page_says_that_a_run_is_gone():
    app = page(learning_rate="0.02", run="nonsense")
    assert "is gone, or it belongs to another visitor" in infos(app)
    assert run_of(app).settings.learning_rate == 0.02
    driver.engine().drop(run_of(app).id, driver.VISITOR)
    app.run()
    assert "no longer on the server" in infos(app) and run_of(app).settings.learning_rate == 0.02
    app.run()
    assert infos(app) == "", "it is shown once"
    assert infos(page()) == ""


def test_the_page_says_once_which_run_was_removed_for_a_new_one():
    apps = [page() for _ in range(driver.engine().room.runs)]
    runs = [run_of(app) for app in apps]
    for run in runs:
        tell(run, OneStep())
        at_rest(run, 1)
    app = page()
    assert "removed your run at step 1" in infos(app)
    kept = [driver.engine().task(run.id, driver.VISITOR) is run for run in runs]
    assert kept == [False] + [True] * (len(runs) - 1), "the oldest was removed"
    assert infos(app.run()) == ""


def test_a_network_that_can_never_fit_is_refused_without_advice_to_try_again(monkeypatch):
    monkeypatch.setattr(driver.engine().room, "memory", 8 * 2**20)
    app = page()
    assert "Choose fewer or smaller hidden layers" in app.error[0].value and "again" not in app.error[0].value
    assert not app.exception


def test_a_larger_network_reduces_the_batch_size():
    app = page(batch_size="8192")
    app.text_input(key="hidden_sizes").set_value("1024-1024-1024-1024-1024-1024")
    app.run()
    assert not app.exception and run_of(app).settings.batch_size == 1007
    assert "The batch size is 1,007 now" in infos(app)
    slider = app.select_slider(key="batch_size")
    assert max(int(option.replace(",", "").removeprefix("all ")) for option in slider.options) == 1007


def test_a_link_with_a_batch_that_is_too_large_names_the_largest_batch():
    app = page(hidden_sizes="1024-1024-1024-1024-1024-1024", batch_size="9000")
    assert "at most 1,007" in app.error[0].value and not app.exception


@pytest.fixture
def hurried(monkeypatch):
    """Simulates very fast clicks: right after a task is created, the script run ends at its next call to Streamlit, and
    another one begins."""
    made, create = [], door.create
    check = ScriptRunner._maybe_handle_execution_control_request

    def interrupt(self):
        if made:
            made.clear()
            raise RerunException(RerunData(query_string=get_script_run_ctx().query_string))
        check(self)

    def made_now(*args, **named):
        task = create(*args, **named)
        made.append(task)
        return task

    monkeypatch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", interrupt)
    monkeypatch.setattr(door, "create", made_now)


def known_to(app):
    """The ids of all tasks that the page remembers."""
    state = app.session_state
    return {state.visit.run, state.visit.previous, *state.pins.values(), *state.tasks.values()} - {""}


@pytest.mark.parametrize(
    ("key", "section"), [("reset", "two-runs"), ("pin", "two-runs"), ("begin_range_test", "seeing-it-coming")]
)
def test_very_fast_clicks_leave_no_forgotten_task(hurried, key, section):
    app = page(view="stability", section=section)
    app.session_state.pins, app.session_state.tasks = {}, {}
    for _ in range(3):
        run = run_of(app)
        step = run.step + 1
        tell(run, OneStep())
        at_rest(run, step)
        app.run()
        app.button(key=key).click().run()
        there = {state.id for state in driver.engine().mine(driver.VISITOR)}
        assert there == known_to(app) and len(there) > 1
