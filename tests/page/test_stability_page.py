"""The view “Stability” in Streamlit's own test harness."""

import pytest
import torch

from mlpviz import Trainer, load_dataset
from mlpviz.figures.diagnosis import words
from mlpviz.page.overlays import pin_tools
from mlpviz.page.pins import MOST
from mlpviz.snapshot import RangeSnapshot
from mlpviz.state import PinState
from tests.page.driver import (
    act,
    at_rest,
    callbacks,
    figures_of,
    finished,
    page,
    pins_of,
    press,
    run_of,
    state_of,
    task_of,
    texts,
)
from tests.waiting import until

WILD = {
    "hidden_sizes": "16-16-16",
    "activation": "leaky_relu",
    "init": "kaiming",
    "learning_rate": "3.0",
    "batch_size": "100",
}


def view(section, **params):
    app = page(view="stability", **{"batch_size": "1000", "hidden_sizes": "16", "init": "kaiming", **params})
    run_of(app)
    app.session_state["stability_section"] = section
    app.run()
    assert not app.exception
    return app


def trained(section, **params):
    """On a run that has been through one epoch, of ten steps."""
    app = view(section, **params)
    press(app, "Epoch")
    at_rest(run_of(app), 10)
    app.run()
    assert not app.exception
    return app


def fallen_ill():
    app = page(**WILD)
    run = run_of(app)
    press(app, "Start")
    until(lambda: run.look() is None and run.health.post_mortem is not None, 30)
    until(lambda: run.look() is None and run.snapshot.post_mortem is not None and run.status == "paused")
    app.run()
    assert not app.exception
    return app, run


def test_an_alarm_offers_the_way_back_and_the_evidence():
    app, run = fallen_ill()
    way, well = run.health.post_mortem.way_back, run.health.post_mortem.well_until
    assert act(app, "evidence") == "What happened?"
    assert app.session_state.view == "Stability" and "The evidence" in [h.value for h in app.header]
    assert f"Healthy until step **{well:,}**" in texts(app) and f"Chosen: **{way.rate:g}**" in texts(app)
    names = [name for name, _ in figures_of(app)]
    assert any("Each mini-batch’s loss" in name for name in names) and any("Largest output" in name for name in names)
    assert words(run.snapshot.diagnosis, run.health.post_mortem).startswith("Overflow")


