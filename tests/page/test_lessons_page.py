"""Lessons, and links that lock or hide controls, in Streamlit's own test harness."""

from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import pytest

from mlpviz import Settings
from mlpviz.lessons import FIELDS, GROUPS, load_lessons
from tests.page import driver
from tests.page.driver import at_rest, can_press, labels, open_page, page, press, run_of, texts
from tests.test_lessons import GOOD, write

LESSONS, _ = load_lessons()


@pytest.mark.parametrize("name", LESSONS)
def test_each_lesson_is_a_link(name):
    app = page(lesson=name)
    lesson = LESSONS[name]
    expected = Settings.from_params({"dataset": "fashion-mnist-mini"} | lesson.settings)
    assert run_of(app).settings == expected
    assert lesson.title in texts(app) and lesson.question in texts(app) and lesson.answer not in texts(app)
    assert app.query_params["lesson"] == name


def test_the_answer_is_behind_a_click_and_knows_the_prediction():
    app = page(lesson="too-high")
    app.radio(key="predict_too-high").set_value("It falls faster")
    app.toggle(key="answer_too-high").set_value(True)
    app.run()
    assert "You predicted *It falls faster*" in texts(app) and LESSONS["too-high"].answer in texts(app)
    app.radio(key="predict_too-high").set_value("It jumps up, then settles near 2.30")
    app.run()
    assert "You were right" in texts(app)


def test_a_variant_is_a_new_run_and_the_old_one_stays_pinned():
    app = page(lesson="momentum")
    first = run_of(app)
    press(app, "Step")
    at_rest(first, 1)
    press(app, "With momentum")
    second = run_of(app)
    assert second is not first and second.settings.momentum == 0.9 and second.step == 0
    assert list(app.session_state.pins) == ["A"] and "**A**: settings of the question" in texts(app)
    app.selectbox(key="lesson_choice").set_value("deep-well")
    app.run()
    assert app.session_state.pins == {}, "another lesson begins with clean figures"


def test_choosing_one_in_the_sidebar_sets_it_up():
    app = page()
    run = run_of(app)
    press(app, "Step")
    at_rest(run, 1)
    app.selectbox(key="lesson_choice").set_value("deep-well")
    app.run()
    assert run_of(app).settings.init == "kaiming" and run_of(app).step == 0
    assert app.query_params["lesson"] == "deep-well" and can_press(app, "Undo")


def test_what_the_address_says_besides_goes_over_the_lesson():
    app = page(lesson="too-high", learning_rate="2.0")
    assert run_of(app).settings.learning_rate == 2.0


def test_an_unknown_lesson_is_said():
    app = page(lesson="algebra")
    assert "no lesson called 'algebra'" in app.error[0].value
    assert run_of(app).settings == Settings(dataset="fashion-mnist-mini")


def test_a_link_locks_and_hides():
    app = page(lock="learning_rate,network", hide="optimizer,share,lessons")
    run_of(app)
    assert app.select_slider(key="learning_rate").disabled and not app.select_slider(key="batch_size").disabled
    assert app.text_input(key="hidden_sizes").disabled
    assert "Lesson" not in [box.label for box in app.selectbox]
    groups = [expander.label for expander in app.expander]
    assert "Network" in groups and "Optimizer" not in groups and "Share" not in groups
    assert "The article’s settings" not in labels(app)
    assert (app.query_params["lock"], app.query_params["hide"]) == ("learning_rate,network", "optimizer,share,lessons")


def test_everything_locked():
    app = page(lock="all", learning_rate="0.3")
    assert run_of(app).settings.learning_rate == 0.3
    widgets = [*app.select_slider, *app.number_input, *app.text_input]
    assert all(widget.disabled for widget in widgets if widget.key in Settings().to_dict())


def test_a_bad_lock_is_said():
    app = page(lock="everything")
    assert "asks to lock 'everything'" in app.error[0].value


def test_a_hidden_group_keeps_its_settings():
    app = page(hide="optimizer", momentum="0.9")
    run = run_of(app)
    for _ in range(2):
        app.run()
    assert run_of(app) is run and run.settings.momentum == 0.9


