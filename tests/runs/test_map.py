"""A map in the engine: each of its cells is the run with the same settings."""

import math

import numpy as np
import pytest
import torch

from mlpviz import Trainer
from mlpviz.backend.commands import OneStep, Pause, Start, TrainTo
from mlpviz.backend.local import LocalBackend
from mlpviz.backend.saved import codec
from mlpviz.backend.specifications import MapOf, NewRun
from mlpviz.grid import Axis, Grid, read_axis, span
from mlpviz.runs.engine import YIELDED, Engine
from mlpviz.runs.errors import EngineFullError
from mlpviz.runs.map import Map
from mlpviz.runs.run import Run
from mlpviz.runs.saving import bring_back, save
from mlpviz.snapshot import Status
from mlpviz.stability.sharpness import PROBE_IMAGES, measure_sharpness
from mlpviz.store.store import Store
from mlpviz.sweep.cell import train_cell
from mlpviz.trainer import pixels
from tests.runs.test_saving import through_bytes
from tests.runs.working import SMALL, finish
from tests.waiting import until

RATES, SIZES = read_axis("learning_rate=0.01,0.1,50"), read_axis("batch_size=50,100")
GRID = Grid(SMALL, 60, SIZES, RATES)


@pytest.fixture
def engine():
    engine = Engine(threads=1)
    yield engine
    engine.close()


def alike(one, other):
    names = ("settings", "kind", "severity", "step", "total_steps", "loss", "test_loss", "test_accuracy")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    same = [a == b or (a != a and b != b) for a, b in pairs]
    return all(same) and np.array_equal(one.curve, other.curve, equal_nan=True)


def test_each_cell_is_the_run_of_the_command_whatever_the_order(engine, tiny):
    task = engine.add(Map(GRID, tiny, "ada"))
    until(lambda: task.look() is None and task.snapshot is not None and task.snapshot.status == "finished", 60)
    cells = task.snapshot.cells
    assert set(cells) == set(GRID.places()) and task.snapshot.step == task.snapshot.total_steps == 6 * 60
    for place, cell in cells.items():
        assert alike(cell, train_cell(GRID.settings_of(place), tiny, 60))


def test_its_curve_is_that_of_the_trainer(tiny):
    cells = finish(Map(GRID, tiny)).cells
    losses = Trainer(SMALL.replace(learning_rate=0.1, batch_size=50), tiny).train(60).numpy()
    assert span(60) == 2
    assert np.allclose(cells[0, 1].curve, losses.astype(np.float64).reshape(-1, 2).mean(axis=1), rtol=1e-6)
    assert cells[0, 1].ends().tolist() == list(range(2, 61, 2))


@pytest.mark.parametrize(("x", "y"), [(SIZES, RATES), (RATES, SIZES), (RATES, None), (SIZES, None)])
def test_the_sharpness_is_measured_beside_each_value_of_the_other_setting(tiny, x, y):
    grid = Grid(SMALL, 30, x, y)
    cells = finish(Map(grid, tiny)).cells
    measured = {place for place, cell in cells.items() if not math.isnan(cell.sharpness)}
    assert measured == {place for place in grid.places() if grid.settings_of(place).learning_rate == 0.01}
    for place in measured:
        oracle = Trainer(grid.settings_of(place), tiny)
        oracle.train(30)
        images, labels = tiny.train.images[:PROBE_IMAGES], tiny.train.labels[:PROBE_IMAGES]
        assert cells[place].sharpness == measure_sharpness(oracle.net, pixels(images), labels).value


def test_it_can_be_paused_and_goes_on_where_it_was(engine, tiny):
    task = engine.add(Map(Grid(SMALL, 60, SIZES, read_axis("learning_rate=0.01:0.1:log:30")), tiny, "ada"))
    until(lambda: task.look() is None and task.step > 30)
    state = engine.tell(task.id, "ada", Pause().carry_out).result(10)
    assert state.status == Status.PAUSED and 0 < state.step < state.total_steps
    until(lambda: task.look() is None and task.snapshot is not None and task.snapshot.status == "paused")
    assert task.step == state.step and not task.has_work()
    assert engine.tell(task.id, "ada", Start().carry_out).result(10).status == Status.TRAINING
    until(lambda: task.look() is None and task.snapshot.status == "finished", 60)
    for place in ((0, 0), (1, 17), (0, 29)):
        assert alike(task.snapshot.cells[place], train_cell(task.grid.settings_of(place), tiny, 60))


def test_a_snapshot_does_not_change_afterwards(tiny):
    task = Map(GRID, tiny)
    while len(task.make_snapshot(1, task.status).cells) < 2:
        task.advance()
    early = task.make_snapshot(1, task.status)
    finish(task)
    assert len(early.cells) == 2 and len(task.make_snapshot(2, task.status).cells) == 6


def test_what_can_not_be_is_refused_before_anything_is_trained(tiny):
    with pytest.raises(ValueError, match="batch_size is 1,001"):
        Map(Grid(SMALL, 10, read_axis("batch_size=10,1001")), tiny)
    with pytest.raises(ValueError, match="A map has one dataset"):
        Map(Grid(SMALL, 10, Axis("dataset", ("fashion-mnist-mini",))), tiny)


