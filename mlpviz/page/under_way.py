"""A visitor's tasks other than runs: at most one of each kind at a time."""

from __future__ import annotations

import streamlit as st

from mlpviz.backend.specifications import Specification
from mlpviz.page import door
from mlpviz.page.memory import TASKS, Slot
from mlpviz.page.words import plain
from mlpviz.state import TaskState


class UnderWay:
    """A place for one task.

    Args:
        name: identifies it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._problem = Slot(f"{name}_problem", str)

    def state(self) -> TaskState | None:
        """The state of the task, if it exists."""
        return door.watch(TASKS.get().get(self._name, ""))

    def begin(self, specification: Specification) -> None:
        """A callback: create a task in place of the previous one. The next script run shows any error."""
        tasks = TASKS.get()
        try:
            tasks[self._name] = door.create(specification, instead_of=tasks.get(self._name, "")).id
        except door.RefusedError as error:
            self._problem.set(str(error))

    def stop(self) -> None:
        """A callback: remove the task."""
        door.drop(TASKS.get().pop(self._name, ""))

    def say_problem(self) -> None:
        """Say once why a task could not be created."""
        if problem := self._problem.take():
            st.error(plain(problem))


COMPARISON = UnderWay("comparison")
SWEEP = UnderWay("sweep")
RANGE_TEST = UnderWay("range_test")
SEEDS = UnderWay("seeds_task")
