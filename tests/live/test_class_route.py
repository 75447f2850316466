"""What the live routes do for a class: its news beside a run's, its board, and the students' predictions."""

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mlpviz import Settings
from mlpviz.backend.local import LocalBackend
from mlpviz.classroom.question import new_question
from mlpviz.classroom.school import School
from mlpviz.live import routes
from mlpviz.live.visitor import COOKIE, owner_of
from mlpviz.runs.engine import Engine
from tests.waiting import until

SETTINGS = Settings(dataset="fashion-mnist-mini", hidden_sizes=(8,), batch_size=500)
ADA, BEN = "ada-ada-ada-ada-ada", "ben-ben-ben-ben-ben"


@pytest.fixture
def school(monkeypatch):
    backend = LocalBackend(Engine(threads=1))
    school = School(backend, "open sesame")
    monkeypatch.setattr(routes, "get_backend", lambda: backend)
    monkeypatch.setattr(routes, "get_school", lambda: school)
    yield school
    school.close()
    backend.close()


@pytest.fixture
def room(school):
    return school.open("teacher", "open sesame", "", SETTINGS)


@pytest.fixture
def ada(school, room):
    member = school.join(room, owner_of(ADA), "Ada")
    until(lambda: school.backend.snapshot(member.run, member.owner) is not None)
    return member


@pytest.fixture
def client():
    return TestClient(Starlette(routes=routes.ROUTES), cookies={COOKIE: ADA})


def ask(client, member, **query):
    answer = client.get(f"live/{member.token}", params=query)
    return answer.status_code, answer.json() if answer.status_code == 200 else None


def answer(client, question, option):
    return client.post("live/answer", json={"question": question.id, "option": option})


def test_news_of_the_class_come_with_those_of_the_run_and_alone(client, room, ada):
    until(lambda: ask(client, ada)[1]["parts"]["head"]["status"] == "paused")
    _, first = ask(client, ada, **{"class": ""})
    note, have = first["parts"]["class"], f"{first['run']}.{first['version']}"
    assert note["name"] == "Ada" and "head" in first["parts"]
    assert ask(client, ada, have=have, **{"class": note["version"]})[0] == 204
    room.show_sentence("Look at me")
    status, news = ask(client, ada, have=have, **{"class": note["version"]})
    assert status == 200 and set(news["parts"]) == {"class"} and news["parts"]["class"]["sentence"] == "Look at me"
    room.leave(ada)
    assert ask(client, ada, have=have, **{"class": note["version"]})[1]["parts"]["class"] is None


def test_who_has_the_link_but_not_the_cookie_hears_nothing_of_the_class(room, ada):
    stranger = TestClient(Starlette(routes=routes.ROUTES), cookies={COOKIE: BEN})
    assert "class" not in ask(stranger, ada, **{"class": ""})[1]["parts"]


def test_the_class_is_heard_also_where_the_run_is_gone(client, room, ada, school):
    school.backend.drop(ada.run, ada.owner)
    room.show_sentence("Look at me")
    status, news = ask(client, ada, **{"class": ""})
    assert status == 200 and news["parts"]["class"]["sentence"] == "Look at me"
    assert ask(client, ada, **{"class": news["parts"]["class"]["version"]})[0] == 404


def test_who_only_watches_the_run_hears_nothing_of_the_class(client, room, ada):
    room.show_sentence("Look at me")
    _, watched = ask(client, ada)
    assert "class" not in watched["parts"] and "Look at me" not in json.dumps(watched)


def test_the_board_has_a_link_of_its_own(client, room, ada):
    found = client.get(f"live/{room.token}").json()
    assert found["run"] == room.id and [seat["name"] for seat in found["parts"]["members"]["seats"]] == ["Ada"]
    assert client.get("live/something").status_code == 404


def test_a_prediction_is_that_of_the_browser(client, room, ada, school):
    ben = school.join(room, owner_of(BEN), "Ben")
    room.ask(new_question("Why?", ["a", "b"]))
    assert answer(client, room.question, 1).status_code == 204
    assert ada.answers == {room.question.id: 1} and ben.answers == {}
    stranger = TestClient(Starlette(routes=routes.ROUTES))
    refused = answer(stranger, room.question, 0)
    assert refused.status_code == 403 and "not in this class" in refused.text
    room.show_answers()
    late = answer(client, room.question, 0)
    assert late.status_code == 409 and late.text == "This question is closed." and ada.answers == {room.question.id: 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"question": 1, "option": 1}', 400),
        (b'{"question": "x", "option": "1"}', 400),
        (b'{"question": "x", "option": true}', 400),
        (b'{"question": "x", "option": 1e400}', 400),
        (b"\xff\xfe", 400),
        (b'"' + b"x" * 2000 + b'"', 413),
    ],
)
def test_what_is_no_prediction_is_refused(client, room, ada, body, status):
    room.ask(new_question("Why?", ["a", "b"]))
    assert client.post("live/answer", content=body).status_code == status
    assert room.counts(room.question) == (0, 0)


def test_a_question_that_is_over_goes_from_the_board(client, room, ada, school):
    room.ask(new_question("Why?", ["a", "b"]))
    found = client.get(f"live/{room.token}").json()
    assert found["parts"]["Prediction"]["data"]
    room.close_question()
    school._boards[room.token]._asked_at = -100.0
    news = client.get(f"live/{room.token}", params={"have": f"{found['run']}.{found['version']}"}).json()
    assert news["parts"]["Prediction"] is None


def test_a_prediction_can_not_be_sent_by_a_link(client, room, ada):
    assert client.get("live/answer").status_code in (404, 405)
