"""The view “Test images” in Streamlit's own test harness."""

import base64

import numpy as np
import pytest
import torch

from mlpviz import Trainer, load_dataset
from mlpviz.backend.commands import Pause
from mlpviz.images.gallery import Filter, select
from mlpviz.images.predictions import table
from mlpviz.live.sprite import tiles_png
from mlpviz.page.images.doubt import votes
from mlpviz.page.images.gallery import _csv
from mlpviz.page.images.image import in_words
from mlpviz.page.images.own import decode
from tests.page.driver import at_rest, page, press, run_of, state_of, tell, texts
from tests.page.driver import view_images as view
from tests.waiting import until


def frame_of(app):
    results = run_of(app).recording.results
    return table(results.logits, results.labels)


def test_the_headline_is_the_evaluation():
    app = view()
    trainer = Trainer(run_of(app).settings, load_dataset("fashion-mnist-mini"))
    trainer.train(10)
    right = round(trainer.evaluate().accuracy * 2000)
    assert f"**{right:,} of 2,000**" in texts(app) and "after step 10" in texts(app)
    scores = app.dataframe[0].value
    assert scores["support"].tolist() == [200] * 10
    frame = frame_of(app)
    recall = [(frame[frame["true"] == c]["predicted"] == c).mean() for c in range(10)]
    assert scores["recall"].tolist() == pytest.approx(recall)


def count(app, wanted):
    return len(select(frame_of(app), wanted))


def test_the_filter_narrows_the_gallery_and_stands_in_the_address():
    app = view()
    assert f"**{count(app, Filter()):,}** images; page 1" in texts(app)
    app.selectbox(key="filter_true").set_value(6)
    app.run()
    app.selectbox(key="filter_order").set_value("loss")
    app.run()
    assert f"**{count(app, Filter(true=6)):,}** image" in texts(app)
    assert app.query_params["images_true"] == "6" and app.query_params["images_order"] == "loss"
    other = view(images_true="6", images_kind="all", images_per_page="24")
    assert "**200** images of Shirt; page 1 of 9" in texts(other)
    press(other, "Next page")
    assert "page 2 of 9" in texts(other) and other.query_params["images_page"] == "2"
    press(other, "Clear the filter")
    assert "images_true" not in other.query_params


def test_a_bad_address_says_so_and_shows_all_mistakes():
    app = page(view="test-images", images_true="77", hidden_sizes="8")
    run = run_of(app)
    until(lambda: run.look() is None and run.recording.results is not None)
    app.run()
    assert not app.exception and app.session_state["filter"] == Filter()


def test_what_is_wrong_in_the_address_is_said():
    assert "test images in the address is not valid" in page(view="test-images", images_order_seed="-1").error[0].value


def test_a_filter_that_nothing_passes_says_what_to_do():
    app = view(images_index="1999", images_kind="mistakes")
    assert "**1** image;" in texts(app)
    app.session_state["filter"] = Filter(low=0.0, high=0.0)
    app.run()
    assert "Clear the filter" in app.info[0].value


def test_held_still_it_keeps_its_evaluation():
    app = view()
    app.toggle(key="follow").set_value(False)
    app.run()
    press(app, "Epoch")
    run = run_of(app)
    at_rest(run, 20)
    until(lambda: run.look() is None and run.recording.results.step == 20)
    app.run()
    assert "Evaluation after step 10." in texts(app)
    app.toggle(key="follow").set_value(True)
    app.run()
    assert "Evaluation after step 20." in texts(app)


@pytest.mark.parametrize(
    ("tab", "part"),
    [
        ("Prediction", "Probabilities:"),
        ("History", "History:"),
        ("Saliency", "It does not say"),
        ("Contributions", "Contributions: The bars add up to"),
        ("Neighbours", "nearest in the last hidden layer"),
        ("Flip the prediction", "along the gradient"),
    ],
)
@pytest.mark.parametrize("sizes", ["16", "none"])
def test_an_image_can_be_opened_and_looked_at(tab, part, sizes):
    app = view(hidden_sizes=sizes)
    app.session_state["open_image"] = 3
    app.session_state["image_tab"] = tab
    app.run()
    assert not app.exception and part in texts(app)


def test_the_doubtful_labels_wait_until_asked():
    app = view()
    assert "Labels in doubt" not in texts(app)


