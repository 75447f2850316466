"""How a run is doing: the diagnosis, the alarm that pauses the run, and the search for the cause."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlpviz.diagnosis import Diagnosis, Kind, PostMortem, Severity, Vitals, diagnose
from mlpviz.keeping import Keeps
from mlpviz.runs.checkpoints import Checkpoints
from mlpviz.runs.inspections import Inspections
from mlpviz.runs.recording import Recording
from mlpviz.stability.post_mortem import Examination
from mlpviz.stability.watchdog import Watchdog
from mlpviz.trainer import Checkpoint, Trainer


class Health(Keeps):
    """Watches over one run.

    Attributes:
        pauses_when_ill: whether an alarm stops the run.
        checkpoints: the saved steps to go back to.
        diagnosis: the latest; None before the first step.
        post_mortem: why the run failed, if an alarm stopped it; immutable, so any thread may read it.
    """

    KEPT = (
        "_watchdog",
        "pauses_when_ill",
        "checkpoints",
        "diagnosis",
        "post_mortem",
        "_ways_back",
        "_initial_dead",
        "_stopped_for",
    )

    def __init__(self, trainer: Trainer, recording: Recording, inspections: Inspections) -> None:
        self._trainer = trainer
        self._recording = recording
        self._inspections = inspections
        self._watchdog = Watchdog(recording.steps.columns)
        self.pauses_when_ill = True
        self.checkpoints = Checkpoints(trainer.settings)
        self.checkpoints.keep(trainer.checkpoint())
        self.diagnosis: Diagnosis | None = None
        self.post_mortem: PostMortem | None = None
        self._examination: Examination | None = None
        self._ways_back: Sequence[Checkpoint] = ()  # the checkpoints at which the post-mortem looked for a way back
        self._initial_dead: tuple[float, ...] = ()
        self._stopped_for: Kind | None = None  # the same alarm doesn't stop the run twice

    def keep_checkpoint(self) -> None:
        """Keep a checkpoint if one is due, but not of a broken network."""
        if not self.checkpoints.due(self._trainer.step):
            return
        self.see(self._recording.collect())
        if self._watchdog.not_finite_step is None:
            with self._recording.prices.of("checkpoints"):
                self.checkpoints.keep(self._trainer.checkpoint())

    def before(self, step: int) -> Checkpoint:
        """The latest checkpoint at that step or before it, including those of the post-mortem.

        Raises:
            LookupError: there is none.
        """
        own = [each for each in self._ways_back if each.step <= step]
        return max([self.checkpoints.before(step), *own], key=lambda checkpoint: checkpoint.step)

    def see(self, rows: np.ndarray) -> None:
        """Take in the rows of the latest steps, (steps, columns), and update the diagnosis."""
        begun = time.perf_counter()
        self._watchdog.see(rows, self._trainer.step - len(rows) + 1)
        if self._watchdog.seen:
            self.diagnosis = diagnose(self._vitals())
        self._recording.prices.add("watchdog", time.perf_counter() - begun, times=len(rows))

    def judge(self) -> bool:
        """Whether the run should stop at this step. If so, begin the search for the cause."""
        if self.diagnosis is not None and self.diagnosis.vitals.suspicious:
            self._inspections.sample_here()  # the diagnosis needs the units of this step
            self.diagnosis = diagnose(self._vitals())
        latest = self.diagnosis
        if latest is None or latest.severity != Severity.ALARM:
            self._stopped_for = None
            return False
        if latest.kind == self._stopped_for or not self.pauses_when_ill:
            return False
        self._stopped_for = latest.kind
        self._begin_examination(latest)
        return True

    def inherit(self, other: Health) -> None:
        """Take over what a branch needs from the run before it."""
        self._watchdog.inherit(other._watchdog)
        self._initial_dead = other._initial_dead

    def kept(self) -> dict[str, Any]:
        """As in `Keeps`. An examination under way is made again from its beginning."""
        examined = self._examination.diagnosis if self._examination is not None else None
        return super().kept() | {"examined": examined}

    def give_back(self, kept: dict[str, Any]) -> None:
        """As in `Keeps`. The recording and the inspections must have their state already."""
        super().give_back(kept)
        if kept["examined"] is not None:
            self._begin_examination(kept["examined"])

    def _vitals(self) -> Vitals:
        """All vital signs: of the steps, the units and the tests, and the latest change of settings."""
        initial_dead, dead = self._inspections.dead_shares()
        self._initial_dead = self._initial_dead or initial_dead
        tests, changes = self._recording.evaluations, self._recording.changes
        return replace(
            self._watchdog.vitals(self._trainer.settings, self._trainer.step),
            initial_dead=self._initial_dead,
            dead=dead,
            test_loss=tests[-1][1] if tests else math.nan,
            test_accuracy=tests[-1][2] if tests else math.nan,
            best_test_loss=min((loss for _, loss, _ in tests), default=math.nan),
            change=changes[-1] if changes else None,
        )

    # the examination, update by update

    def examining(self) -> bool:
        """Whether an examination is under way."""
        return self._examination is not None

    def examine_on(self) -> None:
        """Continue the examination by one update."""
        assert self._examination is not None
        self._examination.advance()
        if self._examination.result is not None:
            self.post_mortem, self._ways_back = self._examination.result, self._examination.candidates
            self._examination = None

    def stop_examining(self) -> None:
        """Stop the examination that is under way, so that the run can go on at once."""
        self._examination = None

    def _begin_examination(self, diagnosis: Diagnosis) -> None:
        self._examination = Examination(
            diagnosis,
            self._trainer.dataset,
            lambda step: self.checkpoints.before(max(step, self.checkpoints.steps()[0])),
            self._recording.steps.series(),
            self._inspections.trend(),
            self._recording.settings_log,
        )
        self.post_mortem, self._ways_back = None, ()
