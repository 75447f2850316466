"""What the page shows when something goes wrong: a sentence and what to do. Nothing is lost."""

import threading

import pytest

from mlpviz.page import door
from tests.page import driver
from tests.page.driver import at_rest, button, page, press, run_of, state_of, texts
from tests.waiting import until


def fail(run, before_it_was_seen=False):
    """Stop the run with an error in the engine's thread."""

    def explode(run):
        if before_it_was_seen:
            run.snapshot = None
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError):
        driver.engine().tell(run.id, run.owner, explode).result(5)


@pytest.mark.parametrize("before_it_was_seen", [False, True])
@pytest.mark.parametrize("view", ["Watch", "Line by line", "Test images", "Stability"])
def test_all_views_can_show_a_run_that_an_error_has_stopped(view, before_it_was_seen):
    app = page()
    run = run_of(app)
    fail(run, before_it_was_seen)
    app.segmented_control(key="view").set_value(view)
    app.run()
    assert not app.exception
    assert "Press Reset to begin again" in state_of(run).message
    if view == "Watch":
        press(app, "Reset")
        assert run_of(app).id != run.id and run_of(app).status != "failed"


def test_only_the_board_shows_an_error_that_stops_a_run(monkeypatch):
    app = page()
    run = run_of(app)
    at_rest(run, 0)

    def explode():
        raise RuntimeError("no memory")

    monkeypatch.setattr(run, "one_step", explode)
    press(app, "Step")
    assert run.status == "failed" and "no memory" in run.snapshot.message
    assert "no memory" not in texts(app)


def test_impossible_settings_do_not_remove_the_run():
    """Reset asks for a GPU that doesn't exist: the run stays, and the page says why."""
    app = page()
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    app.selectbox(key="device").set_value("cuda")
    app.run()
    press(app, "Reset")
    assert "cuda" in texts(app).lower()
    assert driver.engine().find(run.id, driver.VISITOR) is not None


def test_a_run_that_the_server_has_removed_is_started_again():
    app = page()
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    driver.engine().drop(run.id, driver.VISITOR)
    press(app, "Step")
    fresh = run_of(app)
    assert fresh.id != run.id and fresh.settings == run.settings
    assert "Your run is no longer on the server" in " ".join(info.value for info in app.info) and not app.error


@pytest.mark.inside
def test_a_busy_server_says_so_and_creates_nothing_later(monkeypatch):
    app = page()
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    monkeypatch.setattr(door, "PATIENCE", 0.2)
    before = len(driver.engine().mine(driver.VISITOR))
    free = threading.Event()
    driver.engine()._between_steps(free.wait)
    try:
        press(app, "Reset")
        assert "The server is busy" in texts(app) and run_of(app) is run
    finally:
        free.set()
    driver.engine().tell(run.id, run.owner, lambda run: None).result(5)
    assert len(driver.engine().mine(driver.VISITOR)) == before


@pytest.mark.inside
def test_a_question_without_an_answer_ends_with_a_message(monkeypatch):
    app = page()
    run = run_of(app)
    at_rest(run, 0)
    monkeypatch.setattr(door, "PATIENCE", 0.2)
    free = threading.Event()
    driver.engine()._between_steps(free.wait)
    try:
        app.segmented_control(key="view").set_value("Line by line")
        app.run()
        assert not app.exception and "The server is busy" in " ".join(info.value for info in app.info)
    finally:
        free.set()


def test_an_error_of_the_engine_is_shown_once_to_those_who_were_there():
    app = page()
    driver.engine()._note_trouble("RuntimeError: the clock stands still")
    until(door.get_backend().trouble)
    app.run()
    assert "the clock stands still" in texts(app) and "Your run continues" in texts(app)
    app.run()
    assert "the clock stands still" not in texts(app)
    assert "the clock stands still" not in texts(page()), "later visitors don't need to know"


def test_two_tabs_take_an_update_apart_without_disturbing_each_other():
    first = page()
    run = run_of(first)
    at_rest(run, 0)
    second = page(run=run.id)
    for app in (first, second):
        app.segmented_control(key="view").set_value("Line by line")
        app.run()
        press(app, "Forward")
    assert len(run.walks) == 2
    second.segmented_control(key="view").set_value("Watch")
    second.run()
    until(lambda: len(run.walks) == 1)
    first.session_state["line"] = "backward"
    first.run()
    assert not first.exception and not first.error
    press(first, "Forward")
    assert run.step == 1 and "bit for bit" in " ".join(s.value for s in first.success)
    assert button(first, "Next batch")