def test_the_way_back_is_that_step_bit_for_bit_with_the_rate_that_was_tried_and_undo_comes_back():
    app, run = fallen_ill()
    way, seat = run.health.post_mortem.way_back, state_of(run).token
    back = way.step
    assert act(app, "back") == f"Back to step {back:,}, learning rate {way.rate:g}"
    branch = run_of(app)
    assert branch is not run and (branch.step, branch.settings) == (back, run.settings.replace(learning_rate=way.rate))
    assert app.session_state.learning_rate == way.rate, "the slider says so, too"
    oracle = Trainer(run.settings, load_dataset("fashion-mnist-mini"))
    oracle.train(back)
    for ours, theirs in zip(branch.trainer.net.parameters(), oracle.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert "You are back at step" in " ".join(e.value for e in app.info)
    assert [pin.snapshot.run for pin in pins_of(app)] == [run.id], "the run that was left stays, faint"
    assert state_of(branch).token == seat, "who watches goes on with the branch"
    press(app, "Step")
    at_rest(branch, back + 1)
    app.run()
    press(app, "Undo")
    assert run_of(app) is run and state_of(run).token == seat and app.session_state.pins == {}


def test_rewind_goes_to_a_kept_step():
    app = view("What happened", batch_size="100", epochs="1")
    press(app, "Start")
    run = run_of(app)
    at_rest(run, 100)
    until(lambda: run.look() is None and run.snapshot.step == 100)
    app.run()
    assert app.get("select_slider")
    press(app, "Branch from step 50")
    assert run_of(app).step == 50 and run_of(app) is not run


def test_the_switch_reaches_the_run():
    app = view("What happened")
    app.toggle[0].set_value(False)
    app.run()
    assert run_of(app).health.pauses_when_ill is False


def test_sharpness_is_off_until_asked_for():
    app = trained("Seeing it coming")
    run = run_of(app)
    assert run.snapshot.sharpness is None
    app.toggle[0].set_value(True)
    app.run()
    until(lambda: run.look() is None and run.snapshot.sharpness is not None)
    assert run.snapshot.sharpness.mean[-1, 0] == 10
    app.toggle[0].set_value(False)
    app.run()
    assert run.inspections.sharpness.on is False


def test_the_range_test_suggests_and_use_this_sets_the_rate():
    app = trained("Seeing it coming")
    run = run_of(app)
    before = [p.detach().clone() for p in run.trainer.net.parameters()]
    press(app, "Run the test")
    task = finished(task_of(app, "range_test"))
    assert isinstance(task.snapshot, RangeSnapshot)
    app.run()
    rate = task.snapshot.suggestion[2]
    assert all(torch.equal(a, p) for a, p in zip(before, run.trainer.net.parameters(), strict=True))
    press(app, f"Use {rate:g}")
    assert run_of(app) is run and run.settings.learning_rate == rate == app.session_state.learning_rate


def test_the_next_step_and_the_slice_are_drawn_and_prices_are_named():
    app = trained("Seeing it coming")
    press(app, "Draw it")
    alts = [name for name, _ in figures_of(app)]
    assert "Along the gradient" in alts and "A slice of the landscape" in alts
    prices = app.dataframe[0].value
    assert prices["of the five lines"].iloc[0] == "100.0 %" and "checkpoints to go back to" in list(prices.instrument)


def test_the_section_is_in_the_address_and_comes_back():
    app = view("Two runs")
    assert app.query_params["section"] == "two-runs"
    again = page(view="stability", section="seeing-it-coming")
    assert again.session_state.stability_section == "Seeing it coming" and not again.exception


def test_a_twin_is_made_of_a_fresh_run_or_of_this_one():
    app = view("Two runs")
    press(app, "Make the twin")
    run = run_of(app)
    assert run.step == 0 and run.leads.changes == {"learning_rate": 0.3}
    press(app, "Step")
    at_rest(run, 1)
    until(lambda: run.look() is None and run.leads.follower.step == 1)
    app.run()
    press(app, "End the twin")
    assert run.leads is None
    press(app, "Make the twin")
    assert run_of(app) is run and run.leads.follower.begun_at == 1


def test_a_twin_that_needs_a_new_run_gets_one_and_undo_brings_back_the_old():
    app = trained("Two runs")
    old = run_of(app)
    app.selectbox(key="twin_field").set_value("hidden_sizes")
    app.run()
    app.text_input(key="twin_to_hidden_sizes").set_value("8, 8")
    app.run()
    press(app, "Make the twin")
    run = run_of(app)
    assert run is not old and run.step == 0 and run.leads.follower.settings.hidden_sizes == (8, 8)
    assert run.settings == old.settings
    press(app, "Undo")
    assert run_of(app) is old


@pytest.mark.parametrize(
    ("value", "what"), [("fast", "Learning rate: 'fast' can’t be used"), ("0.1", "already"), ("1000", "must be")]
)
def test_a_twin_that_can_t_be_is_refused_kindly(value, what):
    app = view("Two runs")
    app.text_input(key="twin_to_learning_rate").set_value(value)
    app.run()
    press(app, "Make the twin")
    assert what in texts(app) and run_of(app).leads is None


def test_pins_stay_up_to_six_and_the_table_shows_what_differs():
    app = trained("Two runs")
    press(app, "Pin this run")
    app.select_slider(key="learning_rate").set_value(0.5)
    app.run()
    table = app.dataframe[0].value
    assert list(table.run) == ["A", "this run"] and list(table["learning rate"]) == ["0.1", "0.5"]
    assert "seed" not in table and "test accuracy" in table
    press(app, "Pin this run")
    press(app, "Pin this run")
    assert sorted(app.session_state.pins) == ["A"], "the same run at the same step is pinned once"
    for step in range(11, 11 + MOST):
        press(app, "Step")
        at_rest(run_of(app), step)
        until(lambda s=step: run_of(app).look() is None and run_of(app).snapshot.step == s)
        app.run()
        press(app, "Pin this run")
    assert "already pinned" in texts(app) and len(app.session_state.pins) == MOST
    press(app, "Unpin C")
    assert sorted(app.session_state.pins) == list("ABDEF")
    assert all(isinstance(pin.state, PinState) for pin in pins_of(app))


def test_other_seeds_say_whether_it_is_chance():
    app = view("Two runs")
    press(app, "Make the twin")
    press(app, "Epoch")
    run = run_of(app)
    at_rest(run, 10)
    until(lambda: run.look() is None and run.leads.follower.step == 10)
    app.number_input(key="seeds").set_value(2)
    app.run()
    press(app, "Is it chance?")
    task = finished(task_of(app, "seeds_task"))
    assert task.snapshot.accuracies.shape == (2, 2)


def test_a_resting_run_is_pinned_and_unpinned_on_the_board():
    app = page(batch_size="1000", hidden_sizes="16")
    run = run_of(app)
    assert pin_tools(state_of(run)) == [], "there are no curves yet"
    press(app, "Step")
    at_rest(run, 1)
    app.run()
    with callbacks(app):
        (pin,) = pin_tools(state_of(run))
        pin.act(state_of(run))
        (unpin,) = pin_tools(state_of(run))
    app.run()
    assert [pin.run for pin in (each.state for each in pins_of(app))] == [run.id] and unpin.name == "unpin"
    with callbacks(app):
        unpin.act(state_of(run))
    app.run()
    assert app.session_state.pins == {}
