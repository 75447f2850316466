import itertools
import time

import pytest
import torch

from mlpviz import Trainer
from mlpviz.backend.commands import OneStep, Pause, SetSpeed, Start
from mlpviz.backend.specifications import NewRun
from mlpviz.runs import engine as engine_module
from mlpviz.runs.engine import Engine
from mlpviz.runs.pace import CATCH_UP, Pace
from mlpviz.runs.run import Run
from mlpviz.runs.speedometer import Speedometer
from mlpviz.speed import SPEEDS, best_speed, faster, is_close_up, parse_speed, slower
from tests.runs.working import SMALL, FakeClock
from tests.waiting import until

LONG = SMALL.replace(epochs=1000)


def at_speed(engine, speed, dataset):
    """A run of the engine, with another owner for each speed."""
    run = engine.task(engine.create(NewRun(LONG), speed, dataset).result(10).id, speed)
    engine.tell(run.id, speed, SetSpeed(speed).carry_out).result(10)
    return run


def made(run, time, seconds, tick=0.001):
    """How many steps a run makes in so many seconds of a fake clock."""
    before = run.step
    for _ in range(round(seconds / tick)):
        while run.has_work():
            run.advance()
        time.now += tick
    return run.step - before


@pytest.mark.parametrize("speed", ["slow", "1", "5", "20", "100"])
def test_each_speed_is_kept(tiny, speed):
    time = FakeClock()
    run = Run(LONG, tiny, clock=time.clock, speed=speed)
    run.start()
    made(run, time, 0.001)
    seconds = max(10.0, 5 / SPEEDS[speed])
    assert made(run, time, seconds, min(0.1, 0.1 / SPEEDS[speed])) == pytest.approx(seconds * SPEEDS[speed], abs=1)


@pytest.mark.parametrize("speed, change_to", [("full", "full"), ("slow", "100"), ("20", "5"), ("1", "full")])
def test_every_speed_gives_the_same_bits(tiny, speed, change_to):
    time = FakeClock()
    run = Run(SMALL, tiny, clock=time.clock, speed=speed)
    run.start()
    while run.has_work() or run.step < run.goal:
        made(run, time, 0.1, 0.1)
        if run.step == 8:
            run.pace.set(change_to)
    run.collect()
    losses = torch.from_numpy(run.recording.steps.series().column("loss"))
    assert run.step == 20 and torch.equal(losses, Trainer(SMALL, tiny).train(20))


def test_a_step_that_is_asked_for_comes_at_once(tiny):
    time = FakeClock()
    run = Run(LONG, tiny, clock=time.clock, speed="slow")
    for expected in (1, 2, 3):
        run.one_step()
        made(run, time, 0.1, 0.1)
        assert run.step == expected


def test_one_step_of_a_run_that_trains_slowly_also_comes_at_once(tiny):
    time = FakeClock()
    run = Run(LONG, tiny, clock=time.clock, speed="slow")
    run.start()
    made(run, time, 0.1, 0.1)
    run.one_step()
    assert run.wait() == 0 and made(run, time, 0.1, 0.1) == 1 and run.step == run.goal == 2


def test_a_faster_speed_does_not_wait_for_the_end_of_a_slow_step(tiny):
    time = FakeClock()
    run = Run(LONG, tiny, clock=time.clock, speed="slow")
    run.start()
    made(run, time, 0.1, 0.1)
    assert run.step == 1 and run.wait() == pytest.approx(4.9)
    run.pace.set("20")
    assert run.wait() == 0 and made(run, time, 1) == pytest.approx(20, abs=1)


def test_a_pace_makes_up_for_a_short_delay_and_not_for_a_long_one():
    time = FakeClock()
    pace = Pace("100", time.clock)
    pace.begin()

    def due():
        for count in itertools.count():
            if pace.wait():
                return count
            pace.stepped()

    assert due() == 1
    time.now += 0.2
    assert due() == pytest.approx(20, abs=1)
    time.now += 30
    assert due() == pytest.approx(100 * CATCH_UP, abs=1)


