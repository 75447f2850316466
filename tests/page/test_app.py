"""The page's logic, in Streamlit's own test harness; what lives in the browser is tested in tests/browser."""

from urllib.parse import parse_qsl

import numpy as np
import pytest

from mlpviz import Settings
from mlpviz.backend.commands import OneStep, Pause, Start
from mlpviz.page import door, views
from mlpviz.page.visit import replace_run
from tests.conftest import write_idx
from tests.page import driver
from tests.page.driver import at_rest, button, can_press, labels, page, press, run_of, state_of, tell, texts
from tests.waiting import until


def test_a_fresh_machine_starts_on_the_small_set_and_offers_the_full_one():
    app = page()
    run = run_of(app)
    assert run.settings == Settings(dataset="fashion-mnist-mini")
    assert "not on this machine" in texts(app)
    assert any(label.startswith("Download Fashion-MNIST (29 MB)") for label in labels(app))
    assert {"Start", "Step", "Epoch", "Reset"} <= set(labels(app))


def test_the_fields_have_the_names_that_people_rely_on():
    app = page()
    names = {w.label for kind in ("select_slider", "number_input", "text_input", "selectbox") for w in app.get(kind)}
    assert {"Learning rate", "Batch size", "Epochs", "Init std", "Seed"} <= names
    assert {"Dataset", "Hidden layers", "Activation", "Optimizer"} <= names


def test_a_link_opens_the_same_experiment():
    settings = Settings(
        dataset="fashion-mnist-mini",
        hidden_sizes=(32, 16),
        activation="tanh",
        learning_rate=0.0123,
        batch_size=100,
        epochs=3,
        momentum=0.9,
        nesterov=True,
        train_size=5000,
        seed=7,
    )
    app = page(**settings.to_params())
    assert run_of(app).settings == settings
    address = dict(app.query_params)
    assert {name: address[name] for name in settings.to_params()} == settings.to_params()


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"learning_rate": "nan"}, "Learning rate: "),
        ({"hidden_sizes": "a-b"}, "Hidden layers: "),
        ({"dataset": "imagenet"}, "Dataset: "),
    ],
)
def test_a_bad_link_says_so_and_falls_back(params, part):
    app = page(**params)
    assert part in app.error[0].value and "must be" in app.error[0].value
    assert run_of(app).settings == Settings(dataset="fashion-mnist-mini")


def test_step_makes_one_and_epoch_goes_to_the_end_of_the_epoch():
    app = page(batch_size="1000")
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    press(app, "Epoch")
    at_rest(run, 10)


def test_a_learning_rate_takes_effect_in_the_same_run():
    app = page(batch_size="1000")
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    app.select_slider(key="learning_rate").set_value(0.5)
    app.run()
    assert run_of(app) is run and run.settings.learning_rate == 0.5
    assert app.query_params["learning_rate"] == "0.5"


def test_an_untrained_run_is_replaced_without_asking():
    app = page()
    first = run_of(app)
    app.text_input(key="hidden_sizes").set_value("32, 16")
    app.run()
    second = run_of(app)
    assert second is not first and second.settings.hidden_sizes == (32, 16)
    assert "new run" not in texts(app)


def test_a_trained_run_is_not_thrown_away_without_asking():
    app = page(batch_size="1000")
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    app.number_input(key="seed").set_value(5)
    app.run()
    assert "This needs a new run" in texts(app) and "seed 0 → 5" in texts(app) and run_of(app) is run
    press(app, "Keep this run")
    assert run_of(app) is run and app.number_input(key="seed").value == 0
    assert "This needs a new run" not in texts(app)
    app.number_input(key="seed").set_value(5)
    app.run()
    press(app, "Start a new run")
    assert "This needs a new run" not in texts(app)
    assert run_of(app) is not run and run_of(app).settings.seed == 5
    press(app, "Undo")
    assert run_of(app) is run and app.number_input(key="seed").value == 0 and run.step == 1


def test_reset_goes_to_step_0_with_the_same_weights_and_can_be_undone():
    app = page(batch_size="1000")
    old = run_of(app)
    before = [p.detach().clone() for p in old.trainer.net.parameters()]
    press(app, "Step")
    at_rest(old, 1)
    press(app, "Reset")
    new = run_of(app)
    assert new.step == 0 and new.settings == old.settings
    assert all((a == b).all() for a, b in zip(before, new.trainer.net.parameters(), strict=True))
    press(app, "Undo")
    assert run_of(app) is old and old.step == 1


