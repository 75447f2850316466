"""The results of a run's evaluations, for each test image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PastPredictions:
    """The predictions of one evaluation for the n test images.

    Attributes:
        step: the updates made before it.
        predicted: (n,) uint8, classes.
        true_probability: (n,) float16, the probability of the true class.
    """

    step: int
    predicted: np.ndarray
    true_probability: np.ndarray


@dataclass(frozen=True, eq=False)
class Results:
    """All results of the latest evaluation, and a short record of the earlier ones that are kept.

    Attributes:
        step: the updates made before it.
        logits: (n, 10) float32; labels: (n,) int64, in the order of the test set.
        past: the oldest first; the last one is the latest evaluation.
        before: (n,) uint8, the classes predicted in the previous evaluation; None if there was none.
        evaluations: how many there were. If `past` has fewer, some older ones were removed.
    """

    step: int
    logits: np.ndarray
    labels: np.ndarray
    past: tuple[PastPredictions, ...]
    before: np.ndarray | None
    evaluations: int