def test_the_units_table_is_worked_out_and_one_can_be_switched_off():
    app = view("Hidden units")
    units = app.dataframe[0].value
    assert units["unit"].tolist() == list(range(16))
    unit = int(units["importance"].argmax())  # the one that is shown until another is chosen
    assert f"**Unit {unit}**" in texts(app)
    app.toggle(key="switched_off").set_value(True)
    app.run()
    W1, b1, W2, b2 = (p.detach().clone() for p in run_of(app).trainer.net.parameters())
    W2[:, unit] = 0
    dataset = load_dataset("fashion-mnist-mini")
    h = torch.relu(torch.nn.functional.linear(dataset.test.images.flatten(1).float() / 255, W1, b1))
    right = (torch.nn.functional.linear(h, W2, b2).argmax(1) == dataset.test.labels).sum().item()
    assert f"Without it: **{100 * right / 2000:.2f} %**" in texts(app)
    whole = (frame_of(app)["true"] == frame_of(app)["predicted"]).mean()
    assert units["importance"].max() == pytest.approx(whole - right / 2000)


def test_a_network_without_hidden_units_says_so():
    assert "no hidden layer" in view("Hidden units", hidden_sizes="none").info[0].value


def test_the_second_hidden_layer_can_be_chosen():
    app = view("Hidden units", hidden_sizes="16-8")
    app.session_state["unit_layer"] = 2
    app.run()
    assert not app.exception and len(app.dataframe[0].value) == 8


def test_a_drawing_is_named():
    app = view("Your own image")
    assert "Draw a garment" in app.info[0].value
    pixels = load_dataset("fashion-mnist-mini").test.images[3].numpy()
    app.session_state["own_pixels"] = base64.b64encode(pixels.tobytes()).decode()
    app.run()
    results = run_of(app).recording.results
    name = load_dataset("fashion-mnist-mini").classes[int(results.logits[3].argmax())]
    assert f"the network predicts **{name}**" in texts(app)


@pytest.mark.parametrize(
    "text", [None, "", "!", base64.b64encode(b"abc").decode(), base64.b64encode(bytes(784)).decode()]
)
def test_what_is_no_drawing_is_none(text):
    assert decode(text) is None


def test_a_drawing_comes_back_as_it_was():
    pixels = np.arange(784, dtype=np.uint16).astype(np.uint8)
    assert np.array_equal(decode(base64.b64encode(pixels.tobytes()).decode()), pixels.reshape(28, 28))


def test_the_downloads():
    app = view()
    frame, run = frame_of(app), run_of(app)
    text = _csv(frame.iloc[:5], state_of(run).classes).decode()
    assert text.splitlines()[0] == "index,true,predicted,confidence,true_probability,loss,margin"
    assert state_of(run).classes[int(frame["true"][0])] in text.splitlines()[1]
    assert tiles_png("fashion-mnist-mini", range(30)).startswith(b"\x89PNG")


def test_votes_of_the_neighbours_in_words():
    assert votes(np.array([6, 4, 6, 6]), tuple("abcdefghij")) == "3 × g, 1 × e"


def test_the_story_in_words():
    steps = np.array([0, 10, 20, 30])
    assert in_words(steps, np.array([False, True, True, False])) == (
        "Wrong in 1 test (step 0), right in 2 tests (steps 10 to 20), wrong in 1 test (step 30)."
    )
    assert in_words(steps, np.array([False] * 4)) == "Wrong in all 4 tests (steps 0 to 30)."
    assert in_words(steps[:1], np.array([True])) == "Right in 1 test (step 0)."
    many = in_words(np.arange(20), np.arange(20) % 2 == 0)
    assert many.startswith("The latest changes: right in 1 test (step 12)") and many.endswith("(step 19).")


def test_a_reset_while_it_is_held_still_shows_the_new_run():
    app = view()
    app.toggle(key="follow").set_value(False)
    app.run()
    press(app, "Reset")
    run = run_of(app)
    until(lambda: run.look() is None and run.recording.results is not None)
    app.run()
    assert "Evaluation after step 0." in texts(app)


def test_a_diverged_network_can_be_looked_at():
    app = view("Hidden units", learning_rate="100", init="normal", init_std="10", activation="leaky_relu")
    assert not app.exception
    for part in ("The whole test set", "Your own image"):
        app.session_state["part"] = part
        app.run()
        assert not app.exception


def test_switching_views_while_training_is_safe():
    app = page(view="test-images", batch_size="100", hidden_sizes="16", epochs="500")
    run = run_of(app)
    press(app, "Start")
    until(lambda: run.look() is None and run.recording.results is not None and run.recording.results.evaluations > 3)
    app.run()
    assert not app.exception and "Evaluation after step" in texts(app)
    tell(run, Pause())
