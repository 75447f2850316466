"""The file of saved runs: what it keeps, who has what, and what happens when the disk fails."""

import os
import sqlite3
import time
from pathlib import Path

import pytest
import torch

from mlpviz import Trainer, load_dataset
from mlpviz.backend.commands import Change, OneEpoch, OneStep, Pause, Start
from mlpviz.backend.specifications import BranchFrom, NewRun, PinOf, TwinOf
from mlpviz.runs import saver
from mlpviz.runs.errors import NotNowError
from mlpviz.runs.memory import run_memory
from mlpviz.snapshot import Status
from mlpviz.store import store as store_module
from mlpviz.store.schema import MIGRATIONS
from tests.runs.working import SMALL
from tests.store.keeping import ADA, BEN, serve, trained, weights
from tests.waiting import awaited, until


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "runs.sqlite"


def begun(backend, settings=SMALL, steps=1, owner=ADA):
    """A run that rests after that many steps."""
    run = backend.create(NewRun(settings), owner).result(20)
    for step in range(1, steps + 1):
        backend.tell(run.id, owner, OneStep()).result(20)
        trained(backend, run.id, step, owner)
    return run


def rows(path, table="tasks"):
    with sqlite3.connect(path) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def test_a_run_survives_the_server_with_its_id_its_token_and_its_bits(path):
    first = serve(path)
    run = begun(first, steps=3)
    before, token = weights(first, run.id), first.find(run.id, ADA).token
    first.close()
    second = serve(path)
    back = second.find(run.id, ADA)
    assert (back.step, back.status, back.token, back.settings) == (3, Status.PAUSED, token, SMALL)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(second, run.id), strict=True))
    second.tell(run.id, ADA, Start()).result(20)
    trained(second, run.id, back.total_steps)
    oracle = Trainer(SMALL, load_dataset(SMALL.dataset))
    oracle.train(back.total_steps)
    assert all(torch.equal(a, b) for a, b in zip(oracle.net.parameters(), weights(second, run.id), strict=True))
    second.close()


def test_whoever_watches_by_the_token_brings_it_back(path):
    first = serve(path)
    token = first.find(begun(first).id, ADA).token
    first.close()
    second = serve(path)
    newest = awaited(second.newest(token, None, frozenset()))
    assert newest is not None and newest.version > 10**10
    assert awaited(second.newest("no such token", None, frozenset())) is None
    second.close()


def test_a_page_that_knows_a_newer_snapshot_hears_of_it(path):
    first = serve(path)
    run = begun(first)
    token, version = first.find(run.id, ADA).token, first.snapshot(run.id, ADA).version
    first.close()
    second = serve(path)
    newest = awaited(second.newest(token, (run.id, version + 500), frozenset()))
    assert {part.name for part in newest.parts} >= {"head", "Loss"}
    second.close()


def test_only_its_owner_brings_it_back_by_its_id(path):
    first = serve(path)
    run = begun(first)
    first.close()
    second = serve(path)
    assert second.find(run.id, BEN) is None and second.store.about(BEN) == []
    assert second.find(run.id, ADA) is not None
    second.close()


def test_twin_pin_branch_and_texts_survive(path):
    first = serve(path)
    run = begun(first)
    twin = first.create(TwinOf(run.id, (("learning_rate", 0.3),)), ADA).result(20)
    pin = first.create(PinOf(run.id), ADA).result(20)
    branch = first.create(BranchFrom(run.id, 0), ADA).result(20)
    first.tell(branch.id, ADA, OneStep()).result(20)
    trained(first, branch.id, 1)
    first.store.remember(ADA, "run", "its pins")
    tokens = [first.find(each.id, ADA).token for each in (run, twin, pin, branch)]
    first.close()
    second = serve(path)
    assert [second.find(each.id, ADA).token for each in (run, twin, pin, branch)] == tokens
    assert second.find(run.id, ADA).twin.id == twin.id
    assert second.find(branch.id, ADA).specification == BranchFrom(run.id, 0)
    assert second.store.recall(ADA, "run") == "its pins" and second.store.recall(BEN, "run") is None
    second.close()