def test_a_teacher_s_lesson_and_a_broken_one(tmp_path, monkeypatch):
    write(tmp_path / "lessons", GOOD)
    write(tmp_path / "lessons", "nonsense", "broken.md")
    app = page(lesson="mine")
    assert run_of(app).settings == Settings(dataset="fashion-mnist-mini", learning_rate=0.5, epochs=2)
    assert "broken.md, line 1" in texts(app) and "My lesson" in texts(app)
    assert app.select_slider(key="learning_rate").disabled and "Data and device" not in [e.label for e in app.expander]


def test_a_field_that_is_back_at_its_default_stays_there_after_a_reload():
    app = page(lesson="too-high")
    run_of(app)
    app.select_slider(key="learning_rate").set_value(0.1)
    app.run()
    again = page(**{name: value for name, value in app.query_params.items() if name != "run"})
    assert run_of(again).settings.learning_rate == 0.1


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_can_be_hidden_and_locked(name):
    app = page(hide=name, lock="seed")
    keys = {
        widget.key
        for kind in (app.select_slider, app.number_input, app.text_input, app.selectbox, app.slider, app.checkbox)
        for widget in kind
    }
    gone = GROUPS.get(name, (name,))  # the group of that name, with the field
    assert set(FIELDS) - keys == set(gone)
    assert "The article’s settings" not in labels(app) and app.selectbox(key="lesson_choice").disabled


def test_share_makes_the_link_for_a_class():
    app = page(lesson="momentum")
    app.session_state["share"] = True  # open
    app.run()
    app.multiselect(key="share_lock").set_value(["learning_rate", "seed"])
    app.multiselect(key="share_hide").set_value(["data"])
    app.run()
    link = next(code.value for code in app.code if "lock=" in code.value)
    params = dict(parse_qsl(urlsplit(link).query))
    assert (params["lesson"], params["lock"], params["hide"]) == ("momentum", "learning_rate,seed", "data")
    again = page(**params)
    assert run_of(again).settings == run_of(app).settings


def test_a_visitor_who_goes_through_a_lesson_keeps_two_runs_and_their_pins():
    """As tests/runs/test_room.py supposes, where a hundred visitors do so."""
    app = page(lesson="batch-size")
    lesson = LESSONS["batch-size"]
    for label in ("Settings of the question", *lesson.variants):
        press(app, label)
        run = run_of(app)
        press(app, "Step")
        at_rest(run, 1)
        app.run()
        kinds = Counter(state.__class__.__name__ for state in driver.engine().mine(driver.VISITOR))
        assert kinds["RunState"] <= 2 and kinds["PinState"] <= len(lesson.variants)
        assert set(kinds) <= {"RunState", "PinState"}
    assert kinds["PinState"] > 0


def test_lessons_are_numbered_and_lead_to_the_next():
    app = page(lesson="too-high")
    order = list(load_lessons()[0])
    number = order.index("too-high") + 1
    assert f"**Lesson {number} of {len(order)}: " in texts(app)
    assert f"{number}. {load_lessons()[0]['too-high'].title}" in app.selectbox(key="lesson_choice").options
    press(app, "Next lesson")
    assert app.session_state.lesson == order[number] and f"Lesson {number + 1} of" in texts(app)
    assert "Next lesson" not in labels(page(lesson=order[-1]))


def test_the_lit_variant_is_that_of_the_run_on_show_whatever_was_changed_since():
    app = page(lesson="momentum")
    assert "Running now: settings of the question." in texts(app)
    press(app, "With momentum")
    lit = [button.label for button in app.button if button.proto.type == "primary" and button.label in VARIANTS]
    assert lit == ["With momentum"] and "Running now: with momentum." in texts(app)
    app.select_slider(key="learning_rate").set_value(0.1)
    app.run()
    assert "Running now: with momentum (learning rate now 0.1)." in texts(app)


VARIANTS = ("Settings of the question", "With momentum")


def test_a_lessons_link_does_not_show_a_run_of_another_rate():
    other = page(learning_rate="3")
    run = run_of(other)
    press(other, "Step")
    at_rest(run, 1)
    app = open_page(lesson="too-high")
    assert run_of(app) is not run and run_of(app).step == 0 and run_of(app).settings.learning_rate == 3.16
