import itertools
import random
import threading
import time

import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz import engine as engine_module
from mlpviz import run as run_module
from mlpviz.engine import Engine, EngineFullError
from mlpviz.run import run_bytes

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=3)


@pytest.fixture
def engine():
    engine = Engine(threads=1)
    yield engine
    engine.close()


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def finish(run):
    def finished():
        run.look()
        over = run.snapshot is not None and run.snapshot.status in ("finished", "failed")
        return over and not run.has_work() and len(run.snapshot.evaluations) == len(run._evaluations)

    until(finished)
    return run.snapshot


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.net.parameters()])


def trained(settings, dataset, steps):
    trainer = Trainer(settings, dataset)
    trainer.train(steps)
    return weights(trainer)


def test_a_run_from_start_to_finish(engine, tiny):
    run = engine.create(SMALL, tiny)
    until(lambda: run.snapshot is not None and run.snapshot.status == "paused")
    assert run.snapshot.step == 0 and len(run.snapshot.evaluations) == 1
    engine.start(run)
    snapshot = finish(run)
    assert snapshot.step == 30 and len(snapshot.evaluations) == 4
    assert torch.equal(weights(run.trainer), trained(SMALL, tiny, 30))


def test_twenty_runs_at_once_end_with_the_same_bits_as_one_at_a_time(engine, tiny):
    settings = [SMALL.replace(seed=i, batch_size=50 + i) for i in range(20)]
    runs = [engine.create(s, tiny) for s in settings]
    for run in runs:
        engine.start(run)
    for run, s in zip(runs, settings, strict=True):
        finish(run)
        assert torch.equal(weights(run.trainer), trained(s, tiny, run.step))