def test_a_finished_run_trains_for_more_epochs():
    app = page(batch_size="10000", epochs="1")
    run = run_of(app)
    press(app, "Start")
    at_rest(run, 1)
    app.run()
    assert button(app, "Step").disabled and "Start" not in labels(app)
    press(app, "1 more epoch")
    at_rest(run, 2)
    assert app.number_input(key="epochs").value == 2


def test_a_second_click_on_reset_keeps_what_undo_brings_back():
    app = page(batch_size="10000", epochs="2")
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    app.run()
    state = driver.state_of(run)
    with driver.callbacks(app):
        replace_run(state.settings, state)
        replace_run(state.settings, state)  # before the page is drawn again
    app.run()
    assert run_of(app) is not run and can_press(app, "Undo")
    press(app, "Undo")
    assert run_of(app) is run


def test_a_bad_field_says_what_is_allowed_and_loses_nothing():
    app = page()
    run = run_of(app)
    app.text_input(key="hidden_sizes").set_value("256-many")
    app.run()
    problem = app.sidebar.error[0].value  # at the field, which is called as its label says
    assert "Hidden layers: '256-many' can’t be used. It must be whole numbers" in problem
    assert run_of(app) is run


def test_training_images_can_go_back_to_all():
    app = page(train_size="5000", batch_size="5000")
    app.number_input(key="train_size").set_value(None)
    app.run()
    assert run_of(app).settings.train_size is None
    assert run_of(app).settings.batch_size == 5000


def test_switching_optimizers_and_momentum_on_a_trained_run_is_never_an_error():
    app = page(batch_size="1000", momentum="0.9", nesterov="true")
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    app.selectbox(key="optimizer").set_value("adam")
    app.run()
    assert not app.exception and "This needs a new run" in texts(app)
    app.selectbox(key="optimizer").set_value("sgd")
    app.run()
    app.slider(key="momentum").set_value(0.0)
    app.run()
    assert not app.exception and "nesterov true → false" in texts(app)


def test_undo_never_throws_away_what_has_been_learnt_since():
    app = page(batch_size="1000")
    first = run_of(app)
    press(app, "Step")
    at_rest(first, 1)
    press(app, "Reset")
    second = run_of(app)
    tell(second, OneStep())
    at_rest(second, 1)
    press(app, "Undo")
    assert run_of(app) is first and kept(second)


def test_a_full_server_says_so(monkeypatch):
    monkeypatch.setattr(driver.engine().room, "memory", 0)
    app = page()
    assert not app.exception and "smaller hidden layers" in app.error[0].value


def test_somebody_elses_address_gives_the_settings_and_a_run_of_ones_own(monkeypatch):
    hers = page(learning_rate="0.5")
    run = run_of(hers)
    monkeypatch.setattr(door, "visitor", lambda: "bob")
    monkeypatch.setattr(driver, "VISITOR", "bob")
    his = page(learning_rate="0.5", run=run.id)
    assert run_of(his) is not run and run_of(his).settings == run.settings


def test_a_link_to_watch_shows_no_controls():
    run = run_of(page())
    app = page(watch=state_of(run).token)
    assert not app.exception and labels(app) == ["Present"] and not app.select_slider
    gone = page(watch="nonsense")
    assert "no longer exists" in gone.error[0].value


def test_a_dataset_that_is_not_here_keeps_the_run_and_offers_the_download():
    app = page()
    run = run_of(app)
    app.selectbox(key="dataset").set_value("mnist")
    app.run()
    assert not app.exception and "MNIST is not on this machine" in texts(app)
    assert any(label.startswith("Download MNIST") for label in labels(app))
    assert run.step == 0


def test_a_device_that_is_not_here_is_a_sentence():
    app = page(device="mps")
    assert not app.exception and "device is 'mps'" in texts(app)


def after_a_step(app):
    """A run that has made one step, so that it is kept for an undo."""
    run = run_of(app)
    tell(run, OneStep())
    at_rest(run, run.step + 1)
    return run


def kept(run):
    return driver.engine().task(run.id, driver.VISITOR) is run


def test_reset_pauses_the_old_run_and_undo_the_new_one():
    app = page(epochs="1000")
    old = run_of(app)
    press(app, "Start")
    until(lambda: old.step > 0)
    press(app, "Reset")
    until(lambda: old.status == "paused")
    new = run_of(app)
    tell(new, Start())
    until(lambda: new.step > 0)
    press(app, "Undo")
    assert run_of(app) is old
    until(lambda: new.status == "paused")


