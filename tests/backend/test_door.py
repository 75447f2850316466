"""The interface to the runs: everything that goes through it is a value, and the answers are those of the run."""

import inspect
import pickle

import numpy as np
import pytest
import torch

from mlpviz import DatasetError, Trainer, load_dataset
from mlpviz.backend import commands, questions, specifications
from mlpviz.backend.commands import (
    Change,
    EndTwin,
    ForgetWalk,
    OneEpoch,
    OneStep,
    Pause,
    SetPausing,
    SetSharpness,
    Start,
)
from mlpviz.backend.door import Backend, EngineFullError, GoneError
from mlpviz.backend.local import LocalBackend
from mlpviz.backend.questions import (
    CameTrue,
    CheckGradient,
    Classify,
    CompareModes,
    CurrentSnapshot,
    Explain,
    FirstSignals,
    GradientOf,
    HiddenUnit,
    HiddenUnits,
    Look,
    LossAlongNextStep,
    LossPlane,
    MoveOf,
    NeighboursOf,
    OtherDevice,
    WalkNextStep,
)
from mlpviz.backend.specifications import (
    BranchFrom,
    CompareWith,
    NewRun,
    PinOf,
    RangeTestFrom,
    SeedsOf,
    SweepInitStds,
    TwinOf,
)
from mlpviz.line_by_line.ablations import ABLATIONS
from mlpviz.runs.engine import Engine
from mlpviz.runs.memory import PIN, Needs, run_memory, step_memory, trainer_memory, walk_memory
from mlpviz.runs.room import SHARE
from mlpviz.state import PinState, RunState
from mlpviz.trainer import pixels
from tests.pickled import PickledBackend, through
from tests.runs.working import SMALL
from tests.waiting import awaited, until

ADA = "ada"
TAB = "a tab"
LONG = SMALL.replace(epochs=1000)


@pytest.fixture(scope="module")
def local():
    backend = LocalBackend(Engine(threads=1))
    yield backend
    backend.close()


@pytest.fixture(params=["local", "pickled"])
def door(request, local):
    return local if request.param == "local" else PickledBackend(local)


@pytest.fixture
def run(door):
    """A run that rests at step 3."""
    state = door.create(NewRun(SMALL), ADA).result(10)
    for step in (1, 2, 3):
        door.tell(state.id, ADA, OneStep()).result(10)
        until(lambda step=step: door.find(state.id, ADA).step == step)
    yield door.find(state.id, ADA)
    door.drop(state.id, ADA)


@pytest.fixture
def oracle():
    """The same training, by the trainer alone."""
    torch.set_num_threads(1)
    trainer = Trainer(SMALL, load_dataset(SMALL.dataset))
    trainer.train(3)
    return trainer


def concrete(module, base):
    members = inspect.getmembers(module, inspect.isclass)
    return [cls for _, cls in members if issubclass(cls, base) and not inspect.isabstract(cls)]


@pytest.mark.parametrize(
    "cls",
    [
        *concrete(commands, commands.Command),
        *concrete(questions, questions.Question),
        *concrete(specifications, specifications.Specification),
    ],
    ids=lambda cls: cls.__name__,
)
def test_requests_are_frozen_and_at_module_level(cls):
    assert "__dataclass_params__" in vars(cls) and cls.__dataclass_params__.frozen
    assert pickle.loads(pickle.dumps(cls)) is cls


def test_both_backends_have_every_method_of_the_protocol(local):
    for name in (name for name in vars(Backend) if not name.startswith("_") and name != "store"):
        assert callable(getattr(local, name)) and callable(getattr(PickledBackend(local), name))
        ours, theirs = (inspect.signature(getattr(cls, name)) for cls in (LocalBackend, Backend))
        assert list(ours.parameters) == list(theirs.parameters), name


def test_only_its_owner_finds_a_run(door, run):
    assert isinstance(run, RunState) and run.settings == SMALL and run.specification == NewRun(SMALL)
    assert door.find(run.id, "eve") is None and door.snapshot(run.id, "eve") is None
    assert door.results(run.id, "eve") is None
    assert [state.id for state in door.list(ADA)] == [run.id] and door.list("eve") == ()
    for reply in (door.tell(run.id, "eve", Start()), door.ask(run.id, "eve", CurrentSnapshot())):
        with pytest.raises(GoneError):
            reply.result(5)
    assert door.look(run.token).step == 3 and door.look(run.id) is None


