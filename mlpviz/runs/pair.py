"""Two runs that train step by step on the same mini-batches: a run, and its twin with a setting changed."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mlpviz.history import RECENT_STEPS
from mlpviz.keeping import Keeps
from mlpviz.runs.run import Run
from mlpviz.settings import LIVE_FIELDS, Settings, spell
from mlpviz.snapshot import TwinComparison


class Pair(Keeps):
    """A leader, and its twin, which follows it step by step. The leader's turns move both.

    The leader doesn't know of the pair until `begin`.

    Args:
        changes: the changed settings of the twin, by name.
    """

    KEPT = ("changes", "_first_difference", "_losses")

    def __init__(self, leader: Run, follower: Run, changes: Mapping[str, object]) -> None:
        self.leader, self.follower, self.changes = leader, follower, changes
        self._first_difference: tuple[int, float, float] | None = None
        self._losses: deque[tuple[Tensor, Tensor]] = deque(maxlen=RECENT_STEPS)
        follower.follows = self
        follower.health.pauses_when_ill = False  # it stops only where the leader stops

    @classmethod
    def of(cls, leader: Run, changes: Mapping[str, object], owner: str = "") -> Pair:
        """A pair with a new twin.

        Args:
            owner: the visitor who may give commands to the twin.

        Raises:
            ValueError: the changed settings are not allowed, or they need a new run and the leader is past step 0.
        """
        settings = leader.settings.replace(**changes)
        if leader.step == 0:
            follower = Run(settings, leader.trainer.dataset, owner, clock=leader.clock)
            # The same image orders from now on, even if the other network drew more or fewer random numbers.
            follower.trainer.generator.set_state(leader.trainer.checkpoint().draws)
        else:
            if leader.settings.needs_new_run(settings):
                names = ", ".join(name.replace("_", " ") for name in changes)
                raise ValueError(f"A run can’t change this: {names}. Both runs must begin at step 0.")
            here = leader.trainer.checkpoint()
            follower = Run(leader.settings, leader.trainer.dataset, owner, here, leader.clock)
            follower.recording.stop_evaluating()  # it has the same evaluations as the leader
            follower.recording.evaluations += leader.recording.evaluations
            follower.change(settings)
        return cls(leader, follower, changes)

    def begin(self) -> None:
        """Let the leader move both from now on."""
        self.leader.end_twin()
        self.leader.leads = self
        self.follower.goal = self.leader.goal
        for run in (self.follower, self.leader):
            run.publish()

    def behind(self) -> bool:
        """Whether the leader has to wait for the follower."""
        follower = self.follower
        return not follower.failed and (follower.busy_beside_training() or follower.step < self.leader.step)

    def catch_up(self) -> None:
        """Do the follower's next piece. An error in the follower doesn't stop the leader."""
        follower, before = self.follower, self.follower.step
        try:
            follower.advance_alone()
            if follower.recording.full():
                follower.collect()
        except Exception as error:
            follower.fail(error)
        if follower.step > before:
            self._compare()

    def take_over(self, before: Settings, after: Settings) -> None:
        """Change the follower's settings like the leader's, except those that make the difference and those that the
        follower can't have."""
        for name, (_, value) in before.differences(after).items():
            if name in LIVE_FIELDS and name not in self.changes:
                with contextlib.suppress(ValueError):  # such as momentum, if the follower's optimizer is adam
                    self.follower.change(self.follower.settings.replace(**{name: value}))

    def what(self) -> str:
        """The difference, in words."""
        return ", ".join(
            f"{name.replace('_', ' ')} {spell(getattr(self.leader.settings, name))} → {spell(value)}"
            for name, value in self.changes.items()
        )

    def comparison(self) -> TwinComparison:
        """How the two differ so far."""
        evaluations = self.leader.recording.evaluations
        return TwinComparison(
            what=self.what(),
            first_difference=self._first_difference,
            losses=self._recent_losses(),
            evaluation=evaluations[-1] if evaluations else None,
        )

    def _compare(self) -> None:
        """Keep both losses of the latest step."""
        ours, theirs = self.leader.recording.latest_loss, self.follower.recording.latest_loss
        assert ours is not None and theirs is not None
        self._losses.append((ours, theirs))
        if self._first_difference is None:
            a, b = ours.item(), theirs.item()
            if a != b and not (math.isnan(a) and math.isnan(b)):
                self._first_difference = (self.follower.step, a, b)

    def give_back(self, kept: dict[str, Any]) -> None:
        """As in `Keeps`."""
        super().give_back(kept)
        ours, theirs = self.leader.trainer.device, self.follower.trainer.device
        self._losses = deque(((a.to(ours), b.to(theirs)) for a, b in self._losses), self._losses.maxlen)

    def _recent_losses(self) -> tuple[float, float] | None:
        """The mean losses of the leader and of the follower, over the same latest 25 steps."""
        if not self._losses:
            return None
        ours, theirs = (torch.stack(side).mean().item() for side in zip(*self._losses, strict=True))
        return ours, theirs
