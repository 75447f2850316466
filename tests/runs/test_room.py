"""Which tasks go for a new one, tested with fake tasks that have only numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mlpviz import Settings
from mlpviz.lessons import load_lessons
from mlpviz.runs.engine import MEMORY
from mlpviz.runs.errors import EngineFullError, TooLargeError
from mlpviz.runs.memory import PIN, Needs, run_memory, step_memory, walk_capacity, walk_memory
from mlpviz.runs.room import FORGET, MOST_RUNS, SHARE, Room


@dataclass(eq=False)
class Fake:
    owner: str
    memory: int = 10
    unwatched: float = 0.0  # seconds; 0 while somebody watches
    step: int = 1
    made_at: float = 0.0
    kind: str = "run"
    step_memory: int = 0
    follower: Fake | None = None
    id: str = field(default="", init=False)

    def __post_init__(self):
        self.id = str(id(self))

    def watched(self):
        return self.unwatched == 0

    def unwatched_seconds(self):
        return self.unwatched

    def companions(self):
        return [self.follower] if self.follower else []


RUN = Needs(10, is_run=True, essential=True)
EXTRA = Needs(10)


def room(memory=800, runs=MOST_RUNS):
    return Room(memory, runs)


def test_no_task_goes_while_there_is_room():
    tasks = [Fake("ada", unwatched=1), Fake("bob", unwatched=9999)]
    assert room().who_leaves(tasks, "ada", RUN) == []


def test_of_the_owners_tasks_unwatched_ones_go_first_then_the_oldest():
    new = Fake("ada", 50, made_at=9)
    old = Fake("ada", 30, made_at=1)
    never = Fake("ada", 10, unwatched=5, step=0)
    long = Fake("ada", 10, unwatched=50)
    tasks = [new, old, long, never, Fake("bob", 90, unwatched=1)]
    assert room().who_leaves(tasks, "ada", RUN) == [never]
    assert room().who_leaves(tasks, "ada", Needs(20, is_run=True, essential=True)) == [never, long]
    assert room().who_leaves(tasks, "ada", Needs(50, is_run=True, essential=True)) == [never, long, old]


def test_a_task_that_is_not_essential_removes_no_watched_run():
    tasks = [Fake("ada", 95)]
    with pytest.raises(EngineFullError, match="Your runs already use"):
        room().who_leaves(tasks, "ada", EXTRA)
    assert room().who_leaves(tasks, "ada", RUN) == tasks


def test_the_origin_of_a_task_stays_with_its_twin():
    twin = Fake("ada", 45, unwatched=100)
    run = Fake("ada", 45, unwatched=100, follower=twin)
    with pytest.raises(EngineFullError):
        room().who_leaves([run, twin], "ada", Needs(20), origin=run)
    assert room().who_leaves([run, twin], "ada", Needs(20)) == [run, twin], "a twin goes together with its run"


def test_twelve_runs_are_the_limit_and_pins_do_not_count():
    runs = [Fake("ada", 1, made_at=i) for i in range(12)]
    pins = [Fake("ada", 1, kind="pin", unwatched=99) for _ in range(20)]
    assert room().who_leaves(runs + pins, "ada", RUN) == [runs[0]]
    assert room().who_leaves(runs + pins, "ada", EXTRA) == []
    assert room().who_leaves(runs + pins, "ada", RUN, leaving=runs[3]) == [runs[3]]
    with pytest.raises(EngineFullError, match="12 runs"):
        room().who_leaves(runs + pins, "ada", Needs(1, is_run=True))


def test_a_task_that_can_never_fit_is_refused_at_once():
    with pytest.raises(TooLargeError, match="smaller hidden layers") as refused:
        room().who_leaves([], "ada", Needs(101, is_run=True, essential=True))
    assert "Try again" not in str(refused.value)
    with pytest.raises(TooLargeError):
        room().who_leaves([], "ada", Needs(50, step=760))


def test_the_memory_for_a_step_is_shared():
    """100 tasks, each with steps of 300, need these 300 only once: they make their steps in turn."""
    tasks = [Fake(f"visitor {i}", 4, step_memory=300) for i in range(100)]
    assert room().who_leaves(tasks, "ada", Needs(10, step=300, is_run=True)) == []
    with pytest.raises(EngineFullError, match="no room"):
        room().who_leaves(tasks, "ada", Needs(10, step=395, is_run=True))
    with pytest.raises(EngineFullError, match="no room"):
        room().who_leaves(tasks, "ada", Needs(10, step=300, is_run=True), beside=100)


def full(memory_each, visitors, **more):
    return [Fake(f"visitor {i}", memory_each, **more) for i in range(visitors)]


def test_a_full_server_first_removes_what_nobody_has_watched_for_long():
    tasks = full(10, 80)
    tasks[3].unwatched = FORGET + 1
    tasks[4].unwatched, tasks[4].step = 1, 0
    assert room().who_leaves(tasks, "ada", RUN) == [tasks[4]], "a run that never trained is no loss"
    assert room().who_leaves(tasks, "ada", Needs(15, is_run=True)) == [tasks[4], tasks[3]]
    with pytest.raises(EngineFullError, match="Try again in a few"):
        room().who_leaves(full(10, 80, unwatched=60), "ada", RUN)


def test_heavy_use_cannot_keep_others_out():
    """Eight visitors open a link with a very large network and watch it all the time."""
    heavy = full(100, 8)
    assert room().who_leaves(heavy, "ada", RUN) == [heavy[0]]
    with pytest.raises(EngineFullError):
        room().who_leaves(heavy, "ada", Needs(80, is_run=True)), "none of them uses far more than that"
    heavy[5].unwatched = 1
    assert room().who_leaves(heavy, "ada", RUN) == [heavy[5]]


def test_the_owners_undo_run_goes_before_other_visitors_runs():
    tasks = [*full(10, 79), Fake("ada", 10, unwatched=5)]
    assert room().who_leaves(tasks, "ada", RUN) == [tasks[-1]]


@pytest.mark.parametrize("layers", [(), (256,), (1024,) * 3, (1024,) * 6])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_every_allowed_network_fits_into_a_share_with_its_walks(layers, optimizer):
    settings = Settings(hidden_sizes=layers, optimizer=optimizer, batch_size=1)
    more_walks = (walk_capacity(settings) - 1) * walk_memory(settings)  # one is counted with the run
    assert run_memory(settings) + more_walks < MEMORY / SHARE


def test_100_visitors_through_every_lesson_fit():
    """Each visitor sets up the lesson and every variant, and trains each of them. The previous run stays for Undo and
    is pinned. Nobody is refused, and nobody loses the run that they watch."""
    lessons, _ = load_lessons()
    place, tasks = Room(MEMORY), []

    def make(owner, needs, **more):
        for leaving in place.who_leaves(tasks, owner, needs):
            assert not leaving.watched(), "somebody is watching it"
            tasks.remove(leaving)
        tasks.append(Fake(owner, needs.kept, step_memory=needs.step, **more))
        return tasks[-1]

    for lesson in lessons.values():
        tasks.clear()
        for query in (lesson.settings, *lesson.variants.values()):
            settings = Settings.from_params(query)
            needs = Needs(run_memory(settings), step_memory(settings), is_run=True, essential=True)
            for visitor in map(str, range(100)):
                own = [task for task in tasks if task.owner == visitor]
                if own:
                    make(visitor, Needs(PIN), kind="pin")
                for task in own:
                    if task.kind == "run" and task in tasks:
                        if task.watched():
                            task.unwatched = 1.0  # Undo returns to it
                        else:
                            tasks.remove(task)
                make(visitor, needs)
        assert sum(task.kind == "run" and task.watched() for task in tasks) == 100
