"""A class on the page: the teacher's board and a student's page, in Streamlit's own test harness."""

import pytest

from mlpviz import Settings
from mlpviz.classroom import lead
from mlpviz.classroom.codes import spoken
from mlpviz.classroom.question import new_question
from mlpviz.lessons import load_lessons
from mlpviz.page import door
from mlpviz.page.classroom import invitation
from tests.page.conftest import SECRET
from tests.page.driver import VISITOR, button, labels, open_page, page, press, run_of, texts

SETTINGS = Settings(dataset="fashion-mnist-mini", hidden_sizes=(8,))
TEACHER = "teacher"


@pytest.fixture
def room(school):
    """A class of another visitor, in which nobody is."""
    yield school.open(TEACHER, SECRET, "", SETTINGS)
    for room in school.rooms():
        school.delete(room)


@pytest.fixture
def as_teacher(monkeypatch):
    """From now on, the pages are those of the teacher."""
    return lambda: monkeypatch.setattr(door, "visitor", lambda: TEACHER)


def joined(room, name="Ada"):
    app = open_page(**{"class": room.code.lower()})
    app.text_input(key="join_name").set_value(name)
    press(app, "Join")
    assert not app.exception
    return app


def board(as_teacher):
    as_teacher()
    app = open_page(view="class")
    assert not app.exception
    return app


def problems(app):
    return [error.value for error in app.error]


# students


def test_a_link_leads_into_the_class_with_a_run(room):
    app = open_page(**{"class": room.code})
    assert labels(app) == ["Join", "Not now"]
    assert spoken(room.code) in texts(app) and "Your teacher can see, start" in texts(app)
    app = joined(room)
    (ada,) = room.present()
    assert (ada.name, ada.owner) == ("Ada", VISITOR)
    assert run_of(app).id == ada.run and run_of(app).settings == SETTINGS
    assert "class" not in app.query_params
    assert "you are **Ada**" in texts(app)


def test_without_a_name_one_gets_one(room):
    joined(room, "")
    assert len(room.present()[0].name.split()) == 2


def test_the_short_address_asks_for_the_code(room):
    app = open_page(**{"class": ""})
    app.text_input(key="class_code_typed").set_value(spoken(room.code))
    press(app, "Join")
    assert run_of(app).id == room.present()[0].run


def test_a_wrong_code_is_told_and_the_name_stays(room):
    app = open_page(**{"class": "ZZZZZZ"})
    app.text_input(key="join_name").set_value("Ada")
    press(app, "Join")
    assert ["no class with this code" in error for error in problems(app)] == [True]
    assert app.text_input(key="join_name").value == "Ada" and room.present() == []
    press(app, "Not now")
    assert run_of(app).step == 0


def test_the_code_can_be_typed_in_the_sidebar(room):
    app = page()
    app.text_input(key="class_code_typed").set_value(f" {room.code[:3].lower()} {room.code[3:]}")
    press(app, "Join…")
    assert labels(app) == ["Join", "Not now"]


@pytest.mark.parametrize("name", ["<b>x</b>", "**x** $y$ [z](w)", "# x", ":red[x]", "`x`", "![x](y)"])
def test_a_name_is_text(room, name):
    app = joined(room, name)
    assert room.present()[0].name == name
    (shown,) = [each.value for each in app.markdown if "you are" in each.value]
    for mark in ("<b>", "**x**", "$y$", "[z](w)", ":red[", "`x`", "![x]"):
        assert mark not in shown


def test_a_reload_keeps_the_name_and_the_run(room):
    joined(room)
    (ada,) = room.present()
    for app in (open_page(), page(), open_page(**{"class": room.code}), open_page(run=ada.run)):
        assert run_of(app).id == ada.run and "you are **Ada**" in texts(app)
    assert room.present() == [ada]


def test_the_page_follows_when_the_class_gives_another_run(room, school):
    app = joined(room)
    (ada,) = room.present()
    before = run_of(app)
    other = SETTINGS.replace(learning_rate=0.7, batch_size=64)
    lead.give(school.backend, room, [ada], other)
    given = ada.run
    app.run()
    assert run_of(app).id == ada.run == given != before.id and run_of(app).settings == other
    assert app.session_state.learning_rate == 0.7 and app.session_state.batch_size == 64
    assert not problems(app)
    app.select_slider(key="learning_rate").set_value(0.3).run()  # one's own change stays
    assert run_of(app).settings.learning_rate == 0.3


def test_a_page_that_opens_later_shows_the_run_of_the_class(room, school):
    joined(room)
    (ada,) = room.present()
    lead.give(school.backend, room, [ada], SETTINGS.replace(learning_rate=0.7))
    assert run_of(open_page()).id == ada.run
    assert run_of(page(learning_rate="0.2")).id == ada.run, "also with settings in the address"


