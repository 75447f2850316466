"""One class, without any run."""

import json

import pytest

from mlpviz import Settings
from mlpviz.classroom.classroom import MOST_MEMBERS, Classroom
from mlpviz.classroom.codes import RefusedError
from mlpviz.classroom.question import new_question
from mlpviz.grid import Grid, read_axis

SETTINGS = Settings(dataset="fashion-mnist-mini")
QUESTION = ("What happens?", ["It falls", "It rises"])


@pytest.fixture
def room():
    return Classroom("ABCDEF", "teacher", SETTINGS)


def grid(*axes):
    axes = [read_axis(axis) for axis in axes]
    return Grid(SETTINGS.replace(**{axis.name: axis.values[0] for axis in axes}), 1, *axes)


def test_students_come_go_and_come_back(room):
    ada, ben = room.join("a", "Ada"), room.join("b", "Ada")
    assert (ada.name, ben.name, ada.number, ben.number) == ("Ada", "Ada 2", 1, 2)
    assert room.join("a", "Another name") is ada and ada.name == "Ada"
    room.leave(ada)
    assert room.present() == [ben]
    assert room.join("a", "Zoe") is ada and ada.name == "Zoe" and ada.number == 1
    assert room.present() == [ada, ben]


def test_who_was_removed_comes_back_only_if_the_teacher_agrees(room):
    ada = room.join("a", "Ada")
    room.leave(ada, banned=True)
    with pytest.raises(RefusedError, match="removed"):
        room.join("a", "Ada")
    assert room.banned() == [ada]
    room.let_in(ada.id)
    assert room.present() == [ada] and room.banned() == []


def test_a_full_class_says_so(room):
    for i in range(MOST_MEMBERS):
        room.join(f"{i}", "")
    with pytest.raises(RefusedError, match="full"):
        room.join("one more", "")


def test_each_student_is_dealt_another_cell_and_then_cells_come_again(room):
    students = [room.join(f"{i}", "") for i in range(7)]
    cells = grid("batch_size=16,64,256", "learning_rate=0.1,1")
    room.deal(cells)
    dealt = [room.settings_for(student) for student in students]
    assert len(set(dealt[:6])) == 6 and dealt[6] == dealt[0]
    assert set(dealt) == {cells.settings_of(place) for place in cells.places()}
    assert [room.settings_for(student) for student in students] == dealt, "a second look deals nothing"
    corners = {(s.batch_size, s.learning_rate) for s in dealt[:4]}
    assert corners == {(16, 0.1), (16, 1.0), (256, 0.1), (256, 1.0)}, "first the corners"
    late = room.join("late", "")
    assert room.settings_for(late) == dealt[1]


def test_a_lesson_ends_a_deal(room):
    student = room.join("a", "")
    room.deal(grid("batch_size=16,64"))
    other = SETTINGS.replace(learning_rate=3.0)
    room.take_lesson("too-high", other)
    assert room.settings_for(student) == other and room.grid is None and room.lesson == "too-high"


def test_answers_are_hidden_until_they_are_shown(room):
    ada, ben = room.join("a", "Ada"), room.join("b", "Ben")
    room.ask(new_question(*QUESTION))
    question = room.question
    room.answer("a", question.id, 1)
    assert "counts" in room.note_for(ben)["question"] and room.note_for(ben)["question"]["counts"] == ()
    assert room.note_for(ada)["question"]["mine"] == 1 and room.note_for(ben)["question"]["mine"] is None
    room.answer("a", question.id, 0)  # another thought
    room.answer("b", question.id, 0)
    room.show_answers()
    assert room.note_for(ben)["question"]["counts"] == (2, 0)
    with pytest.raises(RefusedError, match="closed"):
        room.answer("a", question.id, 1)
    room.tell_outcome(1)
    assert room.note_for(ada)["question"]["outcome"] == 1
    room.leave(ben)
    assert room.counts(question) == (1, 0), "who has left is not counted"
    room.close_question()
    assert room.note_for(ada)["question"] is None


@pytest.mark.parametrize(("owner", "which", "option"), [("a", "x", 0), ("a", "", 2), ("a", "", -1), ("z", "", 0)])
def test_an_answer_to_nothing_is_refused(room, owner, which, option):
    room.join("a", "Ada")
    room.ask(new_question(*QUESTION))
    with pytest.raises(RefusedError):
        room.answer(owner, which or room.question.id, option)
    assert room.counts(room.question) == (0, 0)


