"""The images on the board: who chooses them, and what a click opens."""

import base64

import numpy as np
import pytest
import streamlit as st

from mlpviz.backend.commands import ShowExamples
from mlpviz.examples import HARDEST, Examples
from mlpviz.page import door, memory
from mlpviz.page.examples import asked, show_examples, watch_own
from tests.page.driver import button, callbacks, page, press, run_of, state_of, tell, texts, view_images
from tests.waiting import until

SMALL = {"hidden_sizes": "16-8", "batch_size": "1000"}


def chosen(run):
    return state_of(run).examples


def evaluated(run):
    until(lambda: run.recording.results is not None)
    return run.recording.results


@pytest.fixture
def session(monkeypatch):
    """A page of its own run, and from then on what the page remembers as a plain dictionary, for callbacks."""
    app, remembered = page(**SMALL), {}
    monkeypatch.setattr(st, "session_state", remembered)
    remembered["app"] = app
    return remembered


def test_a_click_on_an_image_draws_its_way_through_the_network(session):
    run = run_of(session["app"])
    asked(state_of(run), "focus 3")
    assert chosen(run).focus == 3
    until(lambda: run.snapshot.answers.examples.focus == 3)
    assert memory.EXAMPLES.get() == ("fashion-mnist-mini", chosen(run))


def test_the_hardest_images_have_the_largest_loss_of_the_latest_test(session):
    run = run_of(session["app"])
    results = evaluated(run)
    asked(state_of(run), "kind hardest")
    z = results.logits.astype(np.float64)
    loss = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), results.labels]
    assert set(chosen(run).indices) == set(np.argsort(-loss)[:10].tolist()) and chosen(run).kind == HARDEST
    asked(state_of(run), "kind classes")
    assert chosen(run) == Examples(indices=tuple(results.labels.tolist().index(c) for c in range(10)))


def test_without_a_test_the_page_says_why_there_are_no_hardest_images(session, monkeypatch):
    run = run_of(session["app"])
    monkeypatch.setattr("mlpviz.page.door.results_of", lambda run: None)
    before = chosen(run)
    asked(state_of(run), "kind hardest")
    assert "first test is still running" in session["problem"] and chosen(run) == before


def test_the_readers_picture_comes_and_goes(session):
    run = run_of(session["app"])
    asked(state_of(run), "kind own")
    assert (session["view"], session["part"]) == ("Test images", "Your own image"), "there is none yet: draw one"
    picture = np.full((28, 28), 7, dtype=np.uint8)
    watch_own(state_of(run), picture)
    assert chosen(run).own == picture.tobytes() and session["view"] == "Watch"
    asked(state_of(run), "focus 4")
    asked(state_of(run), "kind own")
    assert chosen(run).own == b"" and chosen(run).focus == 3, "the same test image"


def test_explain_opens_the_image_in_the_focus(session):
    run = run_of(session["app"])
    asked(state_of(run), "focus 2")
    evaluated(run)
    asked(state_of(run), "explain")
    assert session["open_image"] == chosen(run).indices[2]
    watch_own(state_of(run), np.ones((28, 28), dtype=np.uint8))
    asked(state_of(run), "explain")
    assert session["part"] == "Your own image"


def test_the_opened_image_is_explained_on_the_first_view():
    app = page(**SMALL)
    evaluated(run_of(app))
    app.session_state["open_image"] = 17
    app.run()
    assert "Weights after step 0" in texts(app)


def test_a_click_on_a_unit_opens_it_in_its_layer():
    app = view_images("Hidden units", **SMALL)
    app.session_state["open_unit"] = (run_of(app).id, 1, 5)
    app.session_state["unit_layer"] = 2
    app.run()
    assert "of hidden layer 2" in texts(app) and "**Unit 5**" in texts(app)


def test_a_unit_of_another_run_is_not_opened():
    app = view_images("Hidden units", hidden_sizes="4", batch_size="1000")
    app.session_state["open_unit"] = ("another run", 0, 9)
    app.run()
    assert "**Unit 9**" not in texts(app) and "**Unit " in texts(app)


def test_a_new_run_shows_the_chosen_images():
    app = page(**SMALL)
    first = run_of(app)
    wanted = Examples(HARDEST, (5, 6, 7), focus=1, run=first.id, step=3)
    with callbacks(app):
        show_examples(state_of(first), wanted)
    app.run()
    assert chosen(first) == wanted
    press(app, "Step")
    until(lambda: first.step == 1)
    press(app, "Reset")
    assert run_of(app) is not first and chosen(run_of(app)) == wanted


def test_images_of_another_dataset_are_not_taken_over():
    app = page(**SMALL)
    first = run_of(app)
    press(app, "Step")
    until(lambda: first.step == 1)
    app.session_state["examples"] = ("mnist", Examples(HARDEST, (5, 6, 7)))
    press(app, "Reset")
    assert run_of(app) is not first and chosen(run_of(app)).kind == "classes"


def test_a_slow_engine_does_not_throw_the_choice_away(monkeypatch):
    """The page gets the old state, because the command takes effect later."""
    app = page(**SMALL)
    run = run_of(app)
    with callbacks(app):
        state, tell_now = state_of(run), door.tell
        monkeypatch.setattr(door, "tell", lambda run, command: (tell_now(run, command), state)[1])
        asked(state, "focus 3")
    app.run()
    assert chosen(run).focus == 3


def test_the_choice_of_another_tab_is_left_alone():
    app = page(**SMALL)
    run = run_of(app)
    tell(run, ShowExamples(Examples(focus=6)))
    app.run()
    assert chosen(run).focus == 6


def test_after_a_reload_the_next_run_still_shows_the_chosen_images():
    first = run_of(page(**SMALL))
    tell(first, ShowExamples(Examples(focus=6)))
    app = page(run=first.id, **SMALL)
    press(app, "Step")
    until(lambda: first.step == 1)
    press(app, "Reset")
    assert run_of(app) is not first and chosen(run_of(app)).focus == 6


def test_a_refused_choice_is_said(session):
    run = run_of(session["app"])
    with pytest.raises(ValueError, match="one of the images"):
        tell(run, ShowExamples(Examples(focus=99)))
    asked(state_of(run), "focus 99")
    assert "Choose one of the images that are shown" in session["problem"]
    assert chosen(run).focus == 0


def test_a_drawing_can_be_watched_while_the_network_learns():
    app = view_images("Your own image", **SMALL)
    app.session_state["own_pixels"] = base64.b64encode(bytes([9]) * 784).decode()
    app.run()
    button(app, "Watch it while the network learns").click()
    app.run()
    assert chosen(run_of(app)).own == bytes([9]) * 784 and app.session_state["view"] == "Watch"