def test_commands_during_slices_never_cost_or_repeat_a_step(engine, tiny):
    """Two threads press buttons at random; wherever the run stands afterwards, its bits are those of that step."""
    long = SMALL.replace(epochs=1000)
    run = engine.create(long, tiny)
    buttons = [engine.start, engine.pause, engine.step, engine.epoch, lambda r: engine.change(r, long)]

    def press(seed):
        choose = random.Random(seed)
        for _ in range(60):
            choose.choice(buttons)(run)
            time.sleep(choose.random() * 0.004)

    threads = [threading.Thread(target=press, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.pause(run).wait(5)
    assert run.status == "paused" and run.step > 0
    assert torch.equal(weights(run.trainer), trained(long, tiny, run.step))


def test_step_makes_exactly_one(engine, tiny):
    run = engine.create(SMALL, tiny)
    for expected in (1, 2, 3):
        engine.step(run).wait(5)
        until(lambda: run.status == "paused")
        assert run.step == expected


def test_pause_takes_effect_between_two_steps(engine, tiny):
    run = engine.create(SMALL.replace(epochs=1000), tiny)
    engine.start(run)
    until(lambda: run.step > 5)
    assert engine.pause(run).wait(5)
    step = run.step
    time.sleep(0.1)
    assert run.step == step and run.status == "paused"


def test_a_new_run_in_place_of_one_in_training_begins_with_the_same_weights(engine, tiny):
    """What the page's Reset does, in the middle of training."""
    old = engine.create(SMALL.replace(epochs=1000), tiny)
    engine.start(old)
    until(lambda: old.step > 5)
    new = engine.create(old.settings, tiny)
    engine.pause(old)
    engine.drop(old)
    engine.step(new).wait(5)
    until(lambda: new.step == 1)
    assert torch.equal(weights(new.trainer), trained(old.settings, tiny, 1))


def test_an_exception_stops_its_own_run_alone_and_is_shown(engine, tiny, monkeypatch, caplog):
    good, bad = engine.create(SMALL, tiny), engine.create(SMALL, tiny)

    def explode():
        raise RuntimeError("out of memory, say")

    monkeypatch.setattr(bad.trainer, "train_one", explode)
    engine.start(bad)
    engine.start(good)
    assert finish(bad).status == "failed"
    assert bad.snapshot.message == "RuntimeError: out of memory, say"
    assert "failed" in caplog.text
    assert finish(good).status == "finished"


def test_a_run_that_nobody_watches_rests_until_somebody_looks(engine, tiny):
    run = engine.create(SMALL.replace(epochs=1000), tiny)
    engine.start(run)
    until(lambda: run.step > 0)
    run._leased_until = 0.0
    time.sleep(0.1)
    step = run.step
    time.sleep(0.2)
    assert run.step == step and run.status == "training"
    assert engine.watch(run.token) is run
    until(lambda: run.step > step)


def test_a_run_at_rest_is_shown_as_it_is_while_others_train(engine, tiny):
    busy = engine.create(SMALL.replace(epochs=1000), tiny)
    engine.start(busy)
    short = engine.create(SMALL.replace(epochs=1), tiny)
    engine.start(short)
    until(lambda: short.look() is None and short.snapshot and len(short.snapshot.evaluations) == 2)
    assert short.snapshot.status == "finished"
    paused = engine.create(SMALL.replace(epochs=1000), tiny)
    engine.start(paused)
    until(lambda: paused.step > 0)
    engine.pause(paused)
    until(lambda: paused.snapshot and paused.snapshot.status == "paused" and paused.snapshot.step == paused.step)
    assert busy.status == "training"


def test_tokens_watch_and_owners_command(engine, tiny):
    run = engine.create(SMALL, tiny, owner="ada")
    assert engine.find(run.id, "ada") is run
    assert engine.find(run.id, "eve") is None and engine.find(run.token, "ada") is None
    assert engine.watch(run.token) is run and engine.watch(run.id) is None
    engine.drop(run)
    assert engine.find(run.id, "ada") is None and engine.watch(run.token) is None


def test_a_full_engine_says_so_and_forgets_the_longest_unwatched_first(tiny, monkeypatch):
    engine = Engine(max_runs=2, threads=1)
    try:
        first, second = engine.create(SMALL, tiny, "a"), engine.create(SMALL, tiny, "a")
        with pytest.raises(EngineFullError, match="keeps 2 of 2"):
            engine.create(SMALL, tiny, "a")
        engine.step(first).wait(5)
        until(lambda: first.step == 1)
        first._leased_until = time.monotonic() - 60
        second._leased_until = time.monotonic() - 1
        third = engine.create(SMALL, tiny, "a")
        assert engine.find(first.id, "a") and not engine.find(second.id, "a"), "what never trained goes first"
        fourth = engine.create(SMALL, tiny, "a", instead_of=third)
        assert engine.find(fourth.id, "a") and not engine.find(third.id, "a")
        with pytest.raises(EngineFullError):
            engine.create(SMALL, tiny, "a")
        assert engine.find(first.id, "a") and engine.find(fourth.id, "a"), "nothing is lost in vain"
        first._leased_until = time.monotonic() - engine_module.FORGET - 1
        fifth = engine.create(SMALL, tiny, "a")
        assert not engine.find(first.id, "a") and engine.find(fifth.id, "a")
    finally:
        engine.close()


def test_memory_is_capped_too(tiny):
    engine = Engine(max_bytes=run_bytes(SMALL) + 10, threads=1)
    try:
        engine.create(SMALL, tiny)
        with pytest.raises(EngineFullError, match="Try again"):
            engine.create(SMALL, tiny)
    finally:
        engine.close()


def test_settings_that_do_not_fit_raise_at_once_and_take_no_place(engine, tiny):
    with pytest.raises(ValueError, match="batch_size"):
        engine.create(SMALL.replace(batch_size=5000), tiny)
    assert not engine._tasks


def test_close_while_training_ends_the_thread_and_may_be_repeated(tiny):
    engine = Engine(threads=1)
    runs = [engine.create(SMALL.replace(epochs=1000), tiny) for _ in range(3)]
    for run in runs:
        engine.start(run)
    until(lambda: all(run.step > 0 for run in runs))
    engine.close()
    assert not engine._thread.is_alive()
    steps = [run.step for run in runs]
    time.sleep(0.05)
    assert [run.step for run in runs] == steps
    engine.close()


def test_the_global_generator_is_left_alone(engine, tiny):
    before = torch.get_rng_state()
    run = engine.create(SMALL, tiny)
    engine.start(run)
    finish(run)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_exception_in_a_command_or_in_an_inspection_stops_its_own_run_alone(engine, tiny, monkeypatch, caplog):
    class Broken:
        def __init__(self, trainer):
            pass

        def inspect(self, ratios):
            raise RuntimeError("no memory")

    good, mistaken = engine.create(SMALL, tiny), engine.create(SMALL, tiny)
    monkeypatch.setattr(run_module, "Inspector", Broken)
    broken = engine.create(SMALL, tiny)
    until(lambda: broken.snapshot is not None and broken.snapshot.status == "failed")
    assert broken.snapshot.message == "RuntimeError: no memory"
    assert engine.change(mistaken, SMALL.replace(batch_size=7)).wait(5)
    assert mistaken.failed and "batch_size can't change" in mistaken.message
    engine.start(good)
    assert finish(good).status == "finished"


def test_of_two_that_never_trained_the_longer_unwatched_goes_first(tiny):
    engine = Engine(max_runs=2, threads=1)
    try:
        runs = [engine.create(SMALL, tiny, "a") for _ in range(2)]
        for run, seconds in zip(runs, (60, 1), strict=True):
            run._leased_until = time.monotonic() - seconds
        engine.create(SMALL, tiny, "a")
        assert [engine.find(run.id, "a") is run for run in runs] == [False, True]
    finally:
        engine.close()


def test_a_command_keeps_the_run_going(engine, tiny):
    run = engine.create(SMALL, tiny)
    run._leased_until = 0.0
    engine.step(run)
    until(lambda: run.step == 1)


def test_an_idle_engine_sleeps(engine, tiny, monkeypatch):
    run = engine.create(SMALL, tiny)
    until(lambda: run.snapshot is not None and run.snapshot.status == "paused")
    looks = itertools.count()
    monkeypatch.setattr(run, "watched", lambda: next(looks) < 0)
    time.sleep(0.5)
    assert next(looks) <= 0.5 / engine_module.IDLE + 2


def test_the_engine_uses_the_threads_that_it_is_given(tiny):
    engine = Engine(threads=2)
    try:
        run = engine.create(SMALL, tiny)
        until(lambda: run.snapshot is not None)
        assert run.snapshot.threads == 2
    finally:
        engine.close()