def test_commands_do_what_they_say(door, run):
    changed = door.tell(run.id, ADA, Change(SMALL.replace(learning_rate=0.3, epochs=7))).result(5)
    assert (changed.settings.learning_rate, changed.total_steps) == (0.3, 700)
    assert changed.changes == ((3, "learning rate 0.1 → 0.3"),)
    assert door.tell(run.id, ADA, SetPausing(False)).result(5).pauses_when_ill is False
    assert door.tell(run.id, ADA, SetSharpness(True)).result(5).measures_sharpness is True
    assert door.tell(run.id, ADA, OneEpoch()).result(5).goal == 100
    assert door.tell(run.id, ADA, Start()).result(5).goal == 700
    stopped = door.tell(run.id, ADA, Pause()).result(5)
    assert stopped.goal == stopped.step and stopped.status == "paused"


def test_the_caller_gets_the_error_when_a_run_refuses(door, run):
    with pytest.raises(ValueError, match="seed can't change"):
        door.tell(run.id, ADA, Change(SMALL.replace(seed=5))).result(5)
    with pytest.raises(ValueError, match="batch_size"):
        door.create(NewRun(SMALL.replace(batch_size=10_001)), ADA).result(5)
    with pytest.raises(DatasetError, match="not on this machine"):
        door.create(NewRun(SMALL.replace(dataset="kmnist")), ADA)
    with pytest.raises(LookupError, match="no longer open here"):
        door.ask(run.id, ADA, GradientOf(TAB, 99, "W1")).result(5)
    with pytest.raises(GoneError):
        door.create(BranchFrom("nonsense", 0), ADA).result(5)
    assert door.find(run.id, ADA).status == "paused"


