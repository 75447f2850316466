"""Saved runs on the page: after a restart, in their table, opened, named, deleted and compared."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from mlpviz.backend.commands import OneStep
from mlpviz.backend.saved import codec
from mlpviz.page import door
from mlpviz.page.pins import pin_run
from mlpviz.page.runs import table, view
from mlpviz.store import store as store_module
from tests.page import driver
from tests.page.driver import VISITOR, at_rest, button, can_press, open_page, page, press, run_of, tell
from tests.store.keeping import serve
from tests.waiting import until


def texts(app):
    """All that the page says."""
    return " ".join([driver.texts(app), *(info.value for info in app.info)])


def pin(app):
    """Pin the run, by the button in the first figure."""
    with driver.callbacks(app):
        pin_run(driver.state_of(run_of(app)))
    app.run()


@pytest.fixture
def choose(monkeypatch):
    """Choose rows of the table, which the test harness can't do."""

    def choose(*rows):
        monkeypatch.setattr(view, "choose", lambda runs, shown: [runs[row] for row in rows if row < len(runs)])

    return choose


def trained(**params):
    """A page with a run at step 1."""
    app = page(**params)
    tell(run_of(app), OneStep())
    at_rest(run_of(app), 1)
    return app


def saved(count):
    """Wait until so many runs are saved at their present step."""
    until(lambda: [run.step for run in door.saved_runs()] == [1] * count)


def test_after_a_restart_the_page_has_its_run_its_pins_and_its_undo(saving):
    app = trained(learning_rate="0.02")
    first = run_of(app)
    pin(app)
    pinned = app.session_state["pins"]
    press(app, "Reset")
    second = run_of(app)
    tell(second, OneStep())
    at_rest(second, 1)
    app.run()
    saved(2)
    saving()
    again = open_page(run=second.id, learning_rate="0.02")
    assert run_of(again).id == second.id and run_of(again) is not second and run_of(again).step == 1
    assert again.session_state["pins"] == pinned and again.select_slider(key="learning_rate").value == 0.02
    press(again, "Reset")
    press(again, "Undo")
    assert run_of(again).id == second.id
    assert door.find_run(first.id).step == 1


def test_a_reload_keeps_pins_and_undo(saving):
    app = trained()
    pin(app)
    press(app, "Reset")
    app.run()
    again = open_page(run=app.query_params["run"])
    assert again.session_state["pins"] == app.session_state["pins"] and can_press(again, "Undo")


def test_a_run_that_was_in_training_says_where_it_has_come_back(saving):
    app = page(epochs="1000")
    run = run_of(app)
    press(app, "Start")
    until(lambda: run.step > 3)
    saving()
    again = open_page(run=run.id)
    back = run_of(again)
    assert f"It is back at step {back.step:,}, where it was saved last" in texts(again)
    press(again, "Start")
    until(lambda: back.step > back.interrupted_at)
    assert "interrupted" not in texts(again.run())
    press(again, "Pause")


def test_a_visitor_who_comes_back_later_sees_the_run_that_was_saved_last(saving):
    run = run_of(trained(learning_rate="0.02"))
    saved(1)
    saving()
    again = open_page()
    assert run_of(again).id == run.id and "your latest run, at step 1" in texts(again)


def test_without_saved_runs_the_view_says_when_they_are_saved(saving):
    assert "You have no saved runs yet" in texts(page(view="runs"))


def test_a_server_that_saves_nothing_says_so():
    assert "This server doesn’t save runs" in texts(page(view="runs"))


def test_one_run_is_opened_and_undo_returns(saving, choose):
    first = run_of(trained(learning_rate="0.02"))
    app = trained(learning_rate="0.03")
    second = run_of(app)
    saved(2)
    choose(1)  # the newest is first
    app.session_state["view"] = "Runs"
    app.run()
    assert "You have 2 saved runs" in texts(app)
    press(app, "Open this run")
    assert run_of(app) is first and app.session_state["view"] == "Watch"
    assert app.select_slider(key="learning_rate").value == 0.02
    press(app, "Undo")
    assert run_of(app) is second


def test_a_run_gets_a_name_and_a_note(saving, choose):
    app = trained()
    run = run_of(app)
    saved(1)
    choose(0)
    app.session_state["view"] = "Runs"
    app.run()
    app.text_input(key=f"run_name_{run.id}").set_value(" mine ").run()
    app.text_input(key=f"run_note_{run.id}").set_value("a *note*").run()
    (about,) = door.saved_runs()
    assert (about.name, about.note) == ("mine", "a *note*")
    assert button(app, "Open this run").disabled and button(app, "Delete").disabled, "it is the run on the page"


def test_runs_are_deleted_with_undo_but_not_the_one_on_the_page(saving, choose):
    trained(seed="1")
    app = trained(seed="2")
    saved(2)
    choose(0, 1)
    app.session_state["view"] = "Runs"
    app.run()
    press(app, "Delete 2 runs")
    assert (
        "1 run deleted" in texts(app)
        and "can’t delete a run that is open" in texts(app)
        and len(door.saved_runs()) == 1
    )
    choose(0)
    press(app, "Undo the deletion")
    assert len(door.saved_runs()) == 2 and "deleted" not in texts(app)


def test_runs_are_pinned_and_branched(saving, choose):
    app = trained(seed="1")
    saved(1)
    choose(0)
    app.session_state["view"] = "Runs"
    app.run()
    press(app, "Pin")
    assert len(app.session_state["pins"]) == 1
    run = run_of(app)
    press(app, "Branch")
    assert run_of(app) is not run and run_of(app).begun_at == 0 and app.session_state["view"] == "Watch"


