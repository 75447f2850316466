"""A pinned run: how it stood when it was pinned, kept for as long as there is room."""

from __future__ import annotations

from mlpviz.snapshot import Snapshot
from mlpviz.task import Task

PIN_BYTES = 2**19


class Pin(Task):
    """A task with nothing to do but to show its snapshot; the run itself may go on, or go."""

    snapshot: Snapshot

    def __init__(self, snapshot: Snapshot, owner: str = "") -> None:
        super().__init__(owner)
        self.bytes = PIN_BYTES
        self.snapshot = snapshot

    @property
    def step(self) -> int:
        return self.snapshot.step

    @property
    def status(self) -> str:
        return "finished"

    def has_work(self) -> bool:
        return False

    def advance(self) -> None:
        raise RuntimeError("A pinned run doesn't go on.")

    def refresh(self, watched: int) -> None:
        pass