def test_only_the_latest_run_that_learnt_anything_is_kept_for_an_undo():
    app = page(batch_size="1000")
    untrained = run_of(app)
    app.number_input(key="seed").set_value(1)
    app.run()
    first = after_a_step(app)
    assert not kept(untrained)
    press(app, "Reset")
    second = after_a_step(app)
    assert kept(first)
    press(app, "Reset")
    third = run_of(app)
    assert kept(second) and not kept(first)
    press(app, "Undo")
    assert run_of(app) is second and not kept(third)


def test_undo_is_offered_until_the_new_run_learns():
    app = page(batch_size="1000")
    after_a_step(app)
    press(app, "Reset")
    assert can_press(app, "Undo")
    after_a_step(app)
    app.run()
    assert not can_press(app, "Undo")


@pytest.mark.parametrize(("epochs", "offered"), [(600, ["400 more epochs"]), (1000, [])])
def test_no_more_epochs_are_offered_than_a_run_may_have(epochs, offered):
    app = page(batch_size="10000", epochs=str(epochs))
    run = run_of(app)
    until(lambda: run.look() is None and not run.busy_beside_training())
    driver.engine().ask(run.id, run.owner, lambda run: setattr(run.trainer, "step", epochs)).result(5)
    tell(run, Pause())
    app.run()
    assert [label for label in labels(app) if "more epoch" in label] == offered
    assert offered or not can_press(app, "Start"), "nothing is left to train"


def test_a_link_from_a_larger_dataset_is_fitted_to_the_small_one():
    run = run_of(page(train_size="60000", batch_size="60000"))
    assert (run.settings.train_size, run.settings.batch_size) == (10_000, 10_000)


def test_the_articles_settings_are_a_click_away():
    app = page(learning_rate="0.5", hidden_sizes="32-16", init="xavier")
    press(app, "The article’s settings")
    assert run_of(app).settings == Settings(dataset="fashion-mnist-mini")


def test_the_full_set_is_not_offered_where_it_is(tmp_path):
    write_idx(tmp_path / "data" / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte", np.zeros(10_000), 0x801)
    app = page(dataset="fashion-mnist-mini")
    assert not app.exception and not any("Download" in label for label in labels(app))


def test_the_links_to_share_give_the_experiment_and_the_token():
    app = page(learning_rate="0.5", seed="3")
    app.session_state["share"] = True  # open
    app.run()
    run = run_of(app)
    links = [dict(parse_qsl(code.value.split("?")[1])) for code in app.code if "?" in code.value]
    assert Settings.from_params(links[0]) == run.settings and links[1:] == [{"watch": state_of(run).token}]


def test_back_in_the_browser_shows_the_view_of_the_address_and_changes_no_setting(monkeypatch):
    app = page(learning_rate="0.5")
    run = run_of(app)
    app.session_state["view"] = "Stability"
    app.run()
    assert app.query_params["view"] == "stability"
    app.select_slider(key="learning_rate").set_value(0.2)
    app.run()
    app.query_params.clear()
    app.query_params["learning_rate"] = "0.5"  # as it was then
    app.run()
    assert app.session_state["view"] == "Stability", "the address may be late; only Back and Forward count"
    app.query_params.clear()
    monkeypatch.setattr(views, "_went_back", lambda: True)
    app.run()
    assert not app.exception and app.session_state["view"] == "Watch"
    assert run_of(app) is run and run.settings.learning_rate == 0.2 == float(app.query_params["learning_rate"])


def test_one_bad_value_in_a_link_loses_nothing_else():
    app = page(nesterov="true", learning_rate="abc", hidden_sizes="32", seed="-3", momentum="0.9")
    settings = run_of(app).settings
    assert settings == Settings(dataset="fashion-mnist-mini", hidden_sizes=(32,), momentum=0.9, nesterov=True)
    assert "Learning rate: 'abc'" in app.error[0].value and "Seed: -3" in app.error[0].value


def test_the_open_line_is_in_the_address():
    app = page(view="line-by-line", line="loss", hidden_sizes="16")
    assert app.session_state["line"] == "loss" and app.query_params["line"] == "loss"
    other = page(view="line-by-line", line="nonsense", hidden_sizes="16")
    assert other.session_state["line"] == "batch" and "line" not in other.query_params


def test_shortcuts_can_be_turned_off():
    app = page()
    assert button(app, "Start").proto.shortcut.lower() == "p"
    app.toggle(key="keys").set_value(False).run()
    app.run()
    assert not button(app, "Start").proto.shortcut and not button(app, "Step").proto.shortcut
