"""Several threads, pages and servers ask for the same runs, and things go wrong in between."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlpviz.backend.commands import OneStep
from mlpviz.runs import saver
from mlpviz.snapshot import Status
from mlpviz.stability.watchdog import Watchdog
from mlpviz.store.database import Database
from tests.runs.working import SMALL
from tests.store.keeping import ADA, serve, trained
from tests.store.test_store import begun, rows
from tests.waiting import until


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "runs.sqlite"


def step_on(backend, run, step):
    backend.tell(run.id, ADA, OneStep()).result(20)
    trained(backend, run.id, step)


def saved_at(backend, step):
    until(lambda: [each.step for each in backend.store.about(ADA)] == [step])


def test_a_server_that_has_lost_its_run_to_another_does_not_write_over_it(path, caplog):
    one, other = serve(path), serve(path)
    run = begun(one)
    saved_at(one, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE tasks SET server = NULL")  # as if `one` had been away for long
    other.find(run.id, ADA)
    for step in (2, 3, 4):
        step_on(other, run, step)
    saved_at(other, 4)
    one.tell(run.id, ADA, OneStep()).result(20)
    until(lambda: "has this run open" in one.store.trouble)
    saved_at(other, 4)
    for backend in (one, other):
        backend.close()


def test_a_run_goes_from_server_to_server_and_always_with_its_newest_save(path):
    servers = [serve(path), serve(path)]
    run = begun(servers[0])
    for step in range(2, 8):
        before, now = servers[step % 2], servers[1 - step % 2]
        before.put_away(run.id, ADA)
        until(lambda before=before: before.engine.task(run.id, ADA) is None and before.store.finish(run.id))
        assert now.find(run.id, ADA).step == step - 1
        step_on(now, run, step)
    for backend in servers:
        backend.close()


def test_servers_that_start_at_the_same_time_share_a_new_file(path):
    with ThreadPoolExecutor(6) as pool:
        databases = [each.result() for each in [pool.submit(Database, path) for _ in range(6)]]
    for database in databases:
        database.close()


def test_a_second_page_that_asks_at_the_same_time_gets_the_same_run(path):
    first = serve(path)
    run = begun(first)
    first.close()
    second = serve(path)
    with ThreadPoolExecutor(8) as pool:
        found = [each.result() for each in [pool.submit(second.find, run.id, ADA) for _ in range(8)]]
    assert {state.token for state in found} == {second.find(run.id, ADA).token} and len(second.list(ADA)) == 1
    second.close()


def test_what_was_forgotten_is_not_written_again_by_another_server(path):
    one, other = serve(path), serve(path)
    run = begun(one)
    saved_at(one, 1)
    assert other.forget(ADA)
    step_on(one, run, 2)
    time.sleep(2 * saver.SOON)
    assert one.store.finish() and rows(path) == []
    for backend in (one, other):
        backend.close()


def test_what_is_forgotten_while_it_is_copied_is_not_written(path, monkeypatch):
    backend = serve(path)
    save = saver.save

    def slowly(*args):
        time.sleep(0.3)
        return save(*args)

    monkeypatch.setattr(saver, "save", slowly)
    run = begun(backend)
    backend.tell(run.id, ADA, OneStep()).result(20)
    assert backend.forget(ADA)
    time.sleep(1.0)
    assert backend.store.finish() and rows(path) == []
    backend.close()


def test_forgetting_says_when_it_did_not_work(path, monkeypatch, caplog):
    monkeypatch.setattr("mlpviz.store.database.BUSY", 0.1)
    backend = serve(path)
    begun(backend)
    saved_at(backend, 1)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert not backend.forget(ADA) and backend.list(ADA) == ()
    lock.execute("ROLLBACK")
    assert backend.forget(ADA)
    backend.close()
    assert rows(path) == []


def test_a_deleted_run_stays_deleted_whatever_its_pages_do(path):
    backend = serve(path)
    run = begun(backend)
    saved_at(backend, 1)
    assert backend.store.delete(run.id, ADA)
    step_on(backend, run, 2)
    time.sleep(2 * saver.SOON)
    backend.put_away(run.id, ADA)
    until(lambda: backend.engine.task(run.id, ADA) is None)
    assert backend.store.about(ADA) == [] and backend.find(run.id, ADA) is None
    assert backend.store.delete(run.id, ADA, deleted=False)
    assert backend.find(run.id, ADA).step == 2
    backend.close()


def test_the_board_hears_of_every_life_of_a_run(path):
    run, known = None, 0
    for _ in range(3):
        backend = serve(path)
        run = run or begun(backend)
        backend.find(run.id, ADA)
        until(lambda backend=backend, run=run: backend.snapshot(run.id, ADA) is not None)
        version = backend.snapshot(run.id, ADA).version
        assert version > known
        known = version
        time.sleep(0.2)
        backend.close()


def test_a_value_that_only_a_later_version_keeps_may_be_missing(path, monkeypatch):
    first = serve(path)
    run = begun(first)
    first.close()
    monkeypatch.setattr(Watchdog, "KEPT", (*Watchdog.KEPT, "something_new"))
    monkeypatch.setattr(Watchdog, "something_new", 5, raising=False)
    second = serve(path)
    assert second.find(run.id, ADA).step == 1
    second.close()


def test_an_error_that_nobody_expected_does_not_end_saving(path, monkeypatch, caplog):
    backend = serve(path)
    put, failed = Database.put, []

    def fails_once(*args):
        if not failed:
            failed.append(True)
            raise MemoryError("none left")
        return put(*args)

    monkeypatch.setattr(Database, "put", fails_once)
    run = begun(backend, steps=2)
    saved_at(backend, 2)
    until(lambda: backend.store.trouble == "")
    assert failed and backend.find(run.id, ADA).step == 2
    backend.close()


def test_a_run_that_can_not_be_copied_goes_on(path, monkeypatch, caplog):
    backend = serve(path)
    monkeypatch.setattr("mlpviz.runs.saver.save", lambda *args: 1 / 0)
    run = begun(backend, steps=2)
    assert backend.find(run.id, ADA).status == Status.PAUSED
    backend.close()


def test_while_the_disk_does_not_write_runs_come_back_from_memory(path, monkeypatch, caplog):
    monkeypatch.setattr("mlpviz.store.database.BUSY", 0.1)
    backend = serve(path, runs=2)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    first = begun(backend, SMALL.replace(seed=0))
    until(lambda: backend.store.trouble)
    for seed in (1, 2):
        begun(backend, SMALL.replace(seed=seed))
    assert len(backend.list(ADA)) == 2 and backend.find(first.id, ADA).step == 1
    lock.execute("ROLLBACK")
    backend.close()


def test_only_the_user_who_runs_the_server_may_read_the_file(path):
    serve(path).close()
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
