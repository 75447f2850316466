"""The allowance of time for drawing."""

import pytest

from mlpviz.backend.local import LocalBackend
from mlpviz.backend.specifications import NewRun
from mlpviz.backend.thrift import SAVED, SHARE, Thrift
from mlpviz.runs.engine import Engine
from mlpviz.settings import Settings
from mlpviz.snapshot import Status
from tests.waiting import awaited, until

ALL = frozenset()


def test_over_a_long_time_only_the_share_is_used():
    now = 0.0
    thrift = Thrift(lambda: now)
    worked = 0.0
    for _ in range(10_000):  # somebody asks a hundred times a second for 20 ms of work
        now += 0.01
        if not thrift.is_used_up():
            with thrift.work():
                now += 0.02
            worked += 0.02
    assert worked / now == pytest.approx(SHARE, abs=0.01)


def test_now_and_then_there_is_always_time():
    now = 0.0
    thrift = Thrift(lambda: now)
    for _ in range(100):
        now += SAVED / SHARE
        assert not thrift.is_used_up()
        with thrift.work():
            now += 0.9 * SAVED


@pytest.fixture
def backend():
    backend = LocalBackend(Engine(threads=1))
    yield backend
    backend.close()


def test_where_the_allowance_is_used_up_news_come_later_but_a_new_status_at_once(backend):
    settings = Settings(dataset="fashion-mnist-mini", hidden_sizes=(8,), batch_size=100)
    state = backend.create(NewRun(settings), "ada").result(20)
    task = backend.engine.task(state.id, "ada")
    until(lambda: backend.look(state.token).status == Status.PAUSED and task.snapshot.status == Status.PAUSED)

    def ask(have=None):
        return awaited(backend.newest(state.token, have, ALL))

    first = ask()
    have = (first.run, first.version)
    backend.thrift._left = -1000.0
    backend.engine.tell(state.id, "ada", lambda run: run.one_step()).result(20)
    until(lambda: backend.look(state.token).step == 1 and (task.snapshot.step, task.snapshot.status) == (1, "paused"))
    later = ask(have)
    assert (later.version, later.parts) == (have[1], ()), "as if there were no news"
    assert ask().parts, "who has nothing yet gets everything"
    backend.thrift._left = -1000.0
    known = task.snapshot.version
    backend.engine.tell(state.id, "ada", lambda run: run.start()).result(20)
    assert ask((first.run, known)).parts, "the status is new"
    backend.thrift._left = 1.0
    assert ask(have).version > have[1]
