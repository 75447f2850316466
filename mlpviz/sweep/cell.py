"""One cell of a sweep: a run that is trained for some steps, with one test and a diagnosis at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mlpviz.datasets import Dataset
from mlpviz.diagnosis import Diagnosis, Kind, Severity, diagnose
from mlpviz.observe.dead_units import dead_shares
from mlpviz.observe.steps import StepRecorder
from mlpviz.settings import Settings
from mlpviz.stability.watchdog import Watchdog
from mlpviz.trainer import Evaluation, Trainer, pixels

EVERY = 25  # steps between two looks at how the run is doing
LASTS = 100  # steps for which an alarm must last until the run is stopped: some recover
AT_ONCE = (Kind.OVERFLOW, Kind.ZEROS)  # the alarms after which nothing can change
PROBE_IMAGES = 512


@dataclass(frozen=True)
class Cell:
    """What has become of a run.

    Attributes:
        settings: those of the run. kind, severity: of its diagnosis; see `mlpviz.diagnosis`.
        step: updates made. total_steps: updates planned; a run that is surely ill stops before them.
        loss: the mean of the latest 100 mini-batches. test_loss, test_accuracy: on the test set, at the last step.
            Both losses are NaN if the network has overflowed.
    """

    settings: Settings
    kind: str
    severity: str
    step: int
    total_steps: int
    loss: float
    test_loss: float
    test_accuracy: float


class Judge:
    """Follows one run, and says how it is doing."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._recorder = StepRecorder(trainer.net)
        self._watchdog = Watchdog(self._recorder.columns)
        self._initial_dead = self._dead()
        self._alarm_since: int | None = None

    def train(self, steps: int) -> None:
        """Let the run make so many steps, at most `EVERY`."""
        first = self._trainer.step + 1
        for _ in range(steps):
            self._recorder.record(*self._trainer.train_one())
        self._watchdog.see(self._recorder.flush(), first)

    def gives_up(self) -> bool:
        """Whether the run is surely ill: its alarm has lasted, or nothing can change any more."""
        diagnosis = self._diagnosis(self._initial_dead)
        if diagnosis.severity == Severity.ALARM or diagnosis.vitals.suspicious:
            diagnosis = self._diagnosis(self._dead())  # counting dead units takes as long as a step
        if diagnosis.severity != Severity.ALARM:
            self._alarm_since = None
            return False
        self._alarm_since = self._alarm_since or self._trainer.step
        return diagnosis.kind in AT_ONCE or self._trainer.step - self._alarm_since >= LASTS

    def conclude(self, evaluation: Evaluation) -> Diagnosis:
        """The diagnosis at the end."""
        loss, accuracy = evaluation.loss, evaluation.accuracy
        return self._diagnosis(self._dead(), test_loss=loss, test_accuracy=accuracy, best_test_loss=loss)

    def _diagnosis(self, dead: tuple[float, ...], **tested: float) -> Diagnosis:
        vitals = self._watchdog.vitals(self._trainer.settings, self._trainer.step)
        return diagnose(replace(vitals, initial_dead=self._initial_dead, dead=dead, **tested))  # type: ignore[arg-type]

    def _dead(self) -> tuple[float, ...]:
        return tuple(dead_shares(self._trainer.net, pixels(self._trainer.dataset.test.images[:PROBE_IMAGES])))


def train_cell(settings: Settings, dataset: Dataset, steps: int, all_steps: bool = False) -> Cell:
    """Train a run for that many steps, or until it is surely ill. Its losses and weights are those of a run with the
    same settings and the same number of threads, bit for bit.

    Args:
        all_steps: make all steps, even if the run is surely ill.

    Raises:
        ValueError: the settings don't fit the dataset or the machine.
    """
    trainer = Trainer(settings, dataset)
    judge = Judge(trainer)
    while trainer.step < steps:
        judge.train(min(EVERY, steps - trainer.step))
        if not all_steps and judge.gives_up():
            break
    evaluation = trainer.evaluate()
    diagnosis = judge.conclude(evaluation)
    broken = diagnosis.vitals.not_finite_step is not None or not math.isfinite(evaluation.loss)
    return Cell(
        settings=settings,
        kind=str(diagnosis.kind),
        severity=str(diagnosis.severity),
        step=trainer.step,
        total_steps=steps,
        loss=math.nan if broken else diagnosis.vitals.loss,
        test_loss=math.nan if broken else evaluation.loss,
        test_accuracy=evaluation.accuracy,
    )