def test_a_run_that_was_never_started_is_not_saved(path):
    backend = serve(path)
    backend.create(NewRun(SMALL), ADA).result(20)
    time.sleep(2 * saver.SOON)
    backend.close()
    assert rows(path) == []


def test_it_is_saved_when_it_rests_or_is_changed_and_now_and_then_while_it_trains(path, monkeypatch):
    monkeypatch.setattr(saver, "EVERY", 0.3)
    backend = serve(path)
    kept = []
    keep = backend.store.keep
    monkeypatch.setattr(backend.store, "keep", lambda saved: (kept.append(saved), keep(saved)))
    run = backend.create(NewRun(SMALL.replace(epochs=1000)), ADA).result(20)
    backend.tell(run.id, ADA, Start()).result(20)
    until(lambda: len(kept) >= 3)
    backend.tell(run.id, ADA, Pause()).result(20)
    step = backend.find(run.id, ADA).step
    until(lambda: kept[-1].about.step == step and not kept[-1].about.was_training)
    assert kept[0].about.was_training
    backend.tell(run.id, ADA, Change(SMALL.replace(epochs=1000, learning_rate=0.01))).result(20)
    until(lambda: kept[-1].state["network"]["settings"].learning_rate == 0.01)
    count = len(kept)
    time.sleep(3 * saver.SOON)
    assert len(kept) == count, "nothing changes, so nothing is written"
    backend.close()


def test_it_is_saved_even_if_nobody_watches_it_any_more(path, monkeypatch):
    backend = serve(path)
    run = backend.create(NewRun(SMALL.replace(epochs=1000)), ADA).result(20)
    backend.tell(run.id, ADA, Start()).result(20)
    task = backend.engine.task(run.id, ADA)
    until(lambda: task.step > 20)
    task._leased_until = 0.0
    until(lambda: not task.watched() and backend.store.about(ADA) and backend.store.about(ADA)[0].step == task.step)
    backend.close()


def test_checkpoints_and_results_are_written_once(path):
    backend = serve(path)
    run = begun(backend, SMALL.replace(epochs=50), steps=1)
    until(lambda: backend.store.about(ADA)[0].step == 1)
    first = {name for name, *_ in rows(path, "pieces")}
    assert len(first) == 5, "a checkpoint, the results of the test set, their short record, the moments 0 and 1"
    backend.tell(run.id, ADA, OneStep()).result(20)
    trained(backend, run.id, 2)
    until(lambda: backend.store.about(ADA)[0].step == 2)
    more = {name for name, *_ in rows(path, "pieces")} - first
    assert len(more) == 1, "the moment of step 2; no evaluation and no checkpoint in between"
    backend.tell(run.id, ADA, OneEpoch()).result(20)
    trained(backend, run.id, 100)
    backend.close()
    later = {name for name, *_ in rows(path, "pieces")}
    assert len(first & later) == 4, "only the full results of the older evaluation have gone"


def test_when_room_is_needed_runs_go_to_the_disk_and_come_back(path):
    need = run_memory(SMALL)
    backend = serve(path, memory=8 * 100 * need, runs=2)
    runs = [begun(backend, SMALL.replace(seed=seed)) for seed in range(4)]
    assert len(backend.list(ADA)) == 2
    for seed, run in enumerate(runs):
        back = backend.find(run.id, ADA)
        assert (back.step, back.settings.seed, back.note) == (1, seed, "")
    assert len(backend.list(ADA)) == 2
    backend.close()


def test_what_the_visitor_drops_is_gone(path):
    backend = serve(path)
    run = begun(backend)
    pin = backend.create(PinOf(run.id), ADA).result(20)
    until(lambda: len(rows(path)) == 2)
    backend.drop(pin.id, ADA)
    assert backend.find(pin.id, ADA) is None
    backend.drop(run.id, BEN)
    assert backend.find(run.id, ADA) is not None
    backend.close()
    assert [row[0] for row in rows(path)] == [run.id]


# names, notes, deleting


