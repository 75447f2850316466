"""Runs in other processes: the same bits, one worker's end is nobody else's trouble, and only the front end writes."""

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray
import torch

from mlpviz import Trainer, load_dataset
from mlpviz.backend.commands import OneEpoch, OneStep, Pause, SetSpeed, Start
from mlpviz.backend.door import Backend, GoneError, NotNowError
from mlpviz.backend.questions import CurrentSnapshot, LossPlane
from mlpviz.backend.saved import codec
from mlpviz.backend.specifications import NewRun, PinOf
from mlpviz.live.answer import plain
from mlpviz.store.store import Store
from mlpviz.workers.backend import WorkersBackend
from tests.conftest import BUSY
from tests.far import Home, workers
from tests.runs.working import SMALL
from tests.waiting import awaited, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(BUSY)]

REPOSITORY = Path(__file__).parent.parent.parent
ADA, BEN = "ada", "ben"
LONG = SMALL.replace(epochs=1000)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs.sqlite", codec())


@pytest.fixture
def two(store):
    with workers(2, store) as backend:
        yield backend


def began(backend, owner, settings=SMALL):
    state = backend.create(NewRun(settings), owner).result(30)
    return backend.tell(state.id, owner, SetSpeed("full")).result(10)


def at_step(backend, run, owner, step):
    until(lambda: backend.look(run.token) and (now := backend.find(run.id, owner)).step == now.goal == step)


def post_of(backend, owner):
    return backend._visitors[owner].post


def over_there(post, function):
    """What a function gives in the worker's process."""
    return ray.get(post.actor.__ray_call__.remote(lambda worker: function()))


def kill(post):
    os.kill(over_there(post, os.getpid), signal.SIGKILL)


def weights(backend, run, owner):
    post = post_of(backend, owner)
    return [p.detach().clone() for p in Home(post).far(0).engine.task(run.id, owner).trainer.net.parameters()]


def oracle(steps, settings=SMALL):
    torch.set_num_threads(1)
    trainer = Trainer(settings, load_dataset(settings.dataset))
    return trainer, trainer.train(steps)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_it_has_every_method_of_the_interface():
    for name in (name for name in vars(Backend) if not name.startswith("_") and name != "store"):
        ours, theirs = (inspect.signature(getattr(cls, name)) for cls in (WorkersBackend, Backend))
        assert list(ours.parameters) == list(theirs.parameters), name


def test_a_run_has_the_bits_of_the_trainer(two):
    run = began(two, ADA)
    two.tell(run.id, ADA, OneEpoch()).result(10)
    at_step(two, run, ADA, 100)
    trainer, losses = oracle(100)
    snapshot = two.ask(run.id, ADA, CurrentSnapshot()).result(10)
    assert snapshot.steps.column("loss").tolist() == losses.tolist()
    assert same(weights(two, run, ADA), trainer.net.parameters())


def test_visitors_are_spread_and_nobody_finds_the_runs_of_others(two):
    run, other = began(two, ADA), began(two, BEN)
    assert post_of(two, ADA) is not post_of(two, BEN)
    assert two.find(run.id, BEN) is None and [state.id for state in two.list(BEN)] == [other.id]
    with pytest.raises(GoneError):
        two.tell(run.id, BEN, Start()).result(10)
    with pytest.raises(GoneError):
        two.create(PinOf(run.id), BEN).result(10)


def test_a_long_question_reports_its_progress_and_can_be_given_up(two):
    run = began(two, ADA)
    reply, seen = two.ask(run.id, ADA, LossPlane()), set()
    until(lambda: reply.look() or seen.add(reply.progress) or len(seen) > 2, 60)
    with pytest.raises(TimeoutError):
        reply.result(0.001)
    assert reply.cancel() is False, "it has begun"
    with pytest.raises(TimeoutError, match="Nobody waited"):
        reply.result(30)


