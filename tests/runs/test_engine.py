import itertools
import random
import threading
import time
from collections import Counter

import pytest
import torch

from mlpviz import Trainer
from mlpviz.backend.commands import Change, OneEpoch, OneStep, Pause, Start
from mlpviz.backend.specifications import NewRun
from mlpviz.runs import engine as engine_module
from mlpviz.runs.clock import Clock
from mlpviz.runs.engine import IDLE, MOST_QUESTIONS, Engine
from mlpviz.runs.errors import EngineFullError, GoneError
from mlpviz.runs.long_question import LongQuestion
from mlpviz.runs.memory import run_memory, step_memory
from mlpviz.runs.room import FORGET, SHARE
from mlpviz.runs.run import Run
from mlpviz.runs.task import LEASE, FiniteTask
from tests.runs.working import SMALL as TWO_EPOCHS
from tests.waiting import until

SMALL = TWO_EPOCHS.replace(epochs=3)
LONG = SMALL.replace(epochs=1000)


@pytest.fixture
def engine():
    engine = Engine(threads=1)
    yield engine
    engine.close()


def create(engine, settings, dataset, owner="", **named):
    """A run that the engine creates, as for the backend."""
    state = engine.create(NewRun(settings), owner, dataset, **named).result(10)
    return engine.task(state.id, owner)


def tell(engine, run, command):
    return engine.tell(run.id, run.owner, command.carry_out).result(10)


def finish(run):
    def finished():
        run.look()
        if run.snapshot is None or run.snapshot.status not in ("finished", "failed"):
            return False
        return run.failed or len(run.snapshot.evaluations) == SMALL.epochs + 1  # the last one may come one turn later

    until(finished)
    return run.snapshot


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.net.parameters()])


def trained(settings, dataset, steps):
    trainer = Trainer(settings, dataset)
    trainer.train(steps)
    return weights(trainer)


def unwatched(run, seconds):
    """Pretend that nobody has watched the run for this many seconds."""
    run.clock = Clock(now=lambda: time.monotonic() + LEASE + seconds)


def test_a_run_from_start_to_finish(engine, tiny):
    run = create(engine, SMALL, tiny)
    until(lambda: run.snapshot is not None and run.snapshot.status == "paused")
    assert run.snapshot.step == 0 and len(run.snapshot.evaluations) == 1
    tell(engine, run, Start())
    snapshot = finish(run)
    assert snapshot.step == 30 and len(snapshot.evaluations) == 4
    assert torch.equal(weights(run.trainer), trained(SMALL, tiny, 30))


def test_twenty_runs_at_once_end_with_the_same_bits_as_one_at_a_time(engine, tiny):
    settings = [SMALL.replace(seed=i, batch_size=50 + i) for i in range(20)]
    runs = [create(engine, s, tiny, owner=f"visitor {s.seed}") for s in settings]
    for run in runs:
        tell(engine, run, Start())
    for run, s in zip(runs, settings, strict=True):
        finish(run)
        assert torch.equal(weights(run.trainer), trained(s, tiny, run.step))