def test_names_notes_and_deleting_with_undo(path):
    backend = serve(path)
    ids = [begun(backend, SMALL.replace(seed=seed)).id for seed in (1, 2)]
    store = backend.store
    store.finish()
    store.write_words(ids[0], ADA, "my run", "it works")
    store.write_words(ids[1], BEN, "stolen", "")
    about = {each.id: each for each in store.about(ADA)}
    assert (about[ids[0]].name, about[ids[0]].note, about[ids[1]].name) == ("my run", "it works", "")
    store.delete(ids[0], BEN)
    assert len(store.about(ADA)) == 2
    store.delete(ids[0], ADA)
    assert [each.id for each in store.about(ADA)] == [ids[1]]
    store.delete(ids[0], ADA, deleted=False)
    assert len(store.about(ADA)) == 2
    backend.close()


def test_forgetting_a_visitor_leaves_nothing_of_them_and_all_of_the_others(path):
    backend = serve(path)
    begun(backend)
    other = begun(backend, owner=BEN)
    backend.store.remember(ADA, "a", "a secret note")
    assert backend.forget(ADA)
    time.sleep(2 * saver.SOON)
    assert backend.list(ADA) == () and backend.store.about(ADA) == [] and backend.store.recall(ADA, "a") is None
    assert [each.id for each in backend.store.about(BEN)] == [other.id]
    backend.close()
    assert b"a secret note" not in path.read_bytes()
    assert {row[1] for row in rows(path)} == {BEN}


def test_above_the_limit_the_oldest_run_without_a_name_goes(path, monkeypatch):
    monkeypatch.setattr(store_module, "MOST_RUNS", 3)
    backend = serve(path, runs=2)  # those in memory stay
    ids = []
    for seed in range(5):
        ids.append(begun(backend, SMALL.replace(seed=seed)).id)
        until(lambda: backend.store.about(ADA)[0].id == ids[-1])
        if seed == 0:
            backend.store.write_words(ids[0], ADA, "keep me", "")
    backend.store.finish()
    assert {each.id for each in backend.store.about(ADA)} == {ids[0], ids[3], ids[4]}
    backend.close()


# two servers


def test_of_two_servers_one_has_the_run_and_the_other_only_lists_it(path):
    one, other = serve(path), serve(path)
    run = begun(one)
    until(lambda: one.store.about(ADA) and one.store.about(ADA)[0].step == 1)
    with pytest.raises(NotNowError, match="Another mlpviz server"):
        other.find(run.id, ADA)
    assert other.store.about(ADA)[0].elsewhere
    assert not one.store.about(ADA)[0].elsewhere
    one.close()
    assert other.find(run.id, ADA).step == 1 and not other.store.about(ADA)[0].elsewhere
    other.close()


def test_a_server_that_has_gone_without_a_word_loses_its_runs(path, monkeypatch):
    one, other = serve(path), serve(path)
    run = begun(one)
    until(lambda: one.store.about(ADA) and one.store.about(ADA)[0].step == 1)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE servers SET host = 'elsewhere', seen_at = seen_at - 60")
    assert other.find(run.id, ADA).step == 1
    for backend in (one, other):
        backend.close()


def test_many_runs_of_two_servers_are_written_at_the_same_time(path):
    servers = [serve(path), serve(path)]
    runs = [begun(server, SMALL.replace(seed=seed)) for server in servers for seed in range(4)]
    for server in servers:
        assert server.store.trouble == ""
        server.close()
    assert {row[0] for row in rows(path)} == {run.id for run in runs}


# the disk


def trains(backend):
    """Training goes on, whatever the disk does."""
    run = begun(backend)
    assert backend.find(run.id, ADA).step == 1
    return run


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + bytes(5000)])
def test_a_damaged_file_is_not_changed_and_training_goes_on(path, content, caplog):
    path.parent.mkdir()
    path.write_bytes(content)
    backend = serve(path)
    trains(backend)
    assert "the file is damaged" in backend.store.trouble and "You can go on training" in backend.store.trouble
    assert backend.store.about(ADA) == [] and backend.store.recall(ADA, "x") is None
    backend.close()
    assert path.read_bytes() == content


