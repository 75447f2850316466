"""What the tests of the page share: no full dataset, one visitor, and a door to the runs of each kind.

Every test runs three times: with the runs behind a plain door, behind one that pickles whatever goes through it, and in
another process. A test that changes what is in its own process is marked `inside`; it does not run the third time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlpviz import catalog
from mlpviz.backend.door import Backend
from mlpviz.backend.local import LocalBackend
from mlpviz.classroom.school import School
from mlpviz.page import door, guard, speed
from mlpviz.runs.engine import Engine
from mlpviz.workers.backend import WorkersBackend
from tests.far import Home, workers
from tests.page import driver
from tests.pickled import PickledBackend
from tests.store.keeping import serve
from tests.waiting import until

SECRET = "the secret of the tests"


@pytest.fixture(autouse=True)
def no_full_set(monkeypatch, tmp_path) -> None:
    """As on a fresh machine, so that the small set is used wherever the tests run."""
    monkeypatch.setattr(catalog, "DEBIAN_FOLDER", tmp_path / "none")
    monkeypatch.delenv("MLPVIZ_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def at_full_speed(request, monkeypatch) -> None:
    """The tests don't wait for a run that is made to be watched, but where a test is about that."""
    if "paced" not in request.keywords:
        monkeypatch.setattr(speed, "best_speed", lambda steps: "full")


@pytest.fixture(autouse=True)
def nothing_was_caught(request, caplog) -> Iterator[None]:
    """An error that the page catches and tells is still an error, but where a test is about that."""
    yield
    if "caught" not in request.keywords:
        assert not [record for record in caplog.get_records("call") if record.name == guard.__name__]


@pytest.fixture(autouse=True)
def ada(monkeypatch) -> None:
    """The harness has no real cookies; the browser tests do."""
    monkeypatch.setattr(door, "sends_cookies", lambda: True)
    monkeypatch.setattr(door, "visitor", lambda: driver.VISITOR)


@pytest.fixture(scope="session")
def far() -> Iterator[Backend]:
    """A worker in another process."""
    with workers() as far:
        yield far


@pytest.fixture(scope="module", params=["local", "pickled", "workers"], autouse=True)
def backend(request) -> Iterator[Backend]:
    """The page's door to the runs, which the tests themselves reach without a door."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if request.param == "workers":
            far = request.getfixturevalue("far")
            monkeypatch.setattr(door, "get_backend", lambda: far)
            yield far
            return
    local = LocalBackend(Engine(threads=1))
    used = local if request.param == "local" else PickledBackend(local)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(door, "get_backend", lambda: used)
        monkeypatch.setattr(driver, "engine", lambda: local.engine)
        yield local
    local.close()


@pytest.fixture(autouse=True)
def far_engine(backend, monkeypatch) -> None:
    """With workers, the tests reach the engine over there."""
    if isinstance(backend, WorkersBackend):
        home = Home(backend.posts[0])
        monkeypatch.setattr(driver, "engine", lambda: home.far(0).engine)


@pytest.fixture(autouse=True)
def school(backend, monkeypatch) -> Iterator[School]:
    """The classes of the server of this test."""
    school = School(door.get_backend(), SECRET)
    monkeypatch.setattr(door, "school", lambda: school)
    yield school
    school.close()


@pytest.fixture(autouse=True)
def no_runs_of_earlier_tests(backend) -> None:
    """One visitor may have a dozen."""
    for state in backend.list(driver.VISITOR):
        backend.drop(state.id, driver.VISITOR)


@pytest.fixture
def saving(backend, monkeypatch, tmp_path):
    """A server that saves, of the same kind as the others; calling it restarts the server."""
    kind = type(door.get_backend())
    servers = []

    def start():
        if servers:
            servers[-1].close()
        servers.append(serve(tmp_path / "runs.sqlite"))
        used = PickledBackend(servers[-1]) if kind is PickledBackend else servers[-1]
        monkeypatch.setattr(door, "get_backend", lambda: used)
        monkeypatch.setattr(driver, "engine", lambda: servers[-1].engine)
        return servers[-1]

    def forgets():
        """The server has no run in memory any more."""
        servers[-1].engine.put_away(servers[-1].list(driver.VISITOR)[0].id, driver.VISITOR)
        until(lambda: servers[-1].list(driver.VISITOR) == () and servers[-1].store.finish())

    start.forgets = forgets
    start.store = lambda: servers[-1].store
    start()
    yield start
    servers[-1].close()
