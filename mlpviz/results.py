"""What the evaluations of a run said of each test image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PastPredictions:
    """What one evaluation said of the n test images.

    Attributes:
        step: the updates made before it.
        predicted: (n,) uint8, classes.
        true_probability: (n,) float16, of the right class.
    """

    step: int
    predicted: np.ndarray
    true_probability: np.ndarray


@dataclass(frozen=True, eq=False)
class Results:
    """The latest evaluation in full, and the earlier ones that are kept.

    Attributes:
        step: the updates made before it.
        logits: (n, 10) float32; labels: (n,) int64, in the order of the test set.
        past: oldest first; the last of them is the latest evaluation.
        before: (n,) uint8, what the evaluation before predicted; None at the first.
        evaluations: how many there were; where `past` holds fewer, it was thinned.
    """

    step: int
    logits: np.ndarray
    labels: np.ndarray
    past: tuple[PastPredictions, ...]
    before: np.ndarray | None
    evaluations: int
