"""Descriptions of new tasks: frozen values that go to the engine. The engine makes the task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlpviz.grid import Grid
from mlpviz.line_by_line.ablations import ABLATIONS
from mlpviz.runs.branch import branch
from mlpviz.runs.comparison import Comparison
from mlpviz.runs.map import Map
from mlpviz.runs.memory import PIN, Needs, map_needs, run_memory, step_memory, trainer_memory
from mlpviz.runs.pair import Pair
from mlpviz.runs.pin import Pin
from mlpviz.runs.range_test import RangeTest
from mlpviz.runs.run import Run
from mlpviz.runs.seeds import MOST_STEPS, Seeds
from mlpviz.runs.sweep import Sweep
from mlpviz.settings import Settings
from mlpviz.snapshot import Snapshot

if TYPE_CHECKING:
    from mlpviz.datasets import Dataset
    from mlpviz.runs.engine import Engine
    from mlpviz.runs.task import Task


class Specification(ABC):
    """The description of a new task."""

    @property
    def origin(self) -> str:
        """The id of the run that it starts from; empty if the settings alone describe it."""
        return ""

    @property
    def dataset_name(self) -> str:
        """The dataset that must be loaded for it; empty if it uses the dataset of a run."""
        return ""

    @property
    def tokens(self) -> Mapping[str, str]:
        """The tokens of the new tasks by their ids, where these have had tokens before."""
        return {}

    @abstractmethod
    def needs(self, engine: Engine, owner: str) -> Needs:
        """About how much memory the task will need."""

    @abstractmethod
    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Task:
        """Make the task, in the engine's thread."""


class OfSettings(Specification):
    """A task that the settings alone describe."""

    settings: Settings

    @property
    def dataset_name(self) -> str:
        return self.settings.dataset


@dataclass(frozen=True)
class NewRun(OfSettings):
    """A run at step 0. `threads`: how many of PyTorch's it uses, because its bits depend on it; None: the engine's."""

    settings: Settings
    threads: int | None = None

    def needs(self, engine: Engine, owner: str) -> Needs:
        return Needs(run_memory(self.settings), step_memory(self.settings), is_run=True, essential=True)

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Run:
        assert dataset is not None
        run = Run(self.settings, dataset, owner)
        run.threads = self.threads
        return run


@dataclass(frozen=True)
class CompareWith(OfSettings):
    """The normal program next to one with a changed line: a name in `mlpviz.line_by_line.what_ifs.WHAT_IFS`."""

    settings: Settings
    what_if: str

    def needs(self, engine: Engine, owner: str) -> Needs:
        settings = ABLATIONS[self.what_if].about.adapt(self.settings)
        return Needs(2 * trainer_memory(settings), step_memory(settings))

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Comparison:
        assert dataset is not None
        return Comparison(self.settings, dataset, ABLATIONS[self.what_if], owner)


@dataclass(frozen=True)
class SweepInitStds(OfSettings):
    """The settings' network, trained for one epoch from each of thirteen init stds."""

    settings: Settings

    def needs(self, engine: Engine, owner: str) -> Needs:
        return Needs(trainer_memory(self.settings), step_memory(self.settings))

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Sweep:
        assert dataset is not None
        return Sweep(self.settings, dataset, owner)


@dataclass(frozen=True)
class MapOf(Specification):
    """A run for each cell of the grid."""

    grid: Grid

    @property
    def dataset_name(self) -> str:
        return self.grid.settings.dataset

    def needs(self, engine: Engine, owner: str) -> Needs:
        return map_needs(self.grid)

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Map:
        assert dataset is not None
        return Map(self.grid, dataset, owner)


class OfRun(Specification):
    """A task that starts from one of the visitor's runs, given by its id."""

    run: str

    @property
    def origin(self) -> str:
        return self.run


@dataclass(frozen=True)
class BranchFrom(OfRun):
    """A run that starts at a checkpoint of that run: the latest one at or before `step`."""

    run: str
    step: int

    def needs(self, engine: Engine, owner: str) -> Needs:
        settings = engine.run(self.run, owner).settings
        return Needs(run_memory(settings), step_memory(settings), is_run=True)

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Run:
        return branch(engine.run(self.run, owner), self.step, owner)


@dataclass(frozen=True)
class TwinOf(OfRun):
    """A run in lockstep with that run, with these settings changed: pairs of a name and a value."""

    run: str
    changes: tuple[tuple[str, Any], ...]

    def needs(self, engine: Engine, owner: str) -> Needs:
        settings = engine.run(self.run, owner).settings.replace(**dict(self.changes))
        return Needs(run_memory(settings), step_memory(settings), is_run=True)

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Run:
        pair = Pair.of(engine.run(self.run, owner), dict(self.changes), owner)
        pair.begin()
        return pair.follower


@dataclass(frozen=True)
class PinOf(OfRun):
    """That run as it is now."""

    run: str

    def needs(self, engine: Engine, owner: str) -> Needs:
        return Needs(PIN)

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Pin:
        run = engine.run(self.run, owner)
        run.publisher.show_where_it_rests()
        if not isinstance(run.snapshot, Snapshot):
            raise LookupError("There is nothing to pin: this run has not shown anything yet.")
        return Pin(run.snapshot, owner)


@dataclass(frozen=True)
class RangeTestFrom(OfRun):
    """A learning-rate range test on a copy of that run's weights."""

    run: str

    def needs(self, engine: Engine, owner: str) -> Needs:
        settings = engine.run(self.run, owner).settings
        return Needs(trainer_memory(settings), step_memory(settings))

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> RangeTest:
        trainer = engine.run(self.run, owner).trainer
        return RangeTest(trainer.dataset, trainer.checkpoint(), owner)


@dataclass(frozen=True)
class SeedsOf(OfRun):
    """That run and its twin again, with this many other seeds, up to the run's current step.

    Attributes:
        settings: the run's settings at the time of the request. With other settings it is another request.
        changes: those of the twin. at: the step at which the twin began.
    """

    run: str
    settings: Settings
    changes: tuple[tuple[str, Any], ...]
    at: int
    seeds: int
    most_steps = MOST_STEPS  # of each run

    def needs(self, engine: Engine, owner: str) -> Needs:
        settings = engine.run(self.run, owner).settings
        changed = settings.replace(**dict(self.changes))
        both = (settings, changed)
        return Needs(sum(map(trainer_memory, both)), max(map(step_memory, both)))

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Seeds:
        run = engine.run(self.run, owner)
        log = run.recording.settings_log
        return Seeds(log, dict(self.changes), run.trainer.dataset, self.seeds, run.step, self.at, owner)
