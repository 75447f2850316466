"""Two runs in lockstep, on the same mini-batches: the same run twice, with one setting changed."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Mapping

import torch
from torch import Tensor

from mlpviz.history import RECENT_STEPS
from mlpviz.runs.run import Run
from mlpviz.settings import LIVE_FIELDS, Settings, spell
from mlpviz.snapshot import TwinComparison


class Pair:
    """A run that leads, and its twin, which follows it step by step: the leader's turns move both.

    The leader doesn't know of it until `begin`.

    Args:
        changes: the settings in which the twin differs, by name.
        owner: the visitor who may give the twin commands.

    Raises:
        ValueError: the changed settings can't be, or the leader is past step 0 and they need a new run.
    """

    def __init__(self, leader: Run, changes: Mapping[str, object], owner: str = "") -> None:
        self.leader, self.changes = leader, changes
        self._first_difference: tuple[int, float, float] | None = None
        self._losses: deque[tuple[Tensor, Tensor]] = deque(maxlen=RECENT_STEPS)
        settings = leader.settings.replace(**changes)
        if leader.step == 0:
            self.follower = Run(settings, leader.trainer.dataset, owner, clock=leader.clock)
            # The same orders of the images from now on, however many random numbers another network has drawn.
            self.follower.trainer.generator.set_state(leader.trainer.checkpoint().draws)
        else:
            if leader.settings.needs_new_run(settings):
                raise ValueError(f"{', '.join(changes)} can’t change during a run: let both begin at step 0.")
            here = leader.trainer.checkpoint()
            self.follower = Run(leader.settings, leader.trainer.dataset, owner, here, leader.clock)
            self.follower.recording.stop_evaluating()  # the leader's evaluations are its own, too
            self.follower.recording.evaluations += leader.recording.evaluations
            self.follower.change(settings)
        self.follower.follows = self
        self.follower.health.pauses_when_ill = False  # it stops where the leader stops, and nowhere else

    def begin(self) -> None:
        """From now on the leader moves both."""
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
        """Do the follower's next piece; what breaks it doesn't break the leader."""
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
        """The leader's settings have changed: change along, but for what makes the difference, and for what the
        follower's network can't have."""
        for name, (_, value) in before.differences(after).items():
            if name in LIVE_FIELDS and name not in self.changes:
                with contextlib.suppress(ValueError):  # a momentum, say, where the follower's optimizer is adam
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
        """Keep both losses of the step just made."""
        ours, theirs = self.leader.recording.latest_loss, self.follower.recording.latest_loss
        assert ours is not None and theirs is not None
        self._losses.append((ours, theirs))
        if self._first_difference is None:
            a, b = ours.item(), theirs.item()
            if a != b and not (math.isnan(a) and math.isnan(b)):
                self._first_difference = (self.follower.step, a, b)

    def _recent_losses(self) -> tuple[float, float] | None:
        """The leader's and the follower's, means over the same latest 25 steps."""
        if not self._losses:
            return None
        ours, theirs = (torch.stack(side).mean().item() for side in zip(*self._losses, strict=True))
        return ours, theirs