def test_its_memory_is_that_of_its_largest_cell(engine, tiny):
    small = Engine(memory=40 * 2**20, threads=1)
    try:
        with pytest.raises(EngineFullError):
            small.create(MapOf(Grid(SMALL, 10, read_axis("hidden_sizes=16,1024"))), "ada", tiny).result(10)
        assert small.create(MapOf(Grid(SMALL, 10, read_axis("hidden_sizes=16,8"))), "ada", tiny).result(10)
    finally:
        small.close()


@pytest.mark.parametrize("others", [1, 5])
def test_it_yields_to_people_and_only_to_them(engine, tiny, monkeypatch, others):
    """While others have work, all maps together get a small part of the time that the others get."""
    got: dict[str, float] = {"map": 0.0, "run": 0.0}
    monkeypatch.setattr(Map, "work", lambda self, seconds: got.__setitem__("map", got["map"] + seconds))
    monkeypatch.setattr(Run, "work", lambda self, seconds: got.__setitem__("run", got["run"] + seconds))
    maps = [engine.add(Map(GRID, tiny, "ada")) for _ in range(3)]
    maps[2].pause()  # it is watched, and has nothing to do
    runs = [engine.add(Run(SMALL.replace(epochs=1000), tiny, str(i))) for i in range(others)]
    for run in runs:
        engine.tell(run.id, run.owner, Start().carry_out).result(10)
    got.update(map=0.0, run=0.0)
    until(lambda: [task.look() for task in (*maps, *runs)] and got["run"] > 5)
    assert got["map"] / got["run"] == pytest.approx(YIELDED, rel=0.1)
    for run in runs:
        engine.drop(run.id, run.owner)
    got.update(map=0.0, run=0.0)
    until(lambda: [task.look() for task in maps] and got["map"] > 5)
    assert got["run"] < 0.5, "a last round of turns at most"


def test_a_cell_opens_as_the_very_run(engine, tiny):
    cells = finish(Map(GRID, tiny)).cells
    cell = cells[1, 1]
    run = engine.add(Run(cell.settings.replace(epochs=9), tiny, "ada"))
    engine.tell(run.id, "ada", TrainTo(cell.step).carry_out).result(10)
    until(lambda: run.look() is None and run.snapshot is not None and run.snapshot.step == 60)
    losses = run.snapshot.steps.column("loss").astype(np.float64)
    assert np.array_equal(cell.curve, losses.reshape(-1, 2).mean(axis=1).astype(np.float32))
    oracle = Trainer(cell.settings, tiny)
    oracle.train(60)
    assert all(
        torch.equal(one, other)
        for one, other in zip(run.trainer.net.parameters(), oracle.net.parameters(), strict=True)
    )
    assert oracle.evaluate().loss == cell.test_loss
    with pytest.raises(ValueError, match="The run is at step 60 already"):
        engine.tell(run.id, "ada", TrainTo(59).carry_out).result(10)
    assert engine.tell(run.id, "ada", OneStep().carry_out).result(10).goal == 61, "it can go on"


def partly(tiny, cells):
    task = Map(GRID, tiny, "ada")
    task.specification, task.threads = MapOf(GRID), 1
    while len(task.make_snapshot(1, task.status).cells) < cells:
        task.advance()
    for _ in range(7):
        task.advance()
    return task


@pytest.mark.parametrize("cells", [1, 3, 5])
def test_a_saved_map_goes_on_to_the_same_cells(tiny, cells):
    task = partly(tiny, cells)
    back = bring_back(through_bytes(save(task, "token")), tiny)
    assert (back.id, back.owner, back.threads) == (task.id, "ada", 1)
    assert back.specification == MapOf(GRID) and back.status == Status.PAUSED and not back.has_work()
    assert len(back.snapshot.cells) == cells, "it can be shown at once"
    back.start()
    whole, undisturbed = finish(back), finish(task)
    assert set(whole.cells) == set(undisturbed.cells)
    for place, cell in whole.cells.items():
        assert alike(cell, undisturbed.cells[place])
        assert cell.sharpness == pytest.approx(undisturbed.cells[place].sharpness, nan_ok=True)


def test_a_whole_map_comes_back_finished(tiny):
    task = Map(GRID, tiny, "ada")
    finish(task)
    assert bring_back(through_bytes(save(task, "")), tiny).status == Status.FINISHED


def test_it_is_kept_in_the_store_as_one_run(tmp_path):
    grid = Grid(SMALL, 20, SIZES, RATES)

    def open_backend():
        store = Store(tmp_path / "runs.db", codec())
        return LocalBackend(Engine(threads=1, keeper=store), store)

    backend = open_backend()
    made = backend.create(MapOf(grid), "ada").result(30)
    until(lambda: backend.look(made.token).status == Status.FINISHED, 60)
    cells = backend.snapshot(made.id, "ada").cells
    backend.close()
    backend = open_backend()
    try:
        (about,) = backend.store.about("ada")
        assert about.map == "batch size × learning rate, 6 cells" and about.step == about.total_steps == 120
        assert backend.store.usage("ada")[0] == 1 and backend.store.about("grace") == []
        assert backend.find(made.id, "grace") is None
        assert backend.find(made.id, "ada").status == Status.FINISHED
        again = backend.snapshot(made.id, "ada").cells
        assert set(again) == set(cells) and all(alike(cells[place], again[place]) for place in cells)
        run = backend.create(NewRun(SMALL), "ada").result(30)
        assert backend.find(run.id, "ada").status != Status.FINISHED
        backend.drop(made.id, "ada")
        assert backend.find(made.id, "ada") is None and backend.store.about("ada") == []
    finally:
        backend.close()