def test_the_board_shows_what_the_page_shows(room, school):
    app = joined(room)
    (ada,) = room.present()
    app.button(key="step").click().run()
    press(app, "Reset")
    assert ada.run == run_of(app).id and len(ada.runs) == 2
    assert door.look(ada.token).id == ada.run


def test_a_lesson_of_the_class_is_the_lesson_of_the_page(room, school):
    app = joined(room)
    app.session_state.view = "Runs"
    app.run()
    lesson = next(iter(load_lessons()[0].values()))
    room.take_lesson(lesson.name, Settings.from_params({"dataset": "fashion-mnist-mini"} | lesson.settings))
    lead.give(school.backend, room, room.present())
    app.run()
    assert lesson.question in texts(app) and app.session_state.view == "Watch"
    assert run_of(app).settings == room.settings


def test_a_student_leaves_and_may_come_back(room):
    app = joined(room)
    run = run_of(app).id
    press(app, "Leave the class")
    assert room.present() == [] and "you are" not in texts(app) and run_of(app).id == run
    assert not app.info, "they know that they have left"
    assert "you are **Ben**" in texts(joined(room, "Ben"))
    assert room.present()[0].run == run


def test_a_student_changes_the_name(room):
    app = joined(room)
    app.text_input(key="member_name").set_value("Countess")
    press(app, "Change the name")
    assert room.present()[0].name == "Countess" and "you are **Countess**" in texts(app)


# the teacher


def test_the_secret_opens_a_class_and_does_not_stay_in_the_address(school, as_teacher):
    as_teacher()
    app = open_page(teach=SECRET)
    room = school.of_teacher(TEACHER)
    assert room is not None and app.session_state.view == "Class"
    assert "teach" not in app.query_params and app.query_params["view"] == "class"
    assert spoken(room.code) in texts(app) and "Start all" in labels(app)
    again = open_page(view="class")
    assert spoken(room.code) in texts(again), "a reload keeps the class"
    school.delete(room)


def test_a_wrong_secret_opens_nothing(school, as_teacher):
    as_teacher()
    app = open_page(teach="wrong")
    assert ["not the teacher’s secret" in error for error in problems(app)] == [True]
    assert school.of_teacher(TEACHER) is None and "teach" not in app.query_params
    app.text_input(key="class_secret_typed").set_value(SECRET)
    press(app, "Open a class")
    assert school.of_teacher(TEACHER) is not None and app.session_state.view == "Class"
    school.delete(school.of_teacher(TEACHER))


def test_only_the_teacher_has_the_view(room, as_teacher):
    app = open_page(view="class")
    assert "Start all" not in labels(app) and app.session_state.view == "Watch"
    assert "Start all" in labels(board(as_teacher))


def test_start_all_pause_all_and_eyes_here(room, school, as_teacher):
    joined(room)
    (ada,) = room.present()
    app = board(as_teacher)
    state = lambda: school.backend.find(ada.run, VISITOR)  # noqa: E731
    press(app, "Start all")
    assert state().goal == state().total_steps
    press(app, "Pause all")
    assert state().goal == state().step
    press(app, "Start all")
    app.text_input(key="class_sentence").set_value("Look at **me**")
    press(app, "Show it on all screens")
    assert room.sentence == "Look at **me**" and state().goal == state().step
    press(app, "Let go")
    assert room.sentence == "" and state().goal == state().total_steps
    assert not problems(app)


def test_a_deal_and_a_lesson(room, school, as_teacher):
    joined(room)
    (ada,) = room.present()
    app = board(as_teacher)
    press(app, "Deal to everybody")
    assert len(room.grid) == 54 and ada.round == 2
    assert school.backend.find(ada.run, VISITOR).settings == room.settings_for(ada)
    name = next(iter(load_lessons()[0]))
    app.selectbox(key="class_lesson").set_value(name)
    press(app, "Send everybody there")
    assert room.lesson == name and ada.round == 3 and not problems(app)


def test_everybody_gets_the_settings_of_the_teacher(room, school, as_teacher):
    joined(room)
    (ada,) = room.present()
    app = board(as_teacher)
    app.select_slider(key="learning_rate").set_value(0.7).run()
    press(app, "Give everybody my settings")
    assert school.backend.find(ada.run, VISITOR).settings.learning_rate == 0.7 and ada.round == 2
    assert "These settings change only your own run" in texts(app)


def test_a_question_from_the_asking_to_the_outcome(room, as_teacher):
    joined(room)
    app = board(as_teacher)
    app.text_input(key="class_question_text").set_value("What is <b>this</b>?")
    app.text_area(key="class_options").set_value("It falls\nIt rises\n")
    press(app, "Ask")
    assert room.question.options == ["It falls", "It rises"] and "<b>" not in texts(app)
    room.answer(VISITOR, room.question.id, 0)
    press(app, "Show predictions and start all")
    assert room.question.shown
    app.selectbox(key="class_outcome_choice").set_value("It rises")
    press(app, "Show what happened")
    assert room.question.outcome == 1
    press(app, "End the question")
    assert room.question is None
    app.text_area(key="class_options").set_value("only one")
    press(app, "Ask")
    assert room.question is None and "different answers" in problems(app)[0]


