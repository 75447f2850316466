"""The film of a run: what the board shows at many moments, so that a reader can go back to any of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mlpviz.diagnosis import Diagnosis, diagnose
from mlpviz.examples import Examples
from mlpviz.history import RECENT_STEPS, Series
from mlpviz.pictures import Pictures
from mlpviz.settings import Settings
from mlpviz.snapshot import Answers, Histogram, Inspection, Portrait, Sample, Snapshot, Status

MOST = 240  # moments of a run
LATEST = 3  # samples of a series that a sentence may need


@dataclass(frozen=True, eq=False)
class Moment:
    """What a snapshot of one moment needs and a later one doesn't have any more. The rest is in the series of the run.

    Attributes:
        recent, learning_rate, settings, diagnosis: as in `Snapshot`.
        weights, gradients, weight_norms: as in `Inspection`.
        units: which units the pictures of the first layer show. tiles: these pictures.
        sample: of the update ratios and dead units.
        steps, trend, sharpness: the ends of the series.
        answers: for the chosen images; without these images, and without pictures in the portrait.
        pictures: of the portrait: of each hidden layer; without hidden layers, of the classes.
    """

    step: int
    settings: Settings
    learning_rate: float
    recent: tuple[float, float] | None
    diagnosis: Diagnosis | None
    weights: tuple[Histogram, ...]
    gradients: tuple[Histogram, ...]
    weight_norms: tuple[float, ...]
    units: np.ndarray
    tiles: Pictures
    sample: Sample
    steps: Series
    trend: Series
    sharpness: Series | None
    answers: Answers
    pictures: tuple[Pictures, ...]

    @functools.cached_property
    def bytes(self) -> int:
        """About how much memory it takes."""
        arrays = [self.tiles.pixels, *(each.pixels for each in self.pictures), self.answers.probabilities]
        arrays += [*(each.counts for each in (*self.weights, *self.gradients)), *self.answers.portrait.forward]
        return sum(array.nbytes for array in arrays) + 2000


NO_PICTURES = np.empty((0, 28, 28), dtype=np.uint8)


def moment_of(
    inspection: Inspection,
    answers: Answers,
    settings: Settings,
    learning_rate: float,
    recent: tuple[float, float] | None,
    diagnosis: Diagnosis | None,
    steps: Series,
    sharpness: Series | None,
) -> Moment:
    """The moment of an inspection. It shares all arrays but the pictures."""
    portrait = answers.portrait
    pictures = [layer.pictures for layer in portrait.layers]
    if portrait.class_pictures is not None:
        pictures = [portrait.class_pictures]
    return Moment(
        step=inspection.step,
        settings=settings,
        learning_rate=learning_rate,
        recent=recent,
        diagnosis=diagnosis,
        weights=inspection.weights,
        gradients=inspection.gradients,
        weight_norms=inspection.weight_norms,
        units=inspection.first_layer_units,
        tiles=Pictures.of(inspection.first_layer_images),
        sample=inspection.latest,
        steps=steps.last(RECENT_STEPS),
        trend=_end(inspection.trend),
        sharpness=None if sharpness is None else sharpness.last(LATEST),
        answers=replace(
            answers, images=NO_PICTURES, portrait=_with_pictures(portrait, [NO_PICTURES for _ in pictures])
        ),
        pictures=tuple(map(Pictures.of, pictures)),
    )


def _end(trend: Series) -> Series:
    """The last samples, back to one in which the update ratios were measured: in a broken network they are not."""
    measured = np.flatnonzero(np.isfinite(trend.of_kind("update_ratio")).any(axis=1))
    back = len(trend.mean) - int(measured[-1]) if len(measured) else 0
    return trend.last(max(LATEST, back))


def snapshot_at(now: Snapshot, moment: Moment, images_of: Callable[[Examples], np.ndarray]) -> Snapshot:
    """The snapshot of a moment. Its series have their ends only: enough for sentences, not for curves.

    Args:
        now: a later snapshot of the same run.
        images_of: the chosen images, (n, 28, 28) uint8.
    """
    step, answers = moment.step, moment.answers
    assert now.inspection is not None
    inspection = Inspection(
        step=step,
        weights=moment.weights,
        initial_weights=now.inspection.initial_weights,
        gradients=moment.gradients,
        weight_norms=moment.weight_norms,
        first_layer_units=moment.units,
        first_layer_images=moment.tiles.images(),
        latest=moment.sample,
        trend=moment.trend,
    )
    portrait = _with_pictures(answers.portrait, [each.images() for each in moment.pictures])
    evaluations = now.evaluations[now.evaluations[:, 0] <= step]
    stopped = bool(now.film.alarms) and now.film.alarms[-1][0] == step
    return replace(
        now,
        status=Status.PAUSED,
        message="",
        step=step,
        total_steps=moment.settings.epochs * now.steps_per_epoch,
        settings=moment.settings,
        learning_rate=moment.learning_rate,
        steps_per_second=0.0,
        diagnosis=_diagnosed(moment.diagnosis, evaluations),
        post_mortem=now.post_mortem if stopped else None,
        steps=moment.steps,
        recent=moment.recent,
        evaluations=evaluations,
        changes=tuple(change for change in now.changes if change[0] < step),
        inspection=inspection,
        sharpness=moment.sharpness,
        close_up=None,
        answers=replace(answers, images=images_of(answers.examples), portrait=portrait),
        comparison=None,
    )


def _diagnosed(before: Diagnosis | None, evaluations: np.ndarray) -> Diagnosis | None:
    """The diagnosis with the test of this step, which came just after the moment."""
    if before is None or not len(evaluations):
        return before
    losses, (_, loss, accuracy) = evaluations[:, 1], evaluations[-1].tolist()
    vitals = replace(before.vitals, test_loss=loss, test_accuracy=accuracy, best_test_loss=float(losses.min()))
    return diagnose(vitals)


def _with_pictures(portrait: Portrait, pictures: list[np.ndarray]) -> Portrait:
    if portrait.class_pictures is not None:
        return replace(portrait, class_pictures=pictures[0])
    layers = [replace(layer, pictures=each) for layer, each in zip(portrait.layers, pictures, strict=True)]
    return replace(portrait, layers=tuple(layers))


@dataclass(frozen=True, eq=False)
class Roll:
    """A whole film, for a file.

    Attributes:
        now: the run at its present step.
        moments: those before it, ascending.
        images: the chosen images of all these, by choice.
    """

    now: Snapshot
    moments: tuple[Moment, ...]
    images: dict[Examples, np.ndarray]

    def at(self, moment: Moment) -> Snapshot:
        """The snapshot of a moment."""
        return snapshot_at(self.now, moment, self.images.__getitem__)
