"""What a server with saved runs needs: the codec for everything that a task consists of, and the store itself."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING

from mlpviz import (
    diagnosis,
    examples,
    film,
    grid,
    history,
    options,
    pictures,
    prices,
    results,
    settings,
    snapshot,
    state,
)
from mlpviz.backend import specifications
from mlpviz.runs.memory import PIN, Needs, map_needs, run_memory, step_memory
from mlpviz.runs.saving import MAP, RUN, Saved, bring_back, settings_of
from mlpviz.stability import sharpness
from mlpviz.store.codec import Codec
from mlpviz.store.store import Store
from mlpviz.trainer import Checkpoint

if TYPE_CHECKING:
    from mlpviz.datasets import Dataset
    from mlpviz.runs.engine import Engine
    from mlpviz.runs.task import Task

VALUES = (
    diagnosis,
    examples,
    film,
    grid,
    history,
    pictures,
    prices,
    results,
    settings,
    snapshot,
    state,
    sharpness,
    specifications,
)

#: What never changes, and is written once: checkpoints, results of the test set, and the moments of the film.
APART = (Checkpoint, results.Results, results.PastPredictions, film.Moment)


@functools.cache
def codec() -> Codec:
    """Writes and reads the state of a task. It knows all values in the modules above."""
    return Codec([Checkpoint, *(each for module in VALUES for each in _values(module))], APART)


def _values(module: ModuleType) -> list[type]:
    classes = [each for each in vars(module).values() if isinstance(each, type)]
    return [each for each in classes if is_dataclass(each) or (issubclass(each, Enum) and len(each))]


def open_store() -> Store | None:
    """The store that the options name; None if there shall be none."""
    path = options.store_file()
    return Store(path, codec()) if path is not None else None


@dataclass(frozen=True, eq=False)
class BringBack(specifications.Specification):
    """A task that was saved."""

    saved: Saved

    @property
    def dataset_name(self) -> str:
        if self.saved.kind == MAP:
            return str(self.saved.state["map"]["grid"].settings.dataset)
        return settings_of(self.saved.state).dataset if self.saved.kind == RUN else ""

    @property
    def tokens(self) -> Mapping[str, str]:
        twin = self.saved.state.get("twin")
        return {self.saved.id: self.saved.token} | ({twin["id"]: twin["token"]} if twin else {})

    def needs(self, engine: Engine, owner: str) -> Needs:
        if self.saved.kind == MAP:
            return map_needs(self.saved.state["map"]["grid"])
        if self.saved.kind != RUN:
            return Needs(PIN)
        twin = self.saved.state.get("twin")
        settings = [settings_of(self.saved.state), *([settings_of(twin["run"])] if twin else [])]
        kept, step = sum(map(run_memory, settings)), max(map(step_memory, settings))
        return Needs(kept, step, is_run=True, essential=True)

    def build(self, engine: Engine, owner: str, dataset: Dataset | None) -> Task:
        return bring_back(self.saved, dataset)
