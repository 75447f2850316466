"""The classes of a server, with real runs."""

import csv
import json
from io import StringIO

import pytest

from mlpviz import Settings
from mlpviz.backend.commands import SetSpeed
from mlpviz.backend.parts import HEAD, MEMBERS
from mlpviz.backend.specifications import PinOf
from mlpviz.classroom import lead
from mlpviz.classroom.codes import MOST_WRONG, RefusedError
from mlpviz.classroom.question import new_question
from mlpviz.classroom.school import School
from mlpviz.classroom.table import as_csv
from mlpviz.figures.classroom import MAP, PREDICTION
from mlpviz.grid import Grid, read_axis
from mlpviz.state import RunState
from tests.store.keeping import serve
from tests.waiting import awaited, until

SECRET = "open sesame"
SETTINGS = Settings(dataset="fashion-mnist-mini", hidden_sizes=(8,), epochs=1, batch_size=500)  # 20 steps
LONG = SETTINGS.replace(epochs=1000)


@pytest.fixture
def start(tmp_path):
    """Starts a server with its classes; another call restarts it."""
    running = []

    def restart():
        close()
        backend = serve(tmp_path / "runs.sqlite")
        running.append(School(backend, SECRET))
        return running[-1]

    def close():
        if running:
            running[-1].close()
            running[-1].backend.close()

    yield restart
    close()


@pytest.fixture
def school(start):
    return start()


def class_of(school, names=("Ada", "Ben"), settings=SETTINGS):
    """A class, its students, and a look at the run of one of them."""
    room = school.open("teacher", SECRET, "", settings)
    members = [school.join(room, name.lower(), name) for name in names]
    lead.tell(school.backend, members, SetSpeed("full"))
    return room, members


def run(school, member):
    state = school.backend.find(member.run, member.owner)
    assert isinstance(state, RunState)
    return state


def at_rest(school, *members):
    school.backend.hold([member.token for member in members])
    until(lambda: all(run(school, m).step >= run(school, m).goal and run(school, m).evaluations for m in members))


def parts(school, room, **query):
    query = {"have": None, "only": frozenset(), "without": frozenset()} | query
    newest = awaited(school.board(room.token, query["have"], query["only"], query["without"]))
    return {part.name: json.loads(part.plain) for part in newest.parts}


def seats(school, room):
    """The tiles of the board now."""
    school._boards.pop(room.token, None)
    return parts(school, room)[MEMBERS]["seats"]


def test_only_the_secret_opens_a_class_and_one_visitor_has_one(school):
    with pytest.raises(RefusedError, match="secret"):
        school.open("teacher", "open barley", "", SETTINGS)
    room = school.open("teacher", f" {SECRET} ", "", SETTINGS)
    assert school.open("teacher", SECRET, "", SETTINGS) is room and school.of_teacher("teacher") is room
    assert school.open("other", SECRET, "", SETTINGS) is not room
    assert school.of_teacher("nobody") is None


def test_who_guesses_codes_or_secrets_has_to_wait(school):
    room = school.open("teacher", SECRET, "", SETTINGS)
    for _ in range(MOST_WRONG):
        with pytest.raises(RefusedError):
            school.find("ZZZZZZ", "there")
    assert school.open("teacher", SECRET, "there", SETTINGS) is room, "codes and secrets are counted apart"
    for _ in range(MOST_WRONG):
        with pytest.raises(RefusedError):
            school.open("x", "wrong", "there", SETTINGS)
    with pytest.raises(RefusedError, match="Wait a minute"):
        school.find(room.code, "there")
    with pytest.raises(RefusedError, match="Wait a minute"):
        school.open("teacher", SECRET, "there", SETTINGS)
    assert school.find(room.code.lower(), "elsewhere") is room


def test_who_knows_the_secret_takes_over_a_class(school):
    """In another browser, or after the cookies are gone."""
    room = school.open("teacher", SECRET, "", SETTINGS)
    assert school.open("new browser", SECRET, "", SETTINGS, room.code.lower()) is room
    assert school.of_teacher("new browser") is room and school.of_teacher("teacher") is None
    with pytest.raises(RefusedError):
        school.open("thief", "guess", "", SETTINGS, room.code)


def test_a_class_in_which_nobody_is_makes_way_for_the_one_that_is_taken_over(school):
    """The teacher has opened the printed link in another browser."""
    room, _ = class_of(school)
    empty = school.open("new browser", SECRET, "", SETTINGS)
    assert school.open("new browser", SECRET, "", SETTINGS, room.code) is room
    assert school.rooms() == [room] and empty is not room
    other = school.open("third", SECRET, "", SETTINGS)
    school.join(other, "cleo", "Cleo")
    with pytest.raises(RefusedError, match="another class"):
        school.open("third", SECRET, "", SETTINGS, room.code)