def test_a_worker_that_is_killed_loses_only_what_was_not_saved(two, store):
    run, other = began(two, ADA, LONG), began(two, BEN, LONG)
    for each, owner in ((run, ADA), (other, BEN)):
        two.tell(each.id, owner, Start()).result(10)
    until(lambda: two.look(run.token).step > 20 and two.look(other.token).step > 20)
    two.tell(run.id, ADA, Pause()).result(10)
    until(lambda: store.about(ADA) and store.about(ADA)[0].step == two.find(run.id, ADA).step)
    two.tell(run.id, ADA, Start()).result(10)
    until(lambda: store.about(ADA)[0].was_training)
    saved, before = store.about(ADA)[0].step, two.find(other.id, BEN).step
    worker, beside = post_of(two, ADA), post_of(two, BEN)
    kill(worker)
    shown = awaited(two.newest(run.token, None, frozenset()))  # the page only watches
    assert b'"status": "paused"' in plain(shown)
    back = two.find(run.id, ADA)
    assert (back.step, back.interrupted_at, back.token) == (saved, saved, run.token)
    assert post_of(two, ADA) is beside, "it is on the other worker"
    assert same(weights(two, run, ADA), oracle(saved, LONG)[0].net.parameters())
    assert two.look(other.token).step > before and two.find(other.id, BEN).interrupted_at is None
    assert two.trouble() is None
    assert worker.wait_until_up(60), "the killed one starts again"
    began(two, "carl")
    assert post_of(two, "carl") is worker
    two.tell(run.id, ADA, OneEpoch()).result(10)
    end = (saved // 100 + 1) * 100
    at_step(two, run, ADA, end)
    assert same(weights(two, run, ADA), oracle(end, LONG)[0].net.parameters()), "it goes on"


def test_without_a_store_the_page_is_told_that_the_run_is_gone():
    with workers(2) as backend:
        run = began(backend, ADA)
        kill(post_of(backend, ADA))
        assert awaited(backend.newest(run.token, None, frozenset())) is None
        assert backend.find(run.id, ADA) is None


def test_at_the_end_everything_is_saved_and_another_server_goes_on(tmp_path):
    path = tmp_path / "runs.sqlite"
    with workers(1, Store(path, codec())) as backend:
        run = began(backend, ADA)
        backend.tell(run.id, ADA, OneEpoch()).result(10)
        at_step(backend, run, ADA, 100)
        backend.tell(run.id, ADA, OneStep()).result(10)
        at_step(backend, run, ADA, 101)
    store = Store(path, codec())
    with workers(1, store) as backend:
        assert backend.find(run.id, ADA).step == 101
        assert same(weights(backend, run, ADA), oracle(101)[0].net.parameters())
        backend.put_away(run.id, ADA)
        assert backend.find(run.id, ADA).step == 101, "what is in the mail counts"
        backend.drop(run.id, ADA)
        assert backend.find(run.id, ADA) is None and store.about(ADA) == []


def test_a_visitor_can_be_forgotten(two, store):
    run = began(two, ADA)
    two.tell(run.id, ADA, OneStep()).result(10)
    until(lambda: store.about(ADA))
    two.tell(run.id, ADA, OneEpoch()).result(10)
    two.put_away(run.id, ADA)  # its last save is on its way
    assert two.forget(ADA) and two.find(run.id, ADA) is None and two.list(ADA) == () and store.about(ADA) == []
    time.sleep(1.5)
    assert store.about(ADA) == [], "nor does it come later"


def test_a_worker_that_could_not_be_reached_but_lives_is_ended(two):
    run = began(two, ADA)
    post, before = post_of(two, ADA), over_there(post_of(two, ADA), os.getpid)
    two.tell(run.id, ADA, OneStep()).result(10)
    at_step(two, run, ADA, 1)
    until(lambda: two.store.about(ADA) and two.store.about(ADA)[0].step == 1)
    post.lost(post.life)
    assert two.find(run.id, ADA).step == 1 and post_of(two, ADA) is not post
    assert post.wait_until_up(60) and over_there(post, os.getpid) != before


def test_without_an_answer_nothing_breaks(two, monkeypatch):
    monkeypatch.setattr("mlpviz.workers.backend.PATIENCE", 0.2)
    run = began(two, ADA)
    for post in two.posts:
        monkeypatch.setattr(post, "_take", lambda report: None)
        monkeypatch.setattr(post, "life", "")
    assert two.list(ADA) == () and two.look(run.token) is None and two.snapshot(run.id, ADA) is None
    two.put_away(run.id, ADA)
    for reply in (two.tell(run.id, ADA, OneStep()), two.create(NewRun(SMALL), ADA)):
        with pytest.raises(NotNowError, match="No worker of this server answers"):
            reply.result(1)
    with pytest.raises(NotNowError):
        two.find(run.id, ADA)


def test_fetches_share_few_questions_and_get_what_they_lack(two):
    run = began(two, ADA, LONG)
    two.tell(run.id, ADA, Start()).result(10)
    until(lambda: two.look(run.token).step > 5)

    async def watch():
        first = await two.newest(run.token, None, frozenset())
        strip = await two.newest(run.token, None, frozenset({"head"}))
        versions, begun = [], time.monotonic()
        while time.monotonic() - begun < 3:
            more = await two.newest(run.token, (first.run, first.version), frozenset(), False, frozenset({"tiles"}))
            assert "tiles" not in {part.name for part in more.parts}
            assert all(part.version > first.version for part in more.parts)
            versions.append(more.version)
            await asyncio.sleep(0.05)
        late = await two.newest(run.token, (first.run, first.version), frozenset())
        return first, strip, versions, late

    first, strip, versions, late = awaited(watch())
    assert {"head", "tiles", "Loss"} <= {part.name for part in first.parts}
    assert [part.name for part in strip.parts] == ["head"]
    assert versions == sorted(versions) and versions[-1] > first.version
    assert "tiles" in {part.name for part in late.parts}, "it comes when it is wanted"
    assert awaited(two.newest("nonsense", None, frozenset())) is None


def test_a_worker_needs_neither_streamlit_nor_ray():
    program = "import sys, mlpviz.workers.worker; print({'streamlit', 'ray', 'plotly'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    with workers(1) as backend:
        modules = over_there(backend.posts[0], lambda: list(sys.modules))
        assert not [name for name in modules if name.split(".")[0] == "streamlit"]


def test_two_machines(tmp_path):
    """Two nodes of a cluster on this machine, which `MLPVIZ_RAY` joins."""
    variables = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
    program = [sys.executable, "-m", "tests.workers.two_nodes", str(tmp_path / "runs.sqlite")]
    done = subprocess.run(program, cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "two nodes, equal weights" in done.stdout
