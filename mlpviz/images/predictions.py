"""The network's predictions on the test set, and how good they are: pure functions of logits and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlpviz.settings import CLASSES

BINS = 15


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, in float64."""
    z = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinite logits give NaN, as they should
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        result: np.ndarray = e / e.sum(axis=-1, keepdims=True)
    return result


def table(logits: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """One row for each image, in the order of the test set.

    Args:
        logits: (n, 10); labels: (n,) whole numbers.

    Returns:
        true, predicted: classes, 0 to 9; confidence, true_probability: the probabilities of these two, the predicted
        class and the true class; loss: in nats; margin: the true class's logit minus the largest other logit, negative
        where the prediction is wrong.
    """
    n = np.arange(len(labels))
    p = softmax(logits)
    z = logits.astype(np.float64)
    predicted = logits.argmax(axis=1)
    others = z.copy()
    others[n, labels] = -np.inf
    with np.errstate(invalid="ignore"):
        shifted = z - z.max(axis=1, keepdims=True)
        loss = np.log(np.exp(shifted).sum(axis=1)) - shifted[n, labels]
        margin = z[n, labels] - others.max(axis=1)
    return pd.DataFrame(
        {
            "true": labels,
            "predicted": predicted,
            "confidence": p[n, predicted],
            "true_probability": p[n, labels],
            "loss": loss,
            "margin": margin,
        },
        index=pd.RangeIndex(len(labels), name="index"),
    )


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """How often each true class (row) is predicted as each class (column): (10, 10) int64."""
    counts: np.ndarray = np.bincount(labels * CLASSES + predicted, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    return counts


def per_class(confusion: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """Precision, recall, F1 and support of each class; a score of 0/0 is 0. The index is the class's name."""
    right = np.diag(confusion).astype(np.float64)
    called, there = confusion.sum(axis=0), confusion.sum(axis=1)
    precision, recall = right / np.maximum(called, 1), right / np.maximum(there, 1)
    f1 = 2 * right / np.maximum(called + there, 1)
    columns = {"precision": precision, "recall": recall, "F1": f1, "support": there}
    return pd.DataFrame(columns, index=pd.Index(classes, name="class"))


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % confidence interval for the share `right` / `n`. Source: E. B. Wilson, JASA 22 (1927) 209."""
    if n == 0:
        return 0.0, 1.0
    share, shrink = right / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / shrink
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / shrink
    return middle - half, middle + half


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence against accuracy, in bins of confidence with equal widths.

    Attributes:
        edges: (bins + 1,) from 0 to 1.
        counts: (bins,) how many images are in each bin, (low, high].
        confidence, accuracy: (bins,) their means in each bin; NaN where a bin is empty.
        error: the expected calibration error, Σ count/n |accuracy − confidence|. Source: Guo et al., ICML 2017.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    error: float


def calibration(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> Calibration:
    """Put the images into bins by `confidence`, (n,), and count how many in each bin are `right`, (n,) bool.

    Confidences that are not finite are left out.
    """
    known = np.isfinite(confidence)
    confidence, right = confidence[known], right[known]
    edges = np.linspace(0, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(places, weights=confidence, minlength=bins) / counts
        accuracy = np.bincount(places, weights=right, minlength=bins) / counts
    gaps = np.nan_to_num(np.abs(accuracy - mean_confidence))
    return Calibration(edges, counts, mean_confidence, accuracy, float((gaps * counts).sum() / max(1, len(confidence))))


def most_confused(confusion: np.ndarray, top: int = 5) -> list[tuple[int, int, int, int]]:
    """The most frequent mistakes, most frequent first: (true, predicted, how often, images of the true class)."""
    mistakes = confusion.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:top]
    pairs = [divmod(int(place), CLASSES) for place in order]
    support = confusion.sum(axis=1)
    return [
        (true, taken, int(mistakes[true, taken]), int(support[true])) for true, taken in pairs if mistakes[true, taken]
    ]


def doubtful_labels(logits: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Find images whose label may be wrong, by confident learning. The most doubtful come first.

    A label y is in doubt if another class j has p_j ≥ t_j. The threshold t_j is the mean of p_j over the images
    labelled j. If there are several such j, the most probable one is suggested. Images whose label is the most probable
    class are left out, because the network agrees with the label. The images are sorted by p_j − p_y, largest first.
    Source: Northcutt, Jiang and Chuang, Confident Learning, JAIR 70 (2021).

    Returns:
        suggested: the class that it might be; doubt: p_j − p_y. The index is the number of the image.
    """
    p = softmax(logits)
    n = np.arange(len(labels))
    thresholds = np.array([p[labels == j, j].mean() if (labels == j).any() else np.inf for j in range(CLASSES)])
    above = np.where(p >= thresholds, p, -1.0)
    suggested = above.argmax(axis=1)
    doubted = (above[n, suggested] >= 0) & (suggested != labels) & (p.argmax(axis=1) != labels)
    doubt = p[n, suggested] - p[n, labels]
    frame = pd.DataFrame({"suggested": suggested, "doubt": doubt}, index=pd.RangeIndex(len(labels), name="index"))
    ranked: pd.DataFrame = frame[doubted].sort_values("doubt", ascending=False, kind="stable")
    return ranked