def test_a_join_that_fails_throws_nobody_out(school, monkeypatch):
    room, (ada, _) = class_of(school)
    other = school.open("other", SECRET, "", SETTINGS)

    def busy(*arguments):
        raise lead.RefusedError("busy")

    monkeypatch.setattr(lead, "give", busy)
    with pytest.raises(RefusedError, match="busy"):
        school.join(other, "ada", "Ada")
    assert school.of_member("ada") == (room, ada) and other.present() == []
    school.backend.drop(ada.run, "ada")
    with pytest.raises(RefusedError, match="busy"):  # the same class, in another tab
        school.join(room, "ada", "Ada")
    assert school.of_member("ada") == (room, ada)


def test_a_look_at_all_runs_needs_no_thread_without_an_event_loop(school):
    """The browser tests leave one in this thread."""
    room, members = class_of(school)
    at_rest(school, *members)

    async def look():
        return lead.glances(school.backend, room)

    assert len(awaited(look())) == 2


def test_what_a_board_saw_last_counts_where_a_run_does_not_answer(school, monkeypatch):
    room, (ada, ben) = class_of(school)
    at_rest(school, ada, ben)
    seats(school, room)
    monkeypatch.setattr(lead, "glances", lambda *_: {})
    assert {glance.run for glance in school.glances(room).values()} == {ada.run, ben.run}


def test_a_teacher_is_no_student_of_the_same_class(school):
    room = school.open("teacher", SECRET, "", SETTINGS)
    with pytest.raises(RefusedError, match="private window"):
        school.join(room, "teacher", "Me")


def test_each_student_has_a_run_of_their_own(school):
    room, (ada, ben) = class_of(school)
    assert ada.run != ben.run and ada.token != ben.token
    assert run(school, ada).settings == SETTINGS
    assert school.backend.find(ada.run, ben.owner) is None, "nobody has the run of another one"
    before = ada.run
    assert school.join(room, "ada", "again") is ada and ada.run == before


def test_who_joins_another_class_leaves_the_first(school):
    room, (ada, _) = class_of(school)
    other = school.open("other", SECRET, "", SETTINGS)
    school.join(other, "ada", "Ada")
    assert ada not in room.present() and school.of_member("ada")[0] is other


def test_a_command_to_all_reaches_all(school):
    room, members = class_of(school, ("Ada", "Ben", "Cleo"), LONG)
    lead.start_all(school.backend, room)
    assert all(run(school, member).goal > 0 for member in members)
    lead.pause_all(school.backend, room)
    assert all(run(school, member).goal == run(school, member).step for member in members)


def test_after_a_sentence_only_what_trained_goes_on(school):
    room, (ada, ben) = class_of(school, settings=LONG)
    at_rest(school, ada, ben)
    lead.start_all(school.backend, room)
    lead.tell(school.backend, [ben], lead.Pause())
    until(lambda: lead.glances(school.backend, room)[ada.token].status == "training")
    lead.eyes_here(school.backend, room, "Look", lambda: school.glances(room))
    assert run(school, ada).goal == run(school, ada).step
    lead.let_go(school.backend, room)
    assert run(school, ada).goal > run(school, ada).step
    assert run(school, ben).goal == run(school, ben).step


def test_a_deal_gives_each_student_another_run_behind_the_same_link(school):
    room, members = class_of(school)
    before = [(member.run, member.token) for member in members]
    axes = read_axis("batch_size=100,500"), read_axis("learning_rate=0.1,1")
    room.deal(Grid(SETTINGS.replace(batch_size=100), 1, *axes))
    lead.give(school.backend, room, room.present())
    assert [run(school, member).settings for member in members] == [
        room.grid.settings_of(place) for place in lead_order(room)[: len(members)]
    ]
    for member, (old, token) in zip(members, before, strict=True):
        assert member.run != old and member.token == token and member.round == 2
        assert school.backend.look(token).id == member.run
    late = school.join(room, "cleo", "Cleo")
    assert run(school, late).settings == room.grid.settings_of(lead_order(room)[2])


def lead_order(room):
    from mlpviz.sweep.order import coarse_to_fine

    return coarse_to_fine(room.grid)


def test_a_run_that_is_impossible_is_told_and_the_others_are_made(school, monkeypatch):
    room, (ada, ben) = class_of(school)
    create = school.backend.create

    def full_for_ben(specification, owner, **places):
        if owner == "ben":
            places["instead_of"], specification = "", NoRoom()
        return create(specification, owner, **places)

    class NoRoom(lead.NewRun):
        def __init__(self):
            super().__init__(SETTINGS)

        def needs(self, engine, owner):
            raise ValueError("no room")

    monkeypatch.setattr(school.backend, "create", full_for_ben)
    before = ben.run
    with pytest.raises(RefusedError, match=r"1 of 2 runs could not be made\. no room"):
        lead.give(school.backend, room, room.present())
    assert ada.round == 2 and (ben.run, ben.round) == (before, 1)


