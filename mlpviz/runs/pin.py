"""A pinned run: how it stood when it was pinned, kept for as long as there is room."""

from __future__ import annotations

from mlpviz.runs.memory import PIN
from mlpviz.runs.task import Task
from mlpviz.snapshot import Snapshot, Status
from mlpviz.state import PinState


class Pin(Task):
    """A task with nothing to do but to show its snapshot; the run itself may go on, or go."""

    snapshot: Snapshot

    def __init__(self, snapshot: Snapshot, owner: str = "") -> None:
        super().__init__(owner, PIN)
        self.snapshot = snapshot

    @property
    def step(self) -> int:
        """That of the run when it was pinned."""
        return self.snapshot.step

    @property
    def total_steps(self) -> int:
        """Likewise."""
        return self.snapshot.total_steps

    @property
    def status(self) -> Status:
        """It stays as it is."""
        return Status.FINISHED

    def make_state(self) -> PinState:
        return PinState(
            id=self.id,
            status=self.status,
            step=self.step,
            total_steps=self.total_steps,
            version=self.version,
            specification=self.specification,
            run=self.snapshot.run,
            settings=self.snapshot.settings,
        )

    def has_work(self) -> bool:
        """There is none."""
        return False

    def advance(self) -> None:
        """Never called."""
        raise RuntimeError("A pinned run doesn't go on.")

    def refresh(self, watched: int) -> None:
        """Its one snapshot is all there is."""
