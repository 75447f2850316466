"""Servers with a file of saved runs, for tests."""

from __future__ import annotations

from pathlib import Path

from mlpviz.backend.local import LocalBackend
from mlpviz.backend.saved import codec
from mlpviz.runs.engine import Engine
from mlpviz.store.store import Store
from tests.waiting import until

ADA, BEN = "ada", "ben"


def serve(path: Path, **engine) -> LocalBackend:
    """A backend that saves its runs in this file."""
    store = Store(path, codec())
    return LocalBackend(Engine(**{"threads": 1, **engine}, keeper=store), store)


def trained(backend: LocalBackend, run_id: str, step: int, owner: str = ADA) -> None:
    """Wait until the run rests at this step."""
    until(lambda: (run := backend.find(run_id, owner)).step == run.goal == step)


def weights(backend: LocalBackend, run_id: str, owner: str = ADA):
    """Copies of its parameters."""
    return [p.detach().clone() for p in backend.engine.task(run_id, owner).trainer.net.parameters()]