@pytest.mark.parametrize(
    ("text", "options"),
    [("", ["a", "b"]), ("Why?", ["a"]), ("Why?", ["a", " a "]), ("Why?", list("abcdefg")), ("Why?", ["a", "\u200b"])],
)
def test_a_question_needs_a_text_and_some_answers(text, options):
    with pytest.raises(RefusedError):
        new_question(text, options)


def test_what_a_student_sees_has_a_new_version_when_it_changes(room):
    ada, ben = room.join("a", "Ada"), room.join("b", "Ben")
    known = {member.name: room.version_for(member) for member in (ada, ben)}

    def news():
        changed = [member.name for member in (ada, ben) if room.version_for(member) != known[member.name]]
        known.update({member.name: room.version_for(member) for member in (ada, ben)})
        return changed

    assert news() == []
    for act in (
        lambda: room.show_sentence("Look here"),
        room.let_go,
        lambda: room.ask(new_question(*QUESTION)),
        room.show_answers,
        lambda: room.tell_outcome(0),
        room.close_question,
    ):
        act()
        assert news() == ["Ada", "Ben"], act
    room.rename(ada, "Adele")
    assert room.version_for(ben) == known["Ben"] and room.version_for(ada) != known["Ada"]
    room.name_members(hide=True)
    assert room.version_for(ben) == known["Ben"], "students see no names"


def test_only_what_was_paused_for_a_sentence_goes_on(room):
    ada, ben = room.join("a", "Ada"), room.join("b", "Ben")
    room.give(ada, "run a", "token a")
    room.give(ben, "run b", "token b")
    room.show_sentence("")
    room.remember_paused(["run a"])
    assert room.sentence == "Look at the front, please."
    room.show_sentence("Once more")  # ada's run is paused now, and must go on all the same
    room.remember_paused([])
    assert room.let_go() == [ada] and room.sentence == ""
    assert room.let_go() == []


def test_what_was_paused_for_a_sentence_rests_if_something_else_began(room):
    ada = room.join("a", "Ada")
    for begin in (room.forget_paused, lambda: room.deal(grid("seed=1,2")), lambda: room.take_lesson("x", SETTINGS)):
        room.give(ada, "run", "token")
        room.show_sentence("Look")
        room.remember_paused(["run"])
        begin()
        assert room.let_go() == []


def test_an_old_page_does_not_settle_over_a_new_run(room):
    ada = room.join("a", "Ada")
    room.give(ada, "first", "token")
    room.settle(ada, "their own", "other token", 1)
    assert (ada.run, ada.token) == ("their own", "other token")
    room.give(ada, "second", "token")
    room.settle(ada, "first", "token", 1)  # its script began before
    assert (ada.run, ada.runs) == ("second", ["first", "their own", "second"])


def test_runs_from_before_the_class_are_not_those_of_the_class(room):
    ada = room.join("a", "Ada")
    ada.own = ["old"]
    room.settle(ada, "old", "token", 0)
    assert ada.run == "old" and ada.runs == []


def test_of_a_visitor_who_is_forgotten_nothing_stays(room):
    room.join("a", "Adalbert")
    ben = room.join("b", "Ben")
    room.forget("a")
    assert "Adalbert" not in room.to_json() and room.present() == [ben]
    assert room.join("c", "").number == 3


def without_versions(text):
    values = json.loads(text)
    for each in (values, *values["members"]):
        del each["version"]
    return values


def test_it_is_the_same_after_it_was_saved(room):
    ada, ben = room.join("a", "Ada"), room.join("b", "Ben")
    room.leave(ben, banned=True)
    room.deal(grid("hidden_sizes=none,16,64-64", "momentum=0,0.5"))
    room.settings_for(ada)
    room.give(ada, "run", "token")
    room.show_sentence("Look")
    room.remember_paused(["run"])
    room.ask(new_question(*QUESTION, 1))
    room.answer("a", room.question.id, 0)
    room.show_answers()
    room.name_members(hide=True)
    text = room.to_json()
    again = Classroom.from_json(text)
    assert without_versions(again.to_json()) == without_versions(text)
    assert again.version > room.version and again.of_owner("a").version > ada.version
    assert again.grid.places() == room.grid.places()
    assert [again.grid.settings_of(place) for place in again.grid.places()] == [
        room.grid.settings_of(place) for place in room.grid.places()
    ]
    (known,) = again.present()
    assert (known.name, known.run, known.round, known.answers) == ("Ada", "run", 1, ada.answers)
    assert not known.here, "nobody was heard of since the restart"
    assert again.note_for(known)["sentence"] == "Look" and again.let_go() == [known]
    assert again.settings_for(known) == room.settings_for(ada)
    with pytest.raises(RefusedError, match="removed"):
        again.join("b", "Ben")