def test_several_runs_are_compared(saving, choose):
    trained(learning_rate="0.02")
    trained(learning_rate="0.2", batch_size="64")
    app = trained(learning_rate="2")
    saved(3)
    choose(0, 1, 2)
    app.session_state["view"] = "Runs"
    app.run()
    shown = texts(app)
    for name in ("Training loss", "Test accuracy over learning rate", "Settings and results"):
        assert name in shown
    app.selectbox(key="runs_across").set_value("batch_size").run()
    app.selectbox(key="runs_up").set_value("training loss").run()
    assert "Training loss over batch size" in texts(app)


def test_the_table_is_searched(saving, monkeypatch):
    trained(learning_rate="0.02")
    app = trained(learning_rate="0.2")
    saved(2)
    shown = []
    monkeypatch.setattr(view, "choose", lambda runs, run_id: shown.append(runs) or [])
    app.session_state["view"] = "Runs"
    app.run()
    app.text_input(key="find_runs").set_value("0.02 learning").run()
    assert [[run.settings.learning_rate for run in runs] for runs in shown] == [[0.2, 0.02], [0.02]]
    app.text_input(key="find_runs").set_value("nothing like [this](x)").run()
    assert "No run found for “nothing like" in texts(app)


def test_the_table_as_a_file_has_every_setting_and_result(saving):
    app = trained(learning_rate="0.02", hidden_sizes="16-8", batch_size="10000", epochs="1")
    at_rest(run_of(app), 1)
    saved(1)
    (about,) = door.saved_runs()
    (row,) = pd.read_csv(io.BytesIO(table.as_csv([about]))).to_dict("records")
    assert row["learning_rate"] == 0.02 and row["hidden_sizes"] == "16-8" and row["steps"] == 1
    assert row["train_loss"] == pytest.approx(about.loss)
    assert (row["test_loss"], row["test_accuracy"]) == pytest.approx(run_of(app).recording.evaluations[-1][1:])


def test_a_test_from_before_the_training_is_not_shown_as_a_result(saving):
    trained()
    saved(1)
    assert door.saved_runs()[0].evaluation is None


def test_the_table_has_the_differing_settings_as_numbers_and_says_where_a_run_is_open(saving):
    trained(learning_rate="0.02", seed="5")
    app = trained(learning_rate="0.2", momentum="0.5")
    saved(2)
    shown = table.frame(door.saved_runs(), run_of(app).id)
    assert shown["Learning rate"].tolist() == [0.2, 0.02] and shown["Open"].tolist() == ["here", ""]
    assert "Batch size" not in shown and "Note" not in shown


def test_forgetting_deletes_everything_and_begins_again(saving):
    app = trained()
    run = run_of(app)
    pin(app)
    saved(1)
    app.session_state["view"] = "Runs"
    app.run()
    press(app, "Delete everything")
    assert "Nothing about you is saved now" in texts(app)
    assert run_of(app) is not run and run_of(app).step == 0 and door.saved_runs() == []
    assert all(state.id == run_of(app).id for state in door.get_backend().list(VISITOR))


def test_before_the_limit_is_reached_the_page_says_so(saving, monkeypatch):
    monkeypatch.setattr(view, "MOST_RUNS", 1)
    app = trained()
    saved(1)
    app.session_state["view"] = "Runs"
    app.run()
    assert "each new run replaces your oldest one" in texts(app)


def test_the_limits_of_the_page_are_those_of_the_store():
    assert (view.MOST_RUNS, view.MOST_MB * 10**6) == (store_module.MOST_RUNS, store_module.MOST_BYTES)


def test_why_runs_cannot_be_saved_is_said_once(saving):
    app = page()
    door.get_backend().store.trouble = "Runs can’t be saved, because the disk is full."
    assert "the disk is full" in texts(app.run())
    assert "the disk is full" not in texts(app.run())


def test_a_saved_run_that_another_server_has_is_not_opened(saving, choose, tmp_path):
    other = serve(tmp_path / "runs.sqlite")
    from mlpviz.backend.specifications import NewRun
    from tests.runs.working import SMALL

    theirs = other.create(NewRun(SMALL), VISITOR).result(20)
    other.tell(theirs.id, VISITOR, OneStep()).result(20)
    app = page()
    until(lambda: [run.elsewhere and run.step for run in door.saved_runs()] == [1])
    choose(0)
    app.session_state["view"] = "Runs"
    app.run()
    press(app, "Open this run")
    assert "Another mlpviz server" in texts(app) and run_of(app).id != theirs.id
    other.close()


def test_a_page_waits_for_its_run_and_may_leave_it(saving, tmp_path):
    app = trained(learning_rate="0.02")
    run = run_of(app)
    saved(1)
    other = serve(tmp_path / "runs.sqlite")
    saving.forgets()
    assert other.find(run.id, VISITOR) is not None
    again = open_page(run=run.id, learning_rate="0.02")
    assert "can’t come back now. Another mlpviz server" in texts(again) and run.id in again.query_params["run"]
    other.close()
    assert run_of(again.run()).id == run.id
    assert "can’t come back" not in texts(again)


def test_a_page_whose_run_can_not_come_back_begins_another_one(saving, tmp_path):
    run = run_of(trained())
    saved(1)
    other = serve(tmp_path / "runs.sqlite")
    saving.forgets()
    assert other.find(run.id, VISITOR) is not None
    again = open_page(run=run.id, dataset="fashion-mnist-mini")
    press(again, "Start a new run instead")
    assert run_of(again).id != run.id and run_of(again).step == 0
    other.close()


def test_the_codec_knows_every_value_of_a_run():
    names = {each.__name__ for each in codec()._classes.values()}
    assert {"Settings", "Snapshot", "PostMortem", "Sharpness", "NewRun", "Examples", "Results", "SavedRun"} <= names