def test_a_page_hears_of_its_class_once(school):
    room, (ada, ben) = class_of(school)
    note = json.loads(school.attend("ada", "", hidden=False))
    assert (note["name"], note["round"], note["sentence"], note["question"]) == ("Ada", 1, "", None)
    assert school.attend("ada", note["version"], hidden=False) is None
    room.show_sentence("Look")
    assert json.loads(school.attend("ada", note["version"], hidden=False))["sentence"] == "Look"
    assert "Ben" not in json.dumps(note) and ben.token not in json.dumps(note)
    room.leave(ada)
    assert school.attend("ada", note["version"], hidden=False) == b"null"
    assert school.attend("nobody", "", hidden=False) is None


def test_the_board_shows_what_the_runs_are(school):
    room, (ada, ben) = class_of(school)
    at_rest(school, ada, ben)
    lead.tell(school.backend, [ada], lead.Start())
    at_rest(school, ada)
    until(lambda: school.backend.snapshot(ada.run, "ada").status == "finished")
    ada.away_at = ben.away_at = 0.0
    school.attend("ada", "", hidden=False)
    first, second = seats(school, room)
    snapshot = school.backend.snapshot(ada.run, "ada")
    accuracy = snapshot.evaluation()[1]
    assert first["accuracy"] == f"{100 * accuracy:.0f} %" and first["share"] == accuracy
    assert (first["state"], second["state"]) == ("finished", "paused")
    assert second["accuracy"] == "–", "it was not trained: the test before training says nothing"
    assert [seat["away"] for seat in (first, second)] == [False, True]
    assert len(first["curve"]) == 20 and second["curve"] == []
    losses = snapshot.steps.column("loss")
    assert first["curve"] == pytest.approx([min(1, loss / 2.5) for loss in losses], abs=1e-3)


def test_a_tile_shows_no_earlier_run_that_had_the_same_link(school):
    """After a restart, an earlier run may come back with the link of one that was never saved."""
    room, (ada, ben) = class_of(school)
    at_rest(school, ada, ben)
    ada.run = "another one"
    assert [seat["state"] for seat in seats(school, room)] == ["not here yet", "paused"]


def test_hidden_names_do_not_leave_the_server(school):
    room, _ = class_of(school)
    room.name_members(hide=True)
    room.ask(new_question("Why?", ["<b>a</b>", "b"]))
    text = json.dumps(parts(school, room))
    assert "Student 1" in text and "Ada" not in text and "Ben" not in text


def test_the_board_has_no_link_to_a_run_and_no_visitor(school):
    room, members = class_of(school)
    at_rest(school, *members)
    text = json.dumps(parts(school, room))
    for member in members:
        for private in (member.token, member.run, member.owner):
            assert f'"{private}"' not in text
    assert room.teacher not in text


def test_the_board_sends_only_what_is_new(school):
    room, members = class_of(school)
    at_rest(school, *members)
    newest = awaited(school.board(room.token, None, frozenset(), frozenset()))
    assert {part.name for part in newest.parts} >= {HEAD, MEMBERS, MAP}
    school._boards[room.token]._asked_at = -100.0
    again = awaited(school.board(room.token, (newest.run, newest.version), frozenset(), frozenset()))
    assert again.version == newest.version and again.parts == ()
    room.ask(new_question("Why?", ["a", "b"]))
    school._boards[room.token]._asked_at = -100.0
    news = awaited(school.board(room.token, (newest.run, newest.version), frozenset(), frozenset()))
    assert PREDICTION in {part.name for part in news.parts} and HEAD not in {part.name for part in news.parts}
    school.join(room, "cleo", "Cleo")
    school._boards[room.token]._asked_at = -100.0
    assert parts(school, room)[HEAD]["evaluations"] == 3, "the page runs when there is another student"
    assert awaited(school.board("another token", None, frozenset(), frozenset())) is None


def test_a_point_of_the_map_is_a_student(school):
    room, (ada, ben) = class_of(school)
    at_rest(school, ada, ben)
    lead.give(school.backend, room, [ben], SETTINGS.replace(learning_rate=1e-4))
    at_rest(school, ben)
    chart = parts(school, room)[MAP]
    points = chart["data"][-1]
    names = [text.partition(":")[0] for text in points["hovertext"]]
    for name, x, y in zip(names, points["x"], points["y"], strict=True):
        assert room.member(school.member_at(room, x, y)).name == name


