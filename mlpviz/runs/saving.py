"""What is saved of a task: everything that it needs to continue with the same bits, as values.

The engine's thread only copies what may change. Somebody else writes it to disk.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlpviz.datasets import Dataset
from mlpviz.runs.clock import CLOCK, Clock
from mlpviz.runs.map import Map
from mlpviz.runs.pair import Pair
from mlpviz.runs.pin import Pin
from mlpviz.runs.publishing import run_snapshot
from mlpviz.runs.run import Run
from mlpviz.runs.task import Task
from mlpviz.settings import Settings
from mlpviz.snapshot import Status
from mlpviz.state import SavedRun
from mlpviz.trainer import Checkpoint

RUN, PIN, MAP = "run", "pin", "map"
FORMAT = 1  # of a state; a later version of mlpviz can tell it from its own
#: After a return, the versions of snapshots begin at so many times the seconds since 1970. Pages may know newer ones
#: than the saved one, but there are never so many in a second.
VERSIONS = 10
CURVE = 100  # points of the curve in the list of runs, at most


@dataclass(frozen=True, eq=False)
class Saved:
    """A task at one moment.

    Attributes:
        id, owner, token: as in `mlpviz.runs.task.Task` and `mlpviz.state.TaskState`.
        kind: `RUN`, `PIN` or `MAP`.
        about: what a list of runs shows of it; None for a pin.
        state: dictionaries, lists, values, arrays and tensors that nobody changes.
    """

    id: str
    owner: str
    token: str
    kind: str
    about: SavedRun | None
    state: dict[str, Any]


def is_saved(task: Task) -> bool:
    """Whether tasks of this kind are saved. A twin is saved with its leader."""
    return isinstance(task, Pin | Map) or (isinstance(task, Run) and task.follows is None)


def what_is_saved(task: Task) -> tuple[object, ...]:
    """A value that changes when there is more to save."""
    if isinstance(task, Map):
        return (task.step if task.status == Status.PAUSED else None, task.progress())
    if not isinstance(task, Run):
        return (task.id,)
    recording, health = task.recording, task.health
    switches = (health.pauses_when_ill, task.inspections.sharpness.on, task.inspections.examples.chosen)
    results = (len(recording.evaluations), health.post_mortem, recording.prices.times("sharpness"))
    twin = task.leads.follower.id if task.leads is not None else None
    return (task.step, task.step >= task.goal, task.settings, task.pace.speed, switches, results, twin)


def save(task: Task, token: str, twin_token: str = "") -> Saved:
    """The task now."""
    if isinstance(task, Pin):
        state = {"specification": task.specification, "snapshot": task.snapshot}
        return Saved(task.id, task.owner, token, PIN, None, state)
    if isinstance(task, Map):
        state = {"specification": task.specification, "map": task.kept()}
        return Saved(task.id, task.owner, token, MAP, describe_map(task), state)
    assert isinstance(task, Run)
    about = describe(task)
    state = _state_of(task)
    if task.leads is not None:
        twin = task.leads.follower
        state["twin"] = {"pair": task.leads.kept(), "id": twin.id, "token": twin_token, "run": _state_of(twin)}
    return Saved(task.id, task.owner, token, RUN, about, state)


def describe(run: Run) -> SavedRun:
    """The row of the run in a list of runs."""
    run.collect()
    steps = run.recording.steps.series()
    losses = steps.column("loss")
    apart = -(-len(losses) // CURVE) or 1
    curve = zip(steps.ends()[::apart].tolist(), losses[::apart].tolist(), strict=True)
    return SavedRun(
        id=run.id,
        settings=run.settings,
        step=run.step,
        total_steps=run.total_steps,
        status=run.status,
        was_training=run.step < run.goal,
        loss=(run.recording.recent_means() or (None,))[0],
        begun_at=run.begun_at,
        evaluation=_tested(run),
        diagnosis=str(run.health.diagnosis.kind) if run.health.diagnosis is not None else "",
        severity=str(run.health.diagnosis.severity) if run.health.diagnosis is not None else "",
        curve=tuple(curve),
        changes=len(run.recording.changes),
    )


def describe_map(task: Map) -> SavedRun:
    """The row of the map in a list of maps."""
    grid = task.grid
    return SavedRun(
        id=task.id,
        settings=grid.settings,
        step=task.step,
        total_steps=task.total_steps,
        status=task.status,
        was_training=task.has_work(),
        loss=None,
        evaluation=None,
        diagnosis="",
        severity="",
        curve=(),
        changes=0,
        map=f"{' × '.join(axis.words for axis in grid.axes)}, {len(grid)} cells",
    )


def _tested(run: Run) -> tuple[float, float] | None:
    """The latest test loss and accuracy, but not those from before it was trained."""
    step, *values = run.recording.evaluations[-1] if run.recording.evaluations else (0, 0.0, 0.0)
    return (values[0], values[1]) if step > run.begun_at else None


def _state_of(run: Run) -> dict[str, Any]:
    run.collect()
    return {
        "format": FORMAT,
        "specification": run.specification,
        "network": now(run),
        "threads": run.threads or torch.get_num_threads(),
        "goal": run.goal,
        "begun_at": run.begun_at,
        "speed": run.pace.speed,
        "interrupted_at": run.interrupted_at if run.interrupted_at == run.step else None,
        "failed": run.failed,
        "message": run.message,
        "recording": run.recording.kept(),
        "inspections": run.inspections.kept(),
        "health": run.health.kept(),
        "film": run.film.kept(),
        "twin": None,
    }


def now(run: Run) -> dict[str, Any]:
    """The trainer of the run as it is now: its checkpoint, and the gradients of the latest step."""
    checkpoint = run.trainer.checkpoint()
    gradients = [None if p.grad is None else p.grad.detach().clone() for p in run.trainer.net.parameters()]
    return {**vars(checkpoint), "gradients": gradients}


def bring_back(saved: Saved, dataset: Dataset | None, clock: Clock = CLOCK) -> Task:
    """The saved task again, with its id. A run is paused where it was saved."""
    if saved.kind == PIN:
        pin = Pin(saved.state["snapshot"], saved.owner)
        pin.id, pin.specification = saved.id, saved.state["specification"]
        return pin
    assert dataset is not None
    if saved.kind == MAP:
        grid = Map(saved.state["map"]["grid"], dataset, saved.owner, clock)
        grid.id, grid.specification = saved.id, saved.state["specification"]
        grid.first_version = int(VERSIONS * time.time())
        grid.give_back(saved.state["map"])
        grid.snapshot = grid.make_snapshot(grid.first_version + 1, grid.status)
        return grid
    run = _run(saved.id, saved.owner, saved.state, dataset, clock)
    twin = saved.state["twin"]
    if twin is not None:
        follower = _run(twin["id"], saved.owner, twin["run"], dataset, clock)
        pair = Pair(run, follower, twin["pair"]["changes"])
        pair.give_back(twin["pair"])
        pair.begin()
    for each in (run, *(task for task in run.companions() if isinstance(task, Run))):
        _show(each)
    return run


def settings_of(state: dict[str, Any]) -> Settings:
    """The settings of a saved run at that moment."""
    settings: Settings = state["network"]["settings"]
    return settings


def _run(run_id: str, owner: str, state: dict[str, Any], dataset: Dataset, clock: Clock) -> Run:
    network = dict(state["network"])
    gradients: list[Tensor | None] = network.pop("gradients")
    run = Run(network["settings"], dataset, owner, clock=clock, speed=state["speed"])
    run.id, run.specification, run.threads = run_id, state["specification"], state["threads"]
    run.trainer.restore(Checkpoint(**network))
    for parameter, gradient in zip(run.trainer.net.parameters(), gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.to(parameter.device)
    run.recording.give_back(state["recording"])
    run.inspections.give_back(state["inspections"])
    run.health.give_back(state["health"])
    run.film.give_back(state.get("film", {}))
    run.goal, run.begun_at = run.step, state["begun_at"]
    run.first_version = int(VERSIONS * time.time())
    run.interrupted_at = run.step if state["goal"] > run.step else state["interrupted_at"]
    run.failed, run.message = state["failed"], state["message"]
    return run


def _show(run: Run) -> None:
    """A snapshot at once: the page need not wait for the run's turn."""
    inspection, _ = run.inspections.show()
    run.snapshot = run_snapshot(run, inspection, 0.0)
