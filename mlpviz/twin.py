"""A twin: the same run with one setting changed, in lockstep with it, on the same mini-batches."""

from __future__ import annotations

import contextlib
import math
from collections import deque

import torch

from mlpviz.datasets import Dataset
from mlpviz.run import Run
from mlpviz.settings import LIVE_FIELDS, Settings, spell
from mlpviz.snapshot import RECENT_STEPS, TwinComparison


class Twin(Run):
    """Follows its leader step by step; the leader's turns move both.

    Args:
        changes: the settings that differ from the leader's, by name.

    Raises:
        ValueError: the changed settings can't be, or the leader is past step 0 and they need a new run.
    """

    def __init__(self, leader: Run, dataset: Dataset, owner: str = "", **changes: object) -> None:
        settings = leader.settings.replace(**changes)
        self.leader = leader
        self.changes = changes
        self._first_difference: tuple[int, float, float] | None = None
        self._pairs: deque[tuple[torch.Tensor, torch.Tensor]] = deque(maxlen=RECENT_STEPS)
        if leader.step == 0:
            super().__init__(settings, dataset, owner)
            self.trainer.generator.set_state(leader.trainer.checkpoint().draws)  # the same orders from now on
        else:
            if leader.settings.needs_new_run(settings):
                raise ValueError(f"{', '.join(changes)} can’t change during a run: let both begin at step 0.")
            super().__init__(leader.settings, dataset, owner, leader.trainer.checkpoint())
            self._evaluating = None
            self._evaluations += leader.evaluations
            self.change(settings)
        self.pauses_when_ill = False
        leader.twin = self

    @property
    def goal(self) -> int:
        return self.leader.goal

    @goal.setter
    def goal(self, step: int) -> None:
        pass  # the leader's

    def has_work(self) -> bool:
        """Nothing of its own: the leader moves it."""
        return False

    def behind(self) -> bool:
        """Whether the leader has to wait for it."""
        return not self.failed and (self._evaluating is not None or self.step < self.leader.step)

    def follow(self) -> None:
        """Do the next piece."""
        before = self.step
        self.advance()
        if self._recorder.full():
            self._collect()
        if self.step > before:
            self._compare()

    def _compare(self) -> None:
        """Keep both losses of the step just made."""
        ours, theirs = self.leader.latest_loss, self.latest_loss
        assert ours is not None and theirs is not None
        self._pairs.append((ours, theirs))
        if self._first_difference is None:
            a, b = ours.item(), theirs.item()
            if a != b and not (math.isnan(a) and math.isnan(b)):
                self._first_difference = (self.step, a, b)

    def take_over(self, before: Settings, after: Settings) -> None:
        """Change along with the leader, but for what makes the difference, and for what this network can't have."""
        for name, (_, value) in before.differences(after).items():
            if name in LIVE_FIELDS and name not in self.changes:
                with contextlib.suppress(ValueError):  # a momentum, say, where the twin's optimizer is adam
                    self.change(self.settings.replace(**{name: value}))

    def unwatched_seconds(self) -> float:
        """It stays as long as its leader does."""
        return min(super().unwatched_seconds(), self.leader.unwatched_seconds())

    def comparison(self) -> TwinComparison:
        what = ", ".join(
            f"{name.replace('_', ' ')} {spell(getattr(self.leader.settings, name))} → {spell(value)}"
            for name, value in self.changes.items()
        )
        return TwinComparison(
            what=what,
            first_difference=self._first_difference,
            losses=self._recent_losses(),
            evaluation=self.leader.evaluations[-1] if self.leader.evaluations else None,
        )

    def _recent_losses(self) -> tuple[float, float] | None:
        """The leader's and its own, means over the same latest 25 steps."""
        if not self._pairs:
            return None
        ours, theirs = (torch.stack(side).mean().item() for side in zip(*self._pairs, strict=True))
        return ours, theirs
