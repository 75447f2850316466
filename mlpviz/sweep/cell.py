"""One cell of a sweep: a run that is trained for some steps, with one test and a diagnosis at the end."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace

import numpy as np

from mlpviz.datasets import Dataset
from mlpviz.diagnosis import Diagnosis, Kind, Severity, diagnose
from mlpviz.grid import Cell, span
from mlpviz.observe.dead_units import dead_shares
from mlpviz.observe.steps import StepRecorder
from mlpviz.settings import Settings
from mlpviz.stability.sharpness import probe_images, sharpness_in_parts
from mlpviz.stability.watchdog import Watchdog
from mlpviz.trainer import Evaluation, Trainer, pixels

EVERY = 25  # steps between two looks at how the run is doing
LASTS = 100  # steps for which an alarm must last until the run is stopped: some recover
AT_ONCE = (Kind.OVERFLOW, Kind.ZEROS)  # the alarms after which nothing can change
PROBE_IMAGES = 512


class Judge:
    """Follows one run, and says how it is doing."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._recorder = StepRecorder(trainer.net)
        self._watchdog = Watchdog(self._recorder.columns)
        self._initial_dead = self._dead()
        self._alarm_since: int | None = None
        self._seen = 0
        self._losses: list[np.ndarray] = []

    def train_one(self) -> None:
        """Let the run make one step."""
        self._recorder.record(*self._trainer.train_one())
        if self._recorder.full():
            self._see()

    @property
    def losses(self) -> np.ndarray:
        """The loss of each mini-batch, (steps,) float32, up to the latest look."""
        return np.concatenate([np.zeros(0, np.float32), *self._losses])

    def gives_up(self) -> bool:
        """Whether the run is surely ill: its alarm has lasted, or nothing can change any more."""
        self._see()
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
        self._see()
        loss, accuracy = evaluation.loss, evaluation.accuracy
        return self._diagnosis(self._dead(), test_loss=loss, test_accuracy=accuracy, best_test_loss=loss)

    def _see(self) -> None:
        rows = self._recorder.flush()
        self._watchdog.see(rows, self._seen + 1)
        self._seen += len(rows)
        self._losses.append(rows[:, self._recorder.columns.index("loss")])

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
    training = train_in_parts(settings, dataset, steps, all_steps)
    while True:
        try:
            next(training)
        except StopIteration as stop:
            cell: Cell = stop.value
            return cell


def train_in_parts(
    settings: Settings, dataset: Dataset, steps: int, all_steps: bool = False, sharpness: bool = False
) -> Generator[int, None, Cell]:
    """The same in pieces: a step, a batch of the test, or a Hessian-vector product. Yields the updates made so far.

    Args:
        sharpness: also measure the sharpness at the last step.
    """
    trainer = Trainer(settings, dataset)
    judge = Judge(trainer)
    while trainer.step < steps:
        judge.train_one()
        yield trainer.step
        looks = trainer.step % EVERY == 0 or trainer.step == steps
        if looks and not all_steps and judge.gives_up():
            break
    evaluation = None
    testing = trainer.evaluate_in_parts()
    while evaluation is None:
        evaluation = next(testing)
        yield trainer.step
    diagnosis = judge.conclude(evaluation)
    broken = diagnosis.vitals.not_finite_step is not None or not math.isfinite(evaluation.loss)
    measured = math.nan
    if sharpness and not broken:
        measured = yield from _sharpness(trainer)
    return Cell(
        settings=settings,
        kind=str(diagnosis.kind),
        severity=str(diagnosis.severity),
        step=trainer.step,
        total_steps=steps,
        loss=math.nan if broken else diagnosis.vitals.loss,
        test_loss=math.nan if broken else evaluation.loss,
        test_accuracy=evaluation.accuracy,
        curve=_curve(judge.losses, steps),
        sharpness=measured,
    )


def _sharpness(trainer: Trainer) -> Generator[int, None, float]:
    """The sharpness of the network as it is now, on the images of `SharpnessMeter`."""
    images = trainer.dataset.train.first(probe_images(trainer))
    measuring = sharpness_in_parts(trainer.net, pixels(images.images), images.labels)
    while True:
        try:
            next(measuring)
        except StopIteration as stop:
            return float(stop.value.value)
        yield trainer.step


def _curve(losses: np.ndarray, steps: int) -> np.ndarray:
    """The mean loss of each `span(steps)` steps."""
    starts = np.arange(0, len(losses), span(steps))
    sizes = np.diff([*starts, len(losses)])
    with np.errstate(over="ignore", invalid="ignore"):
        means: np.ndarray = (np.add.reduceat(losses.astype(np.float64), starts) / sizes).astype(np.float32)
    return means