def test_the_caller_gets_an_error_when_the_server_is_full(door, local, run, monkeypatch):
    monkeypatch.setattr(local.engine.room, "memory", SHARE * (run_memory(SMALL) + PIN // 2))
    for specification in (PinOf(run.id), TwinOf(run.id, (("learning_rate", 0.3),)), RangeTestFrom(run.id)):
        with pytest.raises(EngineFullError, match="one visitor may use"):
            door.create(specification, ADA).result(5)
    assert door.find(run.id, ADA).twin is None, "no half-made twin remains"


# questions


def test_the_snapshot_shows_the_step_where_the_run_rests(door, run, oracle):
    snapshot = door.ask(run.id, ADA, CurrentSnapshot()).result(5)
    expected = Trainer(SMALL, load_dataset(SMALL.dataset)).train(3)
    assert snapshot.step == 3 and snapshot.steps.column("loss").tolist() == expected.tolist()
    assert door.snapshot(run.id, ADA).version == snapshot.version


def test_a_walk_and_the_questions_about_it(door, local, run, oracle):
    walk = door.ask(run.id, ADA, WalkNextStep(TAB)).result(10)
    memory = local.engine.task(run.id, ADA).memory
    before = oracle.net[1].weight.detach().clone()
    (loss,) = oracle.train(1).tolist()
    assert (walk.step, walk.loss) == (4, loss)
    gradient = door.ask(run.id, ADA, GradientOf(TAB, 4, "W1")).result(5)
    assert np.array_equal(gradient, oracle.net[1].weight.grad.numpy())
    place = walk.parameter("W1").largest
    move = door.ask(run.id, ADA, MoveOf(TAB, 4, "W1", place)).result(5)
    assert move.theta == before[place].item() and move.actual == oracle.net[1].weight[place].item()
    check = door.ask(run.id, ADA, CheckGradient(TAB, 4, "W1", place)).result(10)
    assert check.entry == gradient[place] and check.errors("float64").min() < 1e-5
    assert door.ask(run.id, ADA, CameTrue(TAB, 4)).result(5) is False, "the run has not made it yet"
    door.tell(run.id, ADA, OneStep()).result(5)
    until(lambda: door.find(run.id, ADA).step == 4)
    assert door.ask(run.id, ADA, CameTrue(TAB, 4)).result(5) is True
    assert np.array_equal(door.ask(run.id, ADA, GradientOf(TAB, 4, "W1")).result(5), gradient), (
        "also after the run has made it"
    )
    door.ask(run.id, ADA, WalkNextStep("another tab")).result(10)
    more = local.engine.task(run.id, ADA).memory - memory
    assert more == walk_memory(SMALL), "room for one walk is always counted, and for more when they come"
    for tab in (TAB, "another tab"):
        door.tell(run.id, ADA, ForgetWalk(tab)).result(5)
    assert local.engine.task(run.id, ADA).memory == memory
    with pytest.raises(LookupError):
        door.ask(run.id, ADA, MoveOf(TAB, 4, "W1", place)).result(5)


def test_each_reader_has_their_own_walk(door, local, run):
    """Two tabs of one visitor look at one run. One of them leaves, and the other continues."""
    walk = door.ask(run.id, ADA, WalkNextStep(TAB)).result(10)
    door.ask(run.id, ADA, WalkNextStep("another tab")).result(10)
    door.tell(run.id, ADA, ForgetWalk("another tab")).result(5)
    assert door.ask(run.id, ADA, GradientOf(TAB, 4, "b2")).result(5).shape == walk.parameter("b2").shape
    for tab in range(10):
        door.ask(run.id, ADA, WalkNextStep(f"tab {tab}")).result(10)
    assert len(local.engine.run(run.id, ADA).walks) == 4, "no more are kept"
    again = door.ask(run.id, ADA, GradientOf(TAB, 4, "b2")).result(5)
    assert again.shape == walk.parameter("b2").shape, "it is taken apart again while the run rests before it"


def test_a_run_that_failed_before_its_first_snapshot_has_none(door, local, run):
    behind = local.engine.run(run.id, ADA)
    behind.snapshot = None
    behind.fail(RuntimeError("no memory"))
    assert door.ask(run.id, ADA, CurrentSnapshot()).result(5) is None
    with pytest.raises(LookupError, match="nothing to pin"):
        door.create(PinOf(run.id), ADA).result(5)


def test_a_task_counts_the_memory_of_all_its_networks(door, local, run):
    small = local.engine.run(run.id, ADA).memory
    wide = SMALL.replace(hidden_sizes=(512, 512))
    large = run_memory(wide)
    twin = (("hidden_sizes", (512, 512)),)
    beginning = door.create(NewRun(SMALL), ADA).result(10)
    assert TwinOf(beginning.id, twin).needs(local.engine, ADA) == Needs(large, step_memory(wide), is_run=True)
    assert large > small
    both = trainer_memory(wide) + trainer_memory(SMALL)
    assert SeedsOf(beginning.id, SMALL, twin, 0, 2).needs(local.engine, ADA) == Needs(both, step_memory(wide))
    task = door.create(CompareWith(SMALL, next(iter(ABLATIONS))), ADA).result(10)
    assert local.engine.task(task.id, ADA).memory == 2 * trainer_memory(SMALL)


def test_images_are_classified_and_explained(door, run, oracle):
    images = oracle.dataset.test.images
    with torch.no_grad():
        z = oracle.net(pixels(images[7:8]))[0].numpy()
    said = door.ask(run.id, ADA, Classify(images[7].numpy().tobytes())).result(5)
    assert said.step == 3 and np.array_equal(said.logits, z) and said.best == z.argmax()
    for look in Look:
        explanation = door.ask(run.id, ADA, Explain(7, look)).result(20)
        assert explanation.best == explanation.target == z.argmax()
        assert np.array_equal(explanation.pixels, images[7].numpy())
        assert (explanation.look is None) == (look == Look.PREDICTION)
    about = door.ask(run.id, ADA, Explain(7, Look.CONTRIBUTIONS, target=4)).result(5)
    assert about.target == 4 and about.look.logit == pytest.approx(z[4], rel=1e-5)
    nearest = door.ask(run.id, ADA, NeighboursOf((7, 8))).result(20)
    assert nearest.indices.shape == (2, 8) and (np.diff(nearest.distances, axis=1) >= 0).all()


def test_hidden_units(door, run, oracle):
    table, best = door.ask(run.id, ADA, HiddenUnits(0, None)).result(20)
    assert best.unit == table.importance.argmax() and best.step == 3
    assert door.ask(run.id, ADA, HiddenUnits(0, 7)).result(20)[1].unit == 7
    assert door.ask(run.id, ADA, HiddenUnit(0, 5, 2)).result(20) is None, "the run is at step 3"
    look = door.ask(run.id, ADA, HiddenUnit(0, 5, 3)).result(20)
    right = look.predicted == look.labels
    assert table.step == look.step == 3
    assert table.importance[5] == pytest.approx(right.mean() - (look.without == look.labels).mean())
    assert right.mean() == oracle.evaluate().accuracy


def test_the_loss_around_the_weights(door, run, oracle):
    along = door.ask(run.id, ADA, LossAlongNextStep()).result(20)
    plane = door.ask(run.id, ADA, LossPlane()).result(60)
    (loss,) = oracle.train(1).tolist()
    assert along.step == 3 and along.losses[0] == pytest.approx(loss, rel=1e-5)
    assert plane.losses.shape == (25, 25) and np.isfinite(plane.losses).all()


def test_the_lines_around_the_update(door, run):
    device, words = door.ask(run.id, ADA, OtherDevice()).result(5)
    assert device == "meta" and "meta" in words
    assert door.ask(run.id, ADA, CompareModes()).result(10).same_logits
    measured, predicted = door.ask(run.id, ADA, FirstSignals(SMALL, 0.01)).result(20)
    assert measured.losses == pytest.approx(predicted.losses, rel=0.01)


def test_a_long_question_reports_its_progress(door, run):
    reply = door.ask(run.id, ADA, LossPlane())
    seen = set()
    until(lambda: reply.look() or seen.add(reply.progress) or reply.progress == 1.0, 60)
    assert reply.result(5).losses.shape == (25, 25) and len(seen) > 3


def test_many_questions_do_not_stop_training(door):
    """Ten runs train while ten landscapes are computed: all of them make progress."""
    runs = [door.create(NewRun(LONG.replace(seed=seed)), ADA).result(10) for seed in range(10)]
    for state in runs:
        door.tell(state.id, ADA, Start()).result(10)
    until(lambda: all(door.find(state.id, ADA).step > 0 for state in runs))
    before = [door.find(state.id, ADA).step for state in runs]
    replies = [door.ask(state.id, ADA, LossPlane()) for state in runs]
    planes = []

    def look():
        return [each.look() for each in replies] + [door.look(state.token) for state in runs]

    for reply in replies:
        until(lambda reply=reply: look() and reply.progress == 1.0, 120)
        planes.append(reply.result(10))
    after = [door.find(state.id, ADA).step for state in runs]
    assert len(planes) == 10 and all(b - a > 20 for a, b in zip(before, after, strict=True))
    for state in runs:
        door.drop(state.id, ADA)


# tasks


def test_tasks_are_made_from_their_specifications(door, run):
    twin = door.create(TwinOf(run.id, (("learning_rate", 0.3),)), ADA).result(10)
    state = door.find(run.id, ADA)
    assert (state.twin.id, state.twin.token, state.twin.begun_at) == (twin.id, twin.token, 3)
    seeds = SeedsOf(run.id, state.settings, (("learning_rate", 0.3),), 0, 2)
    made = {
        "comparison": door.create(CompareWith(SMALL.replace(epochs=1), "ascent"), ADA).result(10),
        "sweep": door.create(SweepInitStds(SMALL.replace(epochs=1)), ADA).result(10),
        "range test": door.create(RangeTestFrom(run.id), ADA).result(10),
        "seeds": door.create(seeds, ADA).result(10),
        "branch": door.create(BranchFrom(run.id, 2), ADA).result(10),
    }
    assert made["seeds"].specification == seeds and made["seeds"].total_steps == 4 * 3
    assert made["branch"].step == 0 and isinstance(made["branch"], RunState)
    until(lambda: door.look(made["range test"].token).status == "finished", 30)
    assert door.snapshot(made["range test"].id, ADA).step == door.look(made["range test"].token).step > 50
    pin = door.create(PinOf(run.id), ADA).result(10)
    assert isinstance(pin, PinState) and (pin.run, pin.step) == (run.id, 3)
    assert door.snapshot(pin.id, ADA).steps.rows == 3
    assert door.tell(run.id, ADA, EndTwin()).result(5).twin is None
    for state in door.list(ADA):
        if state.id != run.id:
            door.drop(state.id, ADA)


def test_the_newest_snapshot_comes_in_parts(door, run):
    newest = awaited(door.newest(run.token, None, frozenset()))
    assert newest.run == run.id and {"head", "tiles", "Loss"} <= {part.name for part in newest.parts}
    assert awaited(door.newest(run.token, (newest.run, newest.version), frozenset())).parts == ()
    assert awaited(door.newest("nonsense", None, frozenset())) is None


def test_everything_published_can_be_pickled(local, run):
    task = local.engine.task(run.id, ADA)
    for value in (task.state, task.snapshot, task.recording.results):
        copy = through(value)
        assert type(copy) is type(value) and copy is not value