def test_the_question_of_a_lesson_knows_its_answer(room, as_teacher):
    app = board(as_teacher)
    lesson = next(iter(load_lessons()[0].values()))
    app.selectbox(key="class_lesson").set_value(lesson.name)
    press(app, "Send everybody there")
    press(app, next(label for label in labels(app) if label.startswith("Ask the question of the lesson")))
    assert room.question.text == lesson.question and room.question.options == list(lesson.options)
    press(app, "Show the predictions")
    press(app, "Show the right answer")
    assert room.question.outcome == lesson.right


def test_one_run_is_shown_to_the_class_and_led(room, school, as_teacher):
    joined(room)
    (ada,) = room.present()
    app = board(as_teacher)
    app.session_state.class_shown_member = ada.id
    app.run()
    assert "## Ada" in texts(app) and "Back to the class" in labels(app)
    app.button(key="class_one_play").click().run()
    assert school.backend.find(ada.run, VISITOR).goal > 0
    app.button(key="class_one_set").click().run()
    assert school.backend.find(ada.run, VISITOR).settings == app.session_state.settings
    room.name_members(hide=True)
    app.run()
    assert "## Student 1" in texts(app) and "## Ada" not in texts(app)
    press(app, "Back to the class")
    assert "## Student 1" not in texts(app)


def test_a_student_is_removed_and_let_in_again(room, as_teacher, monkeypatch):
    joined(room)
    (ada,) = room.present()
    app = board(as_teacher)
    app.selectbox(key="class_member_choice").set_value(ada.id)
    app.button(key="class_remove").click().run()
    assert room.present() == []
    monkeypatch.setattr(door, "visitor", lambda: VISITOR)
    assert "removed you" in problems(joined(room))[0]
    app = board(as_teacher)
    press(app, "Let in again")
    assert room.present() == [ada]


def test_all_is_deleted_after_a_second_thought(room, school, as_teacher):
    joined(room)
    (ada,) = room.present()
    app = board(as_teacher)
    assert app.button(key="class_delete").disabled
    app.checkbox(key="class_sure").check().run()
    press(app, "Delete everything")
    assert school.rooms() == [] and school.backend.find(ada.run, VISITOR) is None
    assert app.session_state.view == "Watch" and not app.exception


def test_a_page_whose_class_is_gone_or_another_ones_leads_nothing(room, school, as_teacher):
    joined(room)
    (ada,) = room.present()
    app = board(as_teacher)
    school.open("new browser", SECRET, "", SETTINGS, room.code)
    button(app, "Start all").click()
    app.run()
    assert "no longer lead" in problems(app)[0] and app.session_state.view == "Watch"
    assert school.backend.find(ada.run, VISITOR).goal == 0


def test_a_student_is_told_that_the_class_is_over(room, school):
    app = joined(room)
    school.delete(room)
    app.run()
    assert any("no longer in the class" in info.value for info in app.info)
    app.run()
    assert not any("no longer in the class" in info.value for info in app.info), "once"


# the way in


@pytest.mark.parametrize(
    ("page", "own", "shown", "told"),
    [
        ("https://course.example.org/nn/", "10.0.0.7", "https://course.example.org/nn/", ""),
        ("http://10.0.0.7:8501/", "10.0.0.7", "http://10.0.0.7:8501/", ""),
        ("http://localhost:8501/", "10.0.0.7", "http://10.0.0.7:8501/", "only"),
        ("http://127.0.0.1:8501/x/", "", "http://127.0.0.1:8501/x/", "no network"),
    ],
)
def test_the_address_is_one_that_the_room_can_reach(monkeypatch, page, own, shown, told):
    monkeypatch.setattr(invitation, "own_address", lambda: own)
    monkeypatch.setattr(invitation.st, "get_option", lambda name: "localhost")
    address, problem = invitation.room_address(page)
    assert address == shown and told in problem and bool(problem) == bool(told)


def test_a_server_for_the_network_needs_no_warning(monkeypatch):
    monkeypatch.setattr(invitation, "own_address", lambda: "10.0.0.7")
    monkeypatch.setattr(invitation.st, "get_option", lambda name: "0.0.0.0")
    assert invitation.room_address("http://localhost:8501/") == ("http://10.0.0.7:8501/", "")


def test_a_question_reaches_who_joins_later(room):
    room.ask(new_question("Why?", ["a", "b"]))
    joined(room)
    (ada,) = room.present()
    assert room.note_for(ada)["question"]["text"] == "Why?"