def test_the_engine_wakes_on_time_and_leaves_the_processor_to_others(mini):
    """Between two steps of a slow run, the engine's thread sleeps; and the steps come when they are due."""
    engine = Engine(threads=1)
    try:
        run = at_speed(engine, "20", mini)
        until(lambda: run.look() is None and run.snapshot is not None and run.snapshot.status == "paused")
        times = []
        stepped = run.pace.stepped
        run.pace.stepped = lambda: (times.append((time.monotonic(), time.thread_time())), stepped())
        engine.tell(run.id, run.owner, Start().carry_out).result(10)
        until(lambda: run.look() is None and len(times) > 40)
        engine.tell(run.id, run.owner, Pause().carry_out).result(10)
    finally:
        engine.close()
    (begun, used), (ended, used_later) = times[0], times[40]
    assert 40 / (ended - begun) == pytest.approx(20, rel=0.05)
    assert used_later - used < 0.7 * (ended - begun), "it does not wait in a busy loop"


def test_a_slow_run_takes_nothing_from_a_fast_one(tiny):
    """Between its steps the engine gives it no turn."""
    engine = Engine(threads=1)
    try:
        slow, fast = at_speed(engine, "1", tiny), at_speed(engine, "full", tiny)
        advanced = []
        for run in (slow, fast):
            until(
                lambda run=run: run.look() is None and run.inspections.line_shares and run.snapshot.status == "paused"
            )
            advance = run.advance
            run.advance = lambda run=run, advance=advance: (advanced.append(run), advance())
        for run in (slow, fast):
            engine.tell(run.id, run.owner, Start().carry_out).result(10)
        until(lambda: slow.look() is fast.look() is None and slow.step >= 3)
    finally:
        engine.close()
    assert advanced.count(slow) <= 4 and fast.step > 30


def test_the_idle_wait_ends_when_a_step_is_due(tiny, monkeypatch):
    monkeypatch.setattr(engine_module, "IDLE", 30.0)
    engine = Engine(threads=1)
    try:
        run = at_speed(engine, "5", tiny)
        engine.tell(run.id, run.owner, Start().carry_out).result(10)
        until(lambda: run.look() is None and run.step >= 10, 10)
    finally:
        engine.close()


def test_a_command_sets_the_speed_and_refuses_one_that_does_not_exist(tiny):
    engine = Engine(threads=1)
    try:
        run = engine.task(engine.create(NewRun(LONG), "", tiny).result(10).id, "")
        assert run.state.speed == "full"
        assert engine.tell(run.id, "", SetSpeed("slow").carry_out).result(10).speed == "slow"
        with pytest.raises(ValueError, match="must be one of slow, 1, 5, 20, 100, full"):
            engine.tell(run.id, "", SetSpeed("7").carry_out).result(10)
        assert run.state.speed == "slow"
        engine.tell(run.id, "", OneStep().carry_out).result(10)
        until(lambda: run.look() is None and run.step == 1, 2)
    finally:
        engine.close()


def test_the_measured_speed_is_that_of_the_pace():
    for interval in (5.0, 1.0, 0.2):
        time = FakeClock()
        meter = Speedometer(time.clock)
        for step in range(20):
            measured = meter.measure(step, True, interval)
            time.now += interval
        assert measured == pytest.approx(1 / interval)
    time.now += 1
    assert meter.measure(21, True, 0.05) == 0, "at this pace it is not known yet"
    time.now += 1
    assert meter.measure(41, True, 0.05) == pytest.approx(20), "the steps at another pace don't count"


def test_the_best_speed_makes_a_run_last_about_25_seconds():
    assert best_speed(2350) == "100", "the article's run on the full set, 24 s"
    assert best_speed(400) == "20", "on the small set, 20 s"
    assert best_speed(40) == "1" and best_speed(1) == "1", "slow motion only for those who ask for it"
    assert best_speed(600_000) == "full"
    for steps in range(1, 5000):
        lasts = steps / SPEEDS[best_speed(steps)]
        assert lasts < 60 and (lasts > 8 or steps < 12)


def test_names_of_speeds():
    names = list(SPEEDS)
    assert names == ["slow", "1", "5", "20", "100", "full"]
    assert [slower(name) for name in names] == ["slow", *names[:-1]]
    assert [faster(name) for name in names] == [*names[1:], "full"]
    assert [name for name in names if is_close_up(name)] == ["slow", "1"]
    with pytest.raises(ValueError, match="'fast' is not a speed"):
        parse_speed("fast")
