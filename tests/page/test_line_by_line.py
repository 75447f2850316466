"""The view “Line by line” in Streamlit's own test harness."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from mlpviz import Settings, Trainer, load_dataset
from mlpviz.backend.commands import Pause
from mlpviz.backend.questions import TakeWeights
from mlpviz.line_by_line.script import loader, parts
from mlpviz.line_by_line.what_ifs import WHAT_IFS
from mlpviz.page import door
from mlpviz.page.exports import as_parquet, history_frame
from mlpviz.page.line_by_line.ablation import around_changes
from mlpviz.page.line_by_line.terms import sample_loss_terms, tex
from mlpviz.page.plot import diverging, grey, mosaic
from mlpviz.runs.run import Run
from mlpviz.trainer import pixels
from tests.page import driver
from tests.page.driver import at_rest, button, finished, labels, page, press, run_of, task_of, tell, texts
from tests.runs.working import work_off
from tests.waiting import until

LINES = ("batch", "forward", "loss", "zero_grad", "backward", "step")


def view(section="One step, taken apart", line=None, **params):
    app = page(view="line-by-line", **params)
    app.session_state["section"] = section
    if line:
        app.session_state["line"] = line
    app.run()
    assert not app.exception
    return app


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.net.parameters()])


def test_the_address_opens_the_view_and_keeps_it():
    app = view()
    assert app.query_params["view"] == "line-by-line" and "Forward" in labels(app)
    other = page()
    assert "view" not in other.query_params and "Forward" not in labels(other)


def test_walking_part_by_part_makes_the_very_update_that_step_makes():
    app = view(batch_size="500", hidden_sizes="16")
    run = run_of(app)
    for line in LINES[1:-1]:
        press(app, "Forward")
        assert app.session_state["line"] == line and run.step == 0, "nothing has changed yet"
    assert "not done yet" in texts(app)
    press(app, "Forward")
    assert app.session_state["line"] == "step" and run.step == 1
    assert "bit for bit" in app.success[0].value
    oracle = Trainer(run.settings, load_dataset("fashion-mnist-mini"))
    oracle.train(1)
    assert torch.equal(weights(run.trainer), weights(oracle))
    press(app, "Back")
    assert app.session_state["line"] == "backward" and run.step == 1
    press(app, "Forward")
    assert run.step == 1, "it is made once"
    press(app, "Next batch")
    assert app.session_state["line"] == "batch" and "Update **2** of 200" in texts(app)
    press(app, "Start")
    until(lambda: run.look() is None and run.step >= 20)
    press(app, "Pause")
    oracle.train(run.step - 1)
    assert torch.equal(weights(run.trainer), weights(oracle)), "going on after a walk gives the same bits"


def test_the_loss_panel_fills_in_the_numbers_of_the_image():
    app = view(line="loss", batch_size="500", hidden_sizes="16", seed="3")
    app.slider(key="image").set_value(5)
    app.run()
    trainer = Trainer(Settings(dataset="fashion-mnist-mini", batch_size=500, hidden_sizes=(16,), seed=3), mini())
    X, y = trainer.next_batch()
    logits = trainer.net(X)
    losses = torch.nn.functional.cross_entropy(logits, y, reduction="none")
    assert f"**{losses[4].item():.7g}** for this image" in texts(app)
    assert f"`loss` is **{losses.mean().item():.7g}**" in texts(app)
    assert app.latex[0].value.strip("$\n ").endswith(f"= {losses[4].item():.5g}")


def mini():
    return load_dataset("fashion-mnist-mini")


def test_the_step_panel_shows_the_chosen_number_before_and_after():
    app = view(line="step", batch_size="500", hidden_sizes="16")
    run = run_of(app)
    app.number_input(key="place_W1_0").set_value(3)
    app.number_input(key="place_W1_1").set_value(400)
    app.run()
    trainer = Trainer(run.settings, mini())
    before = trainer.net[1].weight[3, 400].item()
    trainer.train(1)
    shown = app.latex[0].value
    assert tex(before, 9) in shown and tex(trainer.net[1].weight[3, 400].item(), 9) in shown
    assert tex(trainer.net[1].weight.grad[3, 400].item(), 9) in shown
    assert run.step == 0 and "not done yet" in texts(app)
    press(app, "Largest gradient")
    place = divmod(int(trainer.net[1].weight.grad.abs().argmax()), 784)
    assert [app.number_input(key=f"place_W1_{axis}").value for axis in (0, 1)] == list(place)


def test_zero_grad_shows_the_norms_that_the_update_before_left():
    app = view(line="zero_grad", batch_size="500", hidden_sizes="16")
    assert "nothing to clear" in texts(app) and set(app.dataframe[0].value["‖.grad‖ before"]) == {"None"}
    press(app, "Step")
    run = run_of(app)
    at_rest(run, 1)
    press(app, "Next batch") if "Next batch" in labels(app) else None
    app.session_state["line"] = "zero_grad"
    app.session_state["walk"] = None
    app.run()
    oracle = Trainer(run.settings, mini())
    oracle.train(1)
    shown = [float(text) for text in app.dataframe[0].value["‖.grad‖ before"]]
    assert shown == pytest.approx([p.grad.norm().item() for p in oracle.net.parameters()], rel=0.01)


def test_a_running_run_is_not_walked_but_can_be_paused():
    app = view(batch_size="100", epochs="1000")
    run = run_of(app)
    press(app, "Start")
    assert "This run is training" in app.info[0].value and button(app, "Forward").disabled
    until(lambda: run.look() is None and run.step > 1)
    press(app, "Pause and take the next update apart")
    assert run.status == "paused" and not app.info
    assert f"Update **{run.step + 1:,}**" in texts(app)
    tell(run, Pause())


def test_a_finished_run_says_what_to_do():
    app = view(batch_size="10000", epochs="1")
    run = run_of(app)
    press(app, "Start")
    at_rest(run, 1)
    app.session_state["walk"] = None
    app.run()
    assert "This run is finished" in app.info[0].value


def test_a_changed_learning_rate_changes_the_walk():
    app = view(line="step", batch_size="500", hidden_sizes="16")
    press(app, "Forward")
    press(app, "Next batch")
    app.session_state["line"] = "step"
    app.run()
    before = app.latex[0].value
    app.select_slider(key="learning_rate").set_value(0.5)
    app.run()
    assert "0.5 \\cdot" in app.latex[0].value != before
    press(app, "Forward")
    assert "bit for bit" in app.success[0].value


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("device", "This run’s device is **cpu**"),
        ("seed", "random draw"),
        ("data", "10,000 training and 2,000 test images"),
        ("net", "12,730 parameters in all"),
        ("init", "must be random"),
        ("loss_fn", "logits, not probabilities"),
        ("optimizer", "Plain SGD"),
        ("epoch", "all training images once"),
        ("eval", "the same bits"),
        ("test", "by the probabilities"),
    ],
)
def test_each_line_can_be_opened(line, part):
    assert part in texts(view(line=line, hidden_sizes="16"))


def test_accuracy_is_the_same_from_logits_and_from_probabilities():
    app = view(line="test", hidden_sizes="16")
    right = Trainer(run_of(app).settings, mini()).evaluate().accuracy * 2000
    assert f"by the logits: **{right:,.0f}** of 2,000" in texts(app)
    assert f"by the probabilities: **{right:,.0f}**." in texts(app)


def test_the_device_line_quotes_pytorch():
    app = view(line="device")
    assert "not on the expected device meta" in " ".join(code.value for code in app.code)


def test_a_prediction_is_made_run_and_judged():
    app = view("What if a line were gone?", batch_size="500", hidden_sizes="16")
    app.session_state["ablation"] = "zero-weights"
    app.session_state["guess_zero-weights"] = "slower"
    app.run()
    assert "+         nn.init.zeros_(m.weight)" in app.code[0].value
    press(app, "Run both")
    comparison = finished(task_of(app, "comparison"))
    app.run()
    assert "You predicted *slower, or worse*. The result is **hardly better than guessing**." in texts(app)
    assert "You were right" not in texts(app)
    assert "Different rows among the 16 of W₁: 1." in texts(app)
    assert "yours differ" in texts(app)
    assert run_of(app).step == 0, "the run itself is left alone"
    press(app, "Run again")
    assert task_of(app, "comparison") is not comparison
    assert driver.engine().task(comparison.id, driver.VISITOR) is None
    press(app, "Stop")
    assert "Run both" in labels(app)


@pytest.mark.parametrize(
    ("name", "params", "part"),
    [
        ("no-relu", {"hidden_sizes": "none"}, "no hidden layer"),
        ("no-relu", {"activation": "identity"}, "already has no activation"),
        ("zero-weights", {"hidden_sizes": "none"}, "may start at zero"),
        ("zero-weights", {"init": "zeros"}, "start at zero already"),
        ("no-eval", {"hidden_sizes": "none"}, "no hidden layer"),
    ],
)
def test_a_change_that_changes_nothing_says_why(name, params, part):
    app = view("What if a line were gone?", **params)
    app.session_state["ablation"] = name
    app.run()
    assert part in app.info[0].value and "Run both" not in labels(app)


def test_zero_weights_can_be_tried_on_pytorchs_own_initialisation():
    app = view("What if a line were gone?", init="pytorch", hidden_sizes="16")
    app.session_state["ablation"] = "zero-weights"
    app.run()
    assert "+         nn.init.zeros_(m.weight)" in app.code[0].value


def test_the_other_epochs_keep_a_comparison():
    app = view("What if a line were gone?", batch_size="500", hidden_sizes="16")
    press(app, "Run both")
    app.number_input(key="epochs").set_value(7)
    app.run()
    assert "Run again" in labels(app)


def test_a_step_made_with_another_rate_is_never_shown_as_the_walks():
    """The walk foretold one update; the player made another."""
    app = view(line="step", batch_size="500", hidden_sizes="16")
    app.session_state["line"] = "optimizer"
    app.run()
    app.select_slider(key="learning_rate").set_value(0.5)
    app.run()
    press(app, "Step")
    at_rest(run_of(app), 1)
    app.session_state["line"] = "step"
    app.run()
    assert not app.error and not app.success and "Update **2** of 200: not done yet" in texts(app)


def test_a_step_of_the_player_is_the_walks_when_nothing_changed():
    app = view(line="step", batch_size="500", hidden_sizes="16")
    press(app, "Step")
    at_rest(run_of(app), 1)
    app.run()
    assert "bit for bit" in app.success[0].value and "Update **1** of 200: done" in texts(app)


def test_a_question_that_takes_too_long_is_a_sentence(monkeypatch):
    app = view(hidden_sizes="16")
    monkeypatch.setattr(door, "PATIENCE", 0.0)
    app.session_state["line"] = "device"
    app.run()
    assert "busy" in app.info[0].value


def test_the_script_of_a_run_that_was_changed_makes_the_change_too():
    app = view("Take it with you", batch_size="500", hidden_sizes="16")
    assert not app.warning
    press(app, "Step")
    at_rest(run_of(app), 1)
    app.select_slider(key="learning_rate").set_value(0.5)
    app.run()
    run = run_of(app)
    until(lambda: run.look() is None and run.snapshot.changes)
    app.run()
    assert not app.warning and "also makes the changes" in texts(app)
    assert "    1: {'lr': 0.5}," in [code.value for code in app.code][-1]


def test_step_zero_of_another_initialisation_says_so():
    app = view("Step 0", hidden_sizes="16", init="kaiming")
    assert "initialisation is *kaiming*" in texts(app) and "At init std" not in texts(app)


def test_a_logit_beyond_what_exp_can_bear_is_spelt_out():
    logits = np.array([[800.0, 1, 2, 3, 4, 5, 6, 7, 8, 9]], dtype=np.float32)
    walked = SimpleNamespace(logits=logits, labels=np.array([3]))
    assert r"800 + \log(1) = -3 + 800 = 797" in sample_loss_terms(walked, 0)


def test_each_line_offers_the_changes_that_concern_it():
    app = view(line="zero_grad", hidden_sizes="16")
    press(app, "No zero_grad")
    assert app.session_state["section"] == "What if a line were gone?"
    assert "-         optimizer.zero_grad()" in app.code[0].value
    offered = {what_if.line for what_if in WHAT_IFS.values()}
    assert offered <= {part.key for part in parts(Settings(), 1)}


def test_other_settings_leave_an_old_comparison_behind():
    app = view("What if a line were gone?", batch_size="500", hidden_sizes="16")
    press(app, "Run both")
    app.number_input(key="seed").set_value(4)
    app.run()
    assert "Run both" in labels(app)


def test_the_listing_shows_the_change_among_its_neighbours():
    assert around_changes("  a\n  b\n- c\n+ d\n  e\n  f\n  g", context=1) == "  b\n- c\n+ d\n  e"
    assert "nothing changes" in around_changes("  a\n  b")


def test_step_zero_follows_the_slider_without_a_new_network_trained():
    app = view("Step 0", hidden_sizes="16-16", activation="tanh")
    assert "Initial loss: At init std 0.01: 2.303" in texts(app)
    app.select_slider(key="init_std").set_value(1.0)
    app.run()
    X, y = pixels(mini().train.images[:256]), mini().train.labels[:256]
    loss = torch.nn.functional.cross_entropy(run_of(app).trainer.net(X), y).item()
    assert f"At init std 1: {loss:.4g} for this network" in texts(app)
    assert run_of(app).step == 0


def test_the_sweep_trains_when_asked():
    app = view("Step 0", hidden_sizes="8", batch_size="1000")
    press(app, "Train 13 networks for one epoch each")
    finished(task_of(app, "sweep"))
    app.run()
    assert not app.exception and "Train them again" in labels(app)


def test_the_script_is_shown_with_the_settings_filled_in():
    app = view("Take it with you", learning_rate="0.05", hidden_sizes="32-16")
    code = app.code[1].value
    assert "lr=0.05" in code and "nn.Linear(32, 16)" in code
    compile(code, "train.py", "exec")


def test_a_full_server_says_so_and_nothing_is_lost(monkeypatch):
    app = view("What if a line were gone?", hidden_sizes="16")
    run = run_of(app)
    monkeypatch.setattr(driver.engine().room, "memory", 0)
    press(app, "Run both")
    assert not app.exception and "of memory" in app.error[0].value
    assert driver.engine().task(run.id, driver.VISITOR) is run


def test_pictures():
    assert grey(np.array([[0.0, 0.5, 1.0, np.nan]])).tolist() == [[0, 127, 255, 0]]
    colors = diverging(np.array([-2.0, 0.0, 2.0]))
    assert colors[0, 2] > colors[0, 0] and colors[2, 0] > colors[2, 2] and len(set(colors[1])) == 1
    sheet = mosaic(np.arange(1, 13, dtype=np.float32).reshape(3, 2, 2), 2)
    assert sheet.shape == (5, 5) and sheet[:2, 3:].tolist() == [[5, 6], [7, 8]] and sheet[2].tolist() == [0] * 5


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0.25"), (1.5e-9, r"1.5 \cdot 10^{-9}"), (float("nan"), r"\text{NaN}"), (float("-inf"), r"-\infty")],
)
def test_numbers_in_latex(value, text):
    assert tex(value) == text


def test_a_run_at_rest_gives_its_history_its_weights_and_a_receipt():
    app = page(view="line-by-line", batch_size="1000", epochs="1", activation="tanh", hidden_sizes="8-4")
    run = run_of(app)
    app.session_state["section"] = "Take it with you"
    app.run()
    assert "History as CSV" not in [each.proto.label for each in app.get("download_button")], "it has made no step"
    press(app, "Start")
    at_rest(run, 10)
    app.run()
    offered = [each.proto.label for each in app.get("download_button") if not each.proto.disabled]
    assert {"History as CSV", "History as Parquet", "Weights", "Receipt"} <= set(offered)
    assert '"step": 10' in app.session_state["computed_receipt"][1]


def test_the_weights_are_loaded_by_the_lines_that_stand_there(tmp_path, monkeypatch, capsys):
    settings = Settings(dataset="fashion-mnist-mini", hidden_sizes=(8, 4), activation="gelu", init="kaiming")
    run = Run(settings, load_dataset(settings.dataset))
    run.goal = 3
    work_off(run)
    monkeypatch.chdir(tmp_path)
    Path("weights.safetensors").write_bytes(TakeWeights().answer(run))
    code = loader(settings)
    assert len(code.strip().splitlines()) <= 10
    scope = {}
    exec(code, scope)
    images = run.trainer.dataset.test.images[:50]
    assert torch.equal(scope["net"](pixels(images)), run.trainer.net(pixels(images)))
    assert "tensor" in capsys.readouterr().out


@pytest.mark.parametrize("steps", [25, 1500])
def test_the_history_as_a_file_is_that_of_the_run(steps):
    settings = Settings(dataset="fashion-mnist-mini", hidden_sizes=(4,), batch_size=500, epochs=100)
    run = Run(settings, load_dataset(settings.dataset))
    run.goal = steps
    snapshot = work_off(run)
    for frame in (
        pd.read_csv(io.BytesIO(history_frame(snapshot).to_csv(index=False).encode())),
        pd.read_parquet(io.BytesIO(as_parquet(history_frame(snapshot)))),
    ):
        assert frame["step"].is_monotonic_increasing and frame["step"].iloc[-1] == steps
        recorded = frame.dropna(subset="loss")
        assert recorded["loss"].to_numpy() == pytest.approx(snapshot.steps.column("loss"), rel=1e-6)
        assert recorded["weight_gradient_1"].to_numpy() == pytest.approx(
            snapshot.steps.column("weight_gradient 1"), rel=1e-5
        )
        tested = frame.dropna(subset="test_loss")[["step", "test_loss", "test_accuracy"]]
        assert tested.to_numpy() == pytest.approx(snapshot.evaluations)
        assert ("loss_lowest" in frame) == (steps > 600)