@pytest.mark.parametrize("pragma", ["user_version = 99", "application_id = 5", ""])
def test_a_newer_file_and_that_of_another_program_are_not_changed(path, pragma, caplog):
    if pragma:
        serve(path).close()
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE others (a)")
    connection.execute(f"PRAGMA {pragma or 'cache_size = 100'}")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    before = path.read_bytes()
    backend = serve(path)
    trains(backend)
    assert "newer version of mlpviz" in backend.store.trouble or "another program" in backend.store.trouble
    backend.close()
    assert path.read_bytes() == before


def test_a_locked_file_is_tried_again(path, monkeypatch, caplog):
    monkeypatch.setattr("mlpviz.store.database.BUSY", 0.1)
    backend = serve(path)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    run = trains(backend)
    until(lambda: "another program" in backend.store.trouble)
    lock.execute("ROLLBACK")
    until(lambda: backend.store.trouble == "" and backend.store.about(ADA)[0].step == 1)
    assert backend.find(run.id, ADA).step == 1
    backend.close()


def test_a_run_whose_bytes_are_damaged_is_left_as_it_is(path, caplog):
    first = serve(path)
    run = begun(first)
    first.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE tasks SET state = substr(state, 1, 900)")
    before = rows(path)
    second = serve(path)
    with pytest.raises(NotNowError, match="can’t be read"):
        second.find(run.id, ADA)
    assert second.store.trouble == "", "saving works"
    second.close()
    assert [row[5] for row in rows(path)] == [row[5] for row in before]


@pytest.fixture
def without_rights():
    """Root may write everywhere, so root is somebody else for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    yield
    if root:
        os.seteuid(0)


def test_a_folder_without_rights_is_said(path, without_rights, caplog):
    backend = serve(Path("/proc/runs.sqlite") if os.geteuid() != 65_534 else path)
    trains(backend)
    assert "can’t be written" in backend.store.trouble
    backend.close()


def test_a_file_that_may_only_be_read_is_said_and_is_written_again_later(path, caplog):
    first = serve(path)
    run = begun(first)
    until(lambda: first.store.about(ADA)[0].step == 1)
    first.store._database._writing.execute("PRAGMA query_only = 1")  # SQLite's own refusal
    first.tell(run.id, ADA, OneStep()).result(20)
    trained(first, run.id, 2)
    until(lambda: "can’t be written" in first.store.trouble)
    first.store._database._writing.execute("PRAGMA query_only = 0")
    until(lambda: first.store.trouble == "" and first.store.about(ADA)[0].step == 2)
    first.close()


def test_a_full_disk_is_said_and_when_there_is_space_again_the_run_is_saved(path, caplog):
    backend = serve(path)
    run = begun(backend)
    until(lambda: backend.store.about(ADA)[0].step == 1)
    writing = backend.store._database._writing
    (pages,) = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count = {pages}")  # from here on, SQLite says that the disk is full
    other = begun(backend, SMALL.replace(seed=1))
    until(lambda: "the disk is full" in backend.store.trouble)
    assert backend.find(run.id, ADA).step == backend.find(other.id, ADA).step == 1
    writing.execute("PRAGMA max_page_count = 100000")
    until(lambda: backend.store.trouble == "" and len(backend.store.about(ADA)) == 2)
    backend.close()
    assert len(rows(path)) == 2


def test_an_older_file_is_brought_up_to_date(path, monkeypatch):
    serve(path).close()
    monkeypatch.setattr("mlpviz.store.schema.MIGRATIONS", (*MIGRATIONS, "ALTER TABLE tasks ADD COLUMN later TEXT;"))
    serve(path).close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        connection.execute("SELECT later FROM tasks")


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, monkeypatch, caplog):
    serve(path).close()
    monkeypatch.setattr(
        "mlpviz.store.schema.MIGRATIONS", (*MIGRATIONS, "ALTER TABLE tasks ADD COLUMN later TEXT; SELECT nothing;")
    )
    backend = serve(path)
    assert backend.store.trouble
    backend.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("SELECT later FROM tasks")
