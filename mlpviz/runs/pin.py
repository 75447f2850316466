"""A pinned run: its snapshot from the moment when it was pinned, kept as long as there is room."""

from __future__ import annotations

from mlpviz.runs.memory import PIN
from mlpviz.runs.task import Task
from mlpviz.snapshot import Snapshot, Status
from mlpviz.state import PinState


class Pin(Task):
    """A task that only shows its snapshot. The run itself may continue or be removed."""

    snapshot: Snapshot

    def __init__(self, snapshot: Snapshot, owner: str = "") -> None:
        super().__init__(owner, PIN)
        self.snapshot = snapshot

    @property
    def step(self) -> int:
        """The step of the run when it was pinned."""
        return self.snapshot.step

    @property
    def total_steps(self) -> int:
        """Those of the run when it was pinned."""
        return self.snapshot.total_steps

    @property
    def status(self) -> Status:
        """A pin never changes."""
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
        """Never."""
        return False

    def advance(self) -> None:
        """Never called."""
        raise RuntimeError("A pinned run doesn't train.")

    def refresh(self, watched: int) -> None:
        """Nothing to do: its one snapshot never changes."""
