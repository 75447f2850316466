"""What a worker saves waits for the front end, and what the file has is not sent again."""

import threading
import time
from dataclasses import replace

import pytest
import torch

from mlpviz.backend.saved import codec
from mlpviz.runs.run import Run
from mlpviz.runs.saving import save
from mlpviz.store.packing import Packer
from mlpviz.store.store import Store
from mlpviz.workers.courier import Courier
from tests.runs.working import SMALL, work_off
from tests.waiting import until

ADA = "ada"


@pytest.fixture
def run(tiny):
    run = Run(SMALL, tiny, ADA)
    run.one_epoch()
    work_off(run)
    return run


@pytest.fixture
def courier():
    return Courier(Packer(codec()))


def collect(courier, run, in_file=None, received=None):
    """The mail, as a front end fetches it that has got all earlier mail."""
    received = courier._count if received is None else received
    return courier.collect(in_file or {}, received, {run.id}, 0)


def test_only_the_newest_of_a_task_is_sent_once(courier, run):
    courier.keep(save(run, "old"))
    courier.keep(save(run, "new"))
    mail = collect(courier, run)
    assert [parcel.row.token for parcel in mail.parcels] == ["new"] and mail.up_to == 2
    assert collect(courier, run).parcels == ()


def test_pieces_are_sent_until_the_file_has_them(courier, run):
    def sent(there):
        courier.keep(save(run, "token"))
        (parcel,) = collect(courier, run, there).parcels
        return parcel

    first, again = sent({}), sent({})
    assert first.pieces and first.names == again.names == set(first.pieces) == set(again.pieces)
    known = sent({run.id: first.names})
    assert known.names == first.names and known.pieces == {}
    assert set(sent({run.id: frozenset()}).pieces) == first.names, "the file has lost them"


def test_a_task_that_left_and_came_back_is_here(courier, run):
    courier.let_go(run.id)
    assert collect(courier, run).gone == (run.id,)
    courier.let_go(run.id)
    courier.keep(save(run, "token"))
    assert collect(courier, run).gone == ()


def test_mail_that_was_lost_is_sent_again(courier, run):
    courier.keep(save(run, "token"))
    first = collect(courier, run)
    again = collect(courier, run, received=0)
    assert [parcel.row for parcel in again.parcels] == [parcel.row for parcel in first.parcels] != []
    courier.keep(save(run, "newer"))
    courier.let_go("another")
    collect(courier, run)
    after = collect(courier, run, received=first.up_to)
    assert [parcel.row.token for parcel in after.parcels] == ["newer"] and after.gone == ("another",)
    assert collect(courier, run).parcels == ()


def test_a_task_that_can_not_be_packed_does_not_keep_the_others(courier, run, caplog):
    broken = replace(save(run, "token"), id="broken", state={"what": object()})
    courier.keep(broken)
    courier.keep(save(run, "token"))
    assert [parcel.id for parcel in collect(courier, run).parcels] == [run.id]
    assert "task broken can't be saved" in caplog.text


def test_nothing_is_remembered_of_a_task_that_left(courier, run):
    courier.keep(save(run, "token"))
    (parcel,) = collect(courier, run).parcels
    courier.let_go(run.id)
    courier.collect({run.id: parcel.names}, 2, (), 0)
    assert courier.collect({run.id: parcel.names}, 2, (), 0).gone == () and courier._in_file == {}


def test_hurry_ends_the_wait(courier):
    counts = []
    waiting = threading.Thread(target=lambda: counts.append(courier.collect({}, 0, (), 60).up_to))
    waiting.start()
    time.sleep(0.05)
    assert courier.hurry() == 0
    waiting.join(5)
    assert counts == [0]


def test_a_parcel_comes_back_from_the_file_as_the_same_run(courier, run, tmp_path):
    store, told = Store(tmp_path / "runs.sqlite", codec()), []
    courier.keep(save(run, "token"))
    (parcel,) = collect(courier, run).parcels
    parcel = replace(parcel, tell=told.append)
    store.keep(parcel)
    until(lambda: told)
    assert told == [parcel.names]
    back = store.bring_back(run.id, ADA).state["network"]
    kept = run.trainer.checkpoint()
    assert back["step"] == kept.step == 10
    assert all(torch.equal(a, b) for a, b in zip(back["parameters"], kept.parameters, strict=True))
    store.close()


def test_a_parcel_that_can_not_be_written_waits(courier, run, tmp_path, monkeypatch):
    store, told = Store(tmp_path / "runs.sqlite", codec()), []
    courier.keep(save(run, "token"))
    (parcel,) = collect(courier, run).parcels
    parcel = replace(parcel, tell=told.append)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._open(), "put", full)
    store.keep(parcel)
    until(lambda: store.trouble)
    assert told == [] and "the disk is full" in store.trouble
    assert store.bring_back(run.id, ADA).state["goal"] == run.goal, "from what waits"
    monkeypatch.undo()
    until(lambda: told == [parcel.names], 30)
    store.close()