def test_commands_during_turns_never_lose_or_repeat_a_step(engine, tiny):
    """Two threads press buttons at random. Afterwards the weights are exactly those of the step that the run is at."""
    run = create(engine, LONG, tiny)
    buttons = [Start(), Pause(), OneStep(), OneEpoch(), Change(LONG)]

    def press(seed):
        choose = random.Random(seed)
        for _ in range(60):
            engine.tell(run.id, "", choose.choice(buttons).carry_out)
            time.sleep(choose.random() * 0.004)

    threads = [threading.Thread(target=press, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = tell(engine, run, Pause())
    assert state.status == "paused" and state.step == run.step > 0
    assert torch.equal(weights(run.trainer), trained(LONG, tiny, run.step))


def test_step_makes_exactly_one_update(engine, tiny):
    run = create(engine, SMALL, tiny)
    for expected in (1, 2, 3):
        tell(engine, run, OneStep())
        until(lambda: run.status == "paused")
        assert run.step == expected


def test_pause_takes_effect_between_two_steps(engine, tiny):
    run = create(engine, LONG, tiny)
    tell(engine, run, Start())
    until(lambda: run.step > 5)
    step = tell(engine, run, Pause()).step
    time.sleep(0.1)
    assert run.step == step and run.status == "paused"


def test_a_new_run_in_place_of_one_in_training_begins_with_the_same_weights(engine, tiny):
    """What the page's Reset does, in the middle of training."""
    old = create(engine, LONG, tiny)
    tell(engine, old, Start())
    until(lambda: old.step > 5)
    new = create(engine, old.settings, tiny)
    tell(engine, old, Pause())
    engine.drop(old.id, "")
    tell(engine, new, OneStep())
    until(lambda: new.step == 1)
    assert torch.equal(weights(new.trainer), trained(old.settings, tiny, 1))


def test_an_unwatched_run_rests_until_somebody_watches(engine, tiny):
    run = create(engine, LONG, tiny)
    tell(engine, run, Start())
    until(lambda: run.step > 0)
    unwatched(run, 1)
    time.sleep(0.1)
    step = run.step
    time.sleep(0.2)
    assert run.step == step and run.status == "training"
    assert engine.watch(engine.find(run.id, "").token) is run
    until(lambda: run.step > step)


def test_a_run_in_a_hidden_tab_continues_for_longer_even_if_others_watch(engine, tiny):
    run = create(engine, LONG, tiny)
    token = engine.find(run.id, "").token
    engine.watch(token, hidden=True)
    engine.watch(token)
    run.clock = Clock(now=lambda: time.monotonic() + 80)
    assert run.watched()
    run.clock = Clock(now=lambda: time.monotonic() + 100)
    assert not run.watched()


def test_a_resting_run_is_shown_correctly_while_others_train(engine, tiny):
    busy = create(engine, LONG, tiny)
    tell(engine, busy, Start())
    short = create(engine, SMALL.replace(epochs=1), tiny)
    tell(engine, short, Start())
    until(lambda: short.look() is None and short.snapshot and len(short.snapshot.evaluations) == 2)
    assert short.snapshot.status == "finished"
    paused = create(engine, LONG, tiny)
    tell(engine, paused, Start())
    until(lambda: paused.step > 0)
    tell(engine, paused, Pause())
    until(lambda: paused.snapshot and paused.snapshot.status == "paused" and paused.snapshot.step == paused.step)
    assert busy.status == "training"


def test_tokens_can_watch_and_only_owners_can_command(engine, tiny):
    run = create(engine, SMALL, tiny, owner="ada")
    token = engine.find(run.id, "ada").token
    assert engine.find(run.id, "eve") is None and engine.find(token, "ada") is None
    assert engine.look(token).id == run.id and engine.watch(run.id) is None
    with pytest.raises(GoneError, match="no longer on the server"):
        engine.tell(run.id, "eve", Start().carry_out).result(5)
    with pytest.raises(GoneError):
        engine.ask(run.id, "eve", lambda run: run.step).result(5)
    engine.drop(run.id, "eve")
    assert engine.find(run.id, "ada") is not None
    engine.drop(run.id, "ada")
    assert engine.find(run.id, "ada") is None and engine.watch(token) is None
    assert [state.id for state in engine.mine("ada")] == []


def test_a_seat_moves_to_the_run_that_replaces_another(engine, tiny):
    first = create(engine, SMALL, tiny)
    token = engine.find(first.id, "").token
    second = create(engine, SMALL, tiny, seat_of=first.id)
    assert engine.watch(token) is second and engine.find(second.id, "").token == token
    assert engine.watch(engine.find(first.id, "").token) is first
    engine.swap_seats(first.id, second.id)
    assert engine.watch(token) is first
    third = create(engine, SMALL, tiny, instead_of=first.id, seat_of=first.id)
    assert engine.watch(token) is third and engine.find(first.id, "") is None


def test_nobody_can_take_another_visitors_seat(engine, tiny):
    hers = create(engine, SMALL, tiny, owner="ada")
    token = engine.find(hers.id, "ada").token
    create(engine, SMALL, tiny, owner="eve", seat_of=hers.id, instead_of=hers.id)
    assert engine.watch(token) is hers


def roomy(runs):
    """An engine with room for this many small runs of any visitors."""
    return Engine(memory=runs * run_memory(SMALL) + step_memory(SMALL), threads=1)


def test_a_full_engine_says_so_and_removes_nothing_without_need(tiny):
    engine = roomy(2 * SHARE)
    try:
        runs = [create(engine, SMALL, tiny, f"visitor {i}") for i in range(2 * SHARE)]
        with pytest.raises(EngineFullError, match="Try again in a few"):
            create(engine, SMALL.replace(hidden_sizes=(20,)), tiny, "late")
        assert all(engine.task(run.id, run.owner) is run for run in runs)
        tell(engine, runs[0], OneStep())
        until(lambda: runs[0].step == 1)
        unwatched(runs[0], 60)
        with pytest.raises(EngineFullError):
            create(engine, SMALL.replace(hidden_sizes=(20,)), tiny, "late")
        unwatched(runs[0], FORGET + 1)
        create(engine, SMALL, tiny, "late")
        assert engine.find(runs[0].id, runs[0].owner) is None
    finally:
        engine.close()


def test_the_visitors_oldest_run_goes_for_a_new_one_and_the_reply_says_so(engine, tiny):
    hers = create(engine, SMALL, tiny, owner="bob")
    runs = [create(engine, SMALL, tiny, owner="ada") for _ in range(engine.room.runs)]
    for run in runs:
        tell(engine, run, OneStep())
    until(lambda: all(run.step == 1 for run in runs))
    state = engine.create(NewRun(SMALL), "ada", tiny).result(5)
    assert "removed your run at step 1" in state.note and "12 runs" in state.note
    assert [engine.find(run.id, "ada") is None for run in runs] == [True] + [False] * (len(runs) - 1)
    assert engine.find(hers.id, "bob") is not None
    assert engine.create(NewRun(SMALL), "bob", tiny).result(5).note == ""


def test_209_sessions_of_one_visitor_leave_room_for_others(tiny):
    """All have the same cookie, and all are watched."""
    engine = Engine(memory=64 * run_memory(SMALL), threads=1)
    try:
        for _ in range(209):
            create(engine, SMALL, tiny, owner="eve")
        assert len(engine.mine("eve")) == 64 / SHARE
        others = [create(engine, SMALL, tiny, owner=f"visitor {i}") for i in range(40)]
        assert all(engine.task(run.id, run.owner) is run for run in others)
    finally:
        engine.close()


def test_the_oldest_of_too_many_long_questions_of_one_visitor_is_stopped(engine, tiny):
    run, other = create(engine, SMALL, tiny, owner="eve"), create(engine, SMALL, tiny, owner="ada")
    hers = engine.ask(other.id, "ada", counting(100_000, seconds=0.001))
    replies = [engine.ask(run.id, "eve", counting(100_000, seconds=0.001)) for _ in range(MOST_QUESTIONS + 1)]
    with pytest.raises(GoneError, match="asked for too many things"):
        replies[0].result(5)
    assert not any(reply.done() for reply in (hers, *replies[1:]))


def test_impossible_settings_raise_at_once_and_use_no_room(engine, tiny):
    with pytest.raises(ValueError, match="batch_size"):
        create(engine, SMALL.replace(batch_size=5000), tiny)
    assert engine.mine("") == []


def test_a_run_that_cannot_be_made_removes_no_other(engine, tiny):
    """Reset with impossible settings: the old run stays."""
    old = create(engine, SMALL, tiny)
    with pytest.raises(ValueError, match="batch_size"):
        create(engine, SMALL.replace(batch_size=5000), tiny, instead_of=old.id)
    assert engine.find(old.id, "") is not None


def test_a_task_that_is_over_is_removed_even_if_nobody_watches_it(engine, tiny):
    run = create(engine, SMALL, tiny)
    unwatched(run, 1)
    run.over = True
    until(lambda: engine.find(run.id, "") is None)


def test_close_while_training_ends_the_work_and_may_be_repeated(tiny):
    engine = Engine(threads=1)
    runs = [create(engine, LONG, tiny) for _ in range(3)]
    for run in runs:
        tell(engine, run, Start())
    until(lambda: all(run.step > 0 for run in runs))
    engine.close()
    assert "mlpviz-engine" not in {thread.name for thread in threading.enumerate()}
    steps = [run.step for run in runs]
    time.sleep(0.05)
    assert [run.step for run in runs] == steps
    engine.close()


def test_the_global_generator_is_left_alone(engine, tiny):
    before = torch.get_rng_state()
    run = create(engine, SMALL, tiny)
    tell(engine, run, Start())
    finish(run)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_command_keeps_the_run_training(engine, tiny):
    run = create(engine, SMALL, tiny)
    unwatched(run, 1)
    tell(engine, run, OneStep())
    until(lambda: run.step == 1)


def test_an_idle_engine_sleeps(engine, tiny, monkeypatch):
    run = create(engine, SMALL, tiny)
    until(lambda: run.snapshot is not None and run.snapshot.status == "paused")
    looks = itertools.count()
    monkeypatch.setattr(run, "watched", lambda: next(looks) < 0)
    time.sleep(0.5)
    assert next(looks) <= 0.5 / IDLE + 2


def test_the_engine_uses_the_given_number_of_threads(tiny):
    engine = Engine(threads=2)
    try:
        run = create(engine, SMALL, tiny)
        until(lambda: run.snapshot is not None)
        assert run.snapshot.threads == 2
    finally:
        engine.close()


# questions


def test_questions_are_answered_between_two_steps_and_errors_go_to_the_caller(engine, tiny):
    run = create(engine, LONG, tiny)
    tell(engine, run, Start())
    until(lambda: run.look() is None and run.step > 0)
    assert engine.ask(run.id, "", lambda run: run.step).result(5) > 0
    with pytest.raises(ZeroDivisionError):
        engine.ask(run.id, "", lambda run: 1 / 0).result(5)
    assert not run.failed


def counting(pieces, seconds=0.0, fail=False):
    """A long question with this many pieces."""

    def question(run):
        for piece in range(pieces):
            end = time.thread_time() + seconds  # turns are measured in processor time
            while time.thread_time() < end:
                pass
            yield (piece + 1) / pieces
        if fail:
            raise ZeroDivisionError("at the end")
        return run.step

    return question


def test_a_long_question_reports_progress_and_others_train_meanwhile(engine, tiny):
    run, other = create(engine, SMALL, tiny), create(engine, LONG, tiny)
    tell(engine, other, Start())
    until(lambda: other.step > 0)
    before = other.step
    reply = engine.ask(run.id, "", counting(200, seconds=0.005))
    assert len(engine.mine("")) == 2, "a question is not one of the visitor's tasks"
    until(lambda: reply.look() or reply.progress > 0.1)
    assert reply.progress < 1 and not reply.done()
    assert reply.result(30) == run.step and reply.progress == 1.0
    assert other.step > before + 10


def test_all_questions_together_get_no_more_turns_than_training_runs(engine, tiny, monkeypatch):
    """Eight questions and one run in training: the run gets every second turn, and no question waits for ever."""
    asked = [create(engine, SMALL, tiny, owner=f"visitor {i}") for i in range(8)]
    run = create(engine, LONG, tiny)
    until(lambda: all(each.snapshot and each.snapshot.evaluations.size for each in (run, *asked)))
    until(lambda: all(each.inspections.line_shares for each in (run, *asked)))
    for each in asked:
        unwatched(each, 1)
    turns, turn = [], engine._turn

    def counted(task, *how):
        turns.append(task)
        return turn(task, *how)

    tell(engine, run, Start())
    replies = [engine.ask(each.id, each.owner, counting(10**9)) for each in asked]
    until(lambda: all(reply.progress > 0 for reply in replies))
    monkeypatch.setattr(engine, "_turn", counted)
    until(lambda: [run.look(), *(reply.look() for reply in replies)] and len(turns) > 200)
    counts = Counter(task for task in turns if isinstance(task, LongQuestion))
    assert abs(turns.count(run) - counts.total()) <= 2
    assert len(counts) == 8 and max(counts.values()) - min(counts.values()) <= 1


def test_an_error_in_a_long_question_goes_to_the_caller(engine, tiny):
    run = create(engine, SMALL, tiny)
    with pytest.raises(ZeroDivisionError, match="at the end"):
        engine.ask(run.id, "", counting(3, fail=True)).result(5)
    assert not run.failed


def test_a_cancelled_question_ends_at_once(engine, tiny):
    """The reader has clicked on something else: nobody needs the rest."""
    run = create(engine, SMALL, tiny)
    reply = engine.ask(run.id, "", counting(100_000, seconds=0.002))
    until(lambda: reply.progress > 0)
    reply.cancel()
    with pytest.raises(TimeoutError, match="Nobody waited"):
        reply.result(5)


def test_a_run_that_nobody_waits_for_is_not_created(engine, tiny):
    blocked = threading.Event()
    engine._between_steps(blocked.wait)
    reply = engine.create(NewRun(SMALL), "", tiny)
    assert reply.cancel()
    blocked.set()
    create(engine, SMALL, tiny)
    assert len(engine.mine("")) == 1


def test_a_waiting_caller_gets_an_error_when_the_server_stops(tiny):
    engine = Engine(threads=1)
    run = create(engine, SMALL, tiny)
    reply = engine.ask(run.id, "", counting(100_000, seconds=0.002))
    until(lambda: reply.progress > 0)
    engine.close()
    with pytest.raises(GoneError, match="shutting down"):
        reply.result(1)


def test_work_that_nobody_waits_for_ends(tiny):
    """On a clock where the waiting time is over at once."""
    pieces = []

    def question(run):
        while True:
            pieces.append(1)
            time.sleep(0.001)
            yield 0.0

    engine = Engine(threads=1)
    try:
        run = create(engine, SMALL, tiny)
        reply = engine.ask(run.id, "", question)
        until(lambda: pieces)
        reply.clock = Clock(now=lambda: time.monotonic() + LEASE + 1)
        with pytest.raises(TimeoutError, match="Nobody waited"):
            reply.result(5)
        made = len(pieces)
        time.sleep(0.1)
        assert len(pieces) == made
    finally:
        engine.close()


# failures


class Broken(FiniteTask):
    """A task that raises an error at a given place."""

    def __init__(self, where, error):
        super().__init__("")
        self.where, self.error = where, error

    def _here(self, place):
        if place == self.where and getattr(self, "armed", False):
            raise self.error

    @property
    def step(self):
        return 0

    @property
    def total_steps(self):
        return 1

    def has_work(self):
        self._here("has_work")
        return not self.failed

    def advance(self):
        self._here("advance")
        time.sleep(0.001)

    def progress(self):
        self._here("refresh")
        return time.monotonic()

    def make_snapshot(self, version, status):
        self._here("snapshot")
        from mlpviz.snapshot import TaskSnapshot

        return TaskSnapshot(version, self.id, status, self.message, 0, 1)

    def make_state(self):
        self._here("publish")
        return super().make_state()


@pytest.mark.parametrize(
    "error", [RuntimeError("no memory"), SystemExit(3), MemoryError()], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("where", ["has_work", "advance", "refresh", "snapshot", "publish"])
def test_an_error_stops_only_its_own_task_and_is_shown_once(engine, tiny, caplog, where, error):
    good, broken = create(engine, SMALL, tiny), engine.add(Broken(where, error))
    broken.armed = True
    until(lambda: broken.look() is None and broken.failed)
    state = engine.find(broken.id, "")
    assert state.status == broken.snapshot.status == "failed" and state.version == broken.snapshot.version
    assert type(error).__name__ in state.message and "Begin it again" in state.message
    tell(engine, good, Start())
    assert finish(good).status == "finished"
    assert len([record for record in caplog.records if "failed" in record.message]) == 1, (
        "logged once, not at every turn"
    )
    assert engine.troubles == 0


def test_a_run_whose_step_fails_shows_the_error(engine, tiny, monkeypatch, caplog):
    bad = create(engine, SMALL, tiny)

    def explode():
        raise RuntimeError("out of memory, say")

    monkeypatch.setattr(bad.trainer, "train_one", explode)
    tell(engine, bad, Start())
    assert finish(bad).status == "failed" and "RuntimeError: out of memory, say" in bad.snapshot.message
    assert engine.find(bad.id, "").message == bad.snapshot.message


def test_a_refused_command_raises_for_the_caller_and_the_run_stays(engine, tiny):
    run = create(engine, SMALL, tiny)
    with pytest.raises(ValueError, match="batch_size can't change"):
        tell(engine, run, Change(SMALL.replace(batch_size=7)))
    assert not run.failed and run.settings == SMALL


def test_any_other_error_in_a_command_stops_its_run_and_goes_to_the_caller(engine, tiny, caplog):
    run = create(engine, SMALL, tiny)

    def explode(run):
        raise SystemExit("fell over")

    with pytest.raises(RuntimeError, match="SystemExit: fell over"):
        engine.tell(run.id, "", explode).result(5)
    assert run.failed and "fell over" in engine.find(run.id, "").message and engine.troubles == 0


def test_an_error_of_the_engine_itself_is_recorded_and_the_turns_continue(engine, tiny, monkeypatch, caplog):
    run = create(engine, SMALL, tiny)
    monkeypatch.setattr(engine_module, "RECOVER", 0.01)
    broken = iter([True])

    def watched():
        if next(broken, False):
            raise RuntimeError("the clock stands still")
        return True

    monkeypatch.setattr(run, "watched", watched)
    until(lambda: engine.troubles == 1)
    assert engine.trouble == "RuntimeError: the clock stands still"
    tell(engine, run, Start())
    assert finish(run).status == "finished"


def test_a_thread_that_has_ended_is_restarted(tiny, monkeypatch):
    """No task can end the thread; this ends it from outside."""
    monkeypatch.setattr(Engine, "_work", lambda self: None)
    engine = Engine(threads=1)
    monkeypatch.undo()
    try:
        until(lambda: "mlpviz-engine" not in {thread.name for thread in threading.enumerate()})
        run = create(engine, SMALL, tiny)
        tell(engine, run, Start())
        assert finish(run).status == "finished" and engine.troubles == 1 and "thread had ended" in engine.trouble
    finally:
        engine.close()


def test_an_impossible_number_of_threads_is_recorded_and_training_continues(tiny, monkeypatch, caplog):
    def impossible():
        raise RuntimeError("99999999999 threads")

    monkeypatch.setattr(engine_module, "choose_threads", impossible)
    monkeypatch.setattr(engine_module, "RECOVER", 0.01)
    engine = Engine()
    try:
        run = create(engine, SMALL, tiny)
        tell(engine, run, Start())
        assert finish(run).status == "finished" and engine.troubles == 1
    finally:
        engine.close()


def test_only_a_run_can_be_fetched_as_a_run(engine, tiny):
    other = engine.add(Broken("nowhere", RuntimeError()))
    with pytest.raises(GoneError):
        engine.run(other.id, "")
    assert not isinstance(engine.task(other.id, ""), Run)