def test_the_runs_of_a_class_need_no_open_pages(school):
    room, (ada, _) = class_of(school)
    task = school.backend.engine.task(ada.run, "ada")
    task._leased_until = 0.0
    assert not task.watched()
    until(task.watched, 10)
    school._led_at[room.code] = -10_000.0  # the teacher has gone
    task._leased_until = 0.0
    school._hold()
    assert not task.watched()


def test_a_class_survives_a_restart(start):
    school = start()
    room, (ada, ben) = class_of(school)
    at_rest(school, ada, ben)
    lead.tell(school.backend, [ada], lead.Start())
    at_rest(school, ada)
    room.show_sentence("Look")
    known = (room.code, room.token, ada.token, ada.run)
    school = start()
    room = school.of_teacher("teacher")
    ada = school.of_member("ada")[1]
    assert (room.code, room.token, ada.token, ada.run) == known
    assert json.loads(school.attend("ada", "", hidden=False))["sentence"] == "Look"
    until(lambda: seats(school, room)[0]["state"] == "finished")  # it comes back for the board
    assert run(school, ada).step == 20
    assert school.of_member("ben") is not None


def test_a_run_that_nobody_had_started_is_made_again_after_a_restart(start):
    school = start()
    room, (ada, ben) = class_of(school)
    room.deal(Grid(SETTINGS, 1, read_axis("learning_rate=0.1,0.2,0.3")))
    lead.give(school.backend, room, [ada, ben])
    before = (ada.run, school.backend.find(ada.run, "ada").settings)
    school = start()
    room, ada = school.of_member("ada")
    assert school.backend.find(ada.run, "ada") is None
    lead.start_all(school.backend, room)
    assert ada.run != before[0] and run(school, ada).settings == before[1], "the same cell"
    assert run(school, ada).goal > 0
    school.renew(room, room.of_owner("ben"))
    assert run(school, room.of_owner("ben")).goal > 0, "it is there"


def test_of_a_deleted_class_nothing_is_left(start, tmp_path):
    school = start()
    room, (ada, ben) = class_of(school, ("Adalbert", "Ben"))
    at_rest(school, ada, ben)
    lead.tell(school.backend, [ada], lead.Start())
    at_rest(school, ada)
    until(lambda: school.backend.store.finish())
    pin = school.backend.create(PinOf(ada.run), "adalbert").result(20)
    own = school.backend.create(lead.NewRun(SETTINGS), "adalbert").result(20)
    assert school.delete(room)
    assert school.of_teacher("teacher") is None and school.of_member("adalbert") is None
    assert school.backend.find(ada.run, "adalbert") is None and school.backend.find(pin.id, "adalbert") is None
    assert school.backend.find(own.id, "adalbert") is not None, "their other runs are theirs"
    with pytest.raises(RefusedError):
        school.find(room.code, "")
    school = start()
    assert school.rooms() == [] and school.backend.find(ada.run, "adalbert") is None
    school.close()
    school.backend.close()
    for file in tmp_path.glob("runs.sqlite*"):
        assert b"Adalbert" not in file.read_bytes()


def test_runs_from_before_the_class_survive_it(school):
    old = school.backend.create(lead.NewRun(SETTINGS), "ada").result(20)
    room, (ada, _) = class_of(school)
    room.settle(ada, old.id, old.token, ada.round)  # the student opens it again
    assert school.delete(room)
    assert school.backend.find(old.id, "ada") is not None


def test_a_class_that_can_not_be_deleted_stays(school, monkeypatch):
    room, _ = class_of(school)
    monkeypatch.setattr(school.backend.store, "forget", lambda *_: False)
    assert not school.delete(room) and school.of_teacher("teacher") is room


def test_the_table_has_a_line_for_each_student(school):
    room, (ada, ben) = class_of(school, ("=1+1", 'B"e,n'))
    at_rest(school, ada, ben)
    lead.tell(school.backend, [ada], lead.Start())
    at_rest(school, ada)
    until(lambda: school.backend.snapshot(ada.run, ada.owner).status == "finished")
    room.ask(new_question("-Why?", ["a", "@b"]))
    room.answer(ben.owner, room.question.id, 1)
    rows = list(csv.DictReader(StringIO(as_csv(room, lead.glances(school.backend, room)))))
    assert [row["name"] for row in rows] == ["'=1+1", 'B"e,n']
    assert [row["question: '-Why?"] for row in rows] == ["", "'@b"]
    loss, accuracy = school.backend.snapshot(ada.run, ada.owner).evaluation()
    assert float(rows[0]["test_accuracy"]) == pytest.approx(accuracy, rel=1e-5)
    assert float(rows[0]["test_loss"]) == pytest.approx(loss, rel=1e-5)
    assert (rows[0]["step"], rows[0]["hidden_sizes"], rows[0]["status"]) == ("20", "8", "finished")
    assert rows[1]["test_accuracy"] == "" and rows[1]["step"] == "0"
