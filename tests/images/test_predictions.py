import math

import numpy as np
import pandas as pd
import pytest
import sklearn.calibration
import sklearn.metrics
import torch

from mlpviz.images.predictions import (
    calibration,
    confusion_matrix,
    doubtful_labels,
    most_confused,
    per_class,
    softmax,
    table,
    wilson,
)

CLASSES = tuple("abcdefghij")
rng = np.random.default_rng(0)
LABELS = rng.integers(0, 10, 3000)
LOGITS = (rng.standard_normal((3000, 10)) * 2 + 2.5 * np.eye(10)[LABELS]).astype(np.float32)
PREDICTED = LOGITS.argmax(axis=1)


def test_the_table_agrees_with_pytorch():
    frame = table(LOGITS, LABELS)
    z, y = torch.tensor(LOGITS, dtype=torch.float64), torch.tensor(LABELS)
    p = z.softmax(dim=1)
    assert frame["predicted"].tolist() == z.argmax(dim=1).tolist() and frame["true"].tolist() == LABELS.tolist()
    np.testing.assert_allclose(frame["confidence"], p.max(dim=1).values)
    np.testing.assert_allclose(frame["true_probability"], p.gather(1, y[:, None])[:, 0])
    np.testing.assert_allclose(frame["loss"], torch.nn.functional.cross_entropy(z, y, reduction="none"))
    right = frame["predicted"] == frame["true"]
    assert ((frame["margin"] > 0) == right).all()
    others = [max(LOGITS[i, j] for j in range(10) if j != LABELS[i]) for i in range(50)]
    np.testing.assert_allclose(frame["margin"][:50], LOGITS[np.arange(50), LABELS[:50]].astype(float) - others)


def test_the_confusion_matrix_and_the_scores_agree_with_scikit_learn():
    confusion = confusion_matrix(LABELS, PREDICTED)
    np.testing.assert_array_equal(confusion, sklearn.metrics.confusion_matrix(LABELS, PREDICTED))
    scores = per_class(confusion, CLASSES)
    oracle = sklearn.metrics.precision_recall_fscore_support(LABELS, PREDICTED)
    for column, values in zip(("precision", "recall", "F1", "support"), oracle, strict=True):
        np.testing.assert_allclose(scores[column], values)
    assert list(scores.index) == list(CLASSES)


def test_a_class_that_is_never_predicted_scores_zero():
    labels, predicted = np.array([0, 1, 2]), np.array([0, 0, 0])
    scores = per_class(confusion_matrix(labels, predicted), CLASSES)
    oracle = sklearn.metrics.precision_recall_fscore_support(labels, predicted, labels=range(10), zero_division=0)
    for column, values in zip(("precision", "recall", "F1", "support"), oracle, strict=True):
        np.testing.assert_allclose(scores[column], values)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (10, 10), (8439, 10000), (1, 3), (50, 100)])
def test_wilsons_interval_solves_its_equation(right, n):
    """Its ends are the p at which the observed share is 1.96 standard errors away: (x/n − p)² = z² p(1 − p)/n."""
    for p in wilson(right, n):
        assert (right / n - p) ** 2 == pytest.approx(1.959964**2 * p * (1 - p) / n, abs=1e-9)
    assert wilson(right, n)[0] - 1e-12 <= right / n <= wilson(right, n)[1] + 1e-12
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_reliability_diagram_agrees_with_scikit_learn():
    frame = table(LOGITS, LABELS)
    right = (frame["predicted"] == frame["true"]).to_numpy()
    found = calibration(frame["confidence"].to_numpy(), right, bins=10)
    accuracy, confidence = sklearn.calibration.calibration_curve(right, frame["confidence"], n_bins=10)
    filled = found.counts > 0
    np.testing.assert_allclose(found.accuracy[filled], accuracy)
    np.testing.assert_allclose(found.confidence[filled], confidence)
    expected = sum(
        (mask := (frame["confidence"] > low) & (frame["confidence"] <= low + 0.1)).mean()
        * abs(right[mask].mean() - frame["confidence"][mask].mean())
        for low in np.linspace(0, 0.9, 10)
        if ((frame["confidence"] > low) & (frame["confidence"] <= low + 0.1)).any()
    )
    assert found.error == pytest.approx(expected) and found.counts.sum() == 3000


def test_perfect_calibration_has_no_error():
    confidence = np.repeat([0.25, 0.75], 400)
    right = np.concatenate([np.arange(400) < 100, np.arange(400) < 300])
    assert calibration(confidence, right).error == pytest.approx(0)
    assert calibration(np.ones(5), np.zeros(5, dtype=bool)).error == 1
    assert calibration(np.full(3, np.nan), np.zeros(3, dtype=bool)).error == 0


def test_the_most_frequent_mistakes_come_first():
    confusion = np.eye(10, dtype=int) * 50
    confusion[6, 0], confusion[2, 4], confusion[4, 2] = 13, 9, 7
    assert most_confused(confusion, 2) == [(6, 0, 13, 63), (2, 4, 9, 59)]
    assert len(most_confused(confusion)) == 3 and most_confused(np.eye(10, dtype=int)) == []


def test_swapped_labels_are_found_first():
    """A confident network, and 30 labels swapped on purpose: exactly these are found, with the right class."""
    labels = np.arange(1000) % 10
    logits = (rng.standard_normal((1000, 10)) + 8 * np.eye(10)[labels]).astype(np.float32)
    swapped = rng.choice(1000, 30, replace=False)
    noisy = labels.copy()
    noisy[swapped] = (labels[swapped] + rng.integers(1, 10, 30)) % 10
    doubted = doubtful_labels(logits, noisy)
    assert set(doubted.index) == set(swapped.tolist())
    assert (doubted["suggested"] == labels[doubted.index]).all()
    assert doubted["doubt"].is_monotonic_decreasing


def test_the_rule_of_confident_learning_by_hand():
    """Two classes: t₀ = mean(.9, .4, .1) ≈ .47, t₁ = mean(.7, .8) = .75. Only image 4 (p₁ = .9 ≥ t₁) is in doubt."""
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8], [0.1, 0.9]])
    full = np.full((5, 10), 1e-9)
    full[:, :2] = p
    labels = np.array([0, 0, 1, 1, 0])
    t0, t1 = (0.9 + 0.4 + 0.1) / 3, 0.75
    assert p[1, 1] < t1 <= p[4, 1] and t0 > p[2, 0]
    doubted = doubtful_labels(np.log(full), labels)
    assert doubted.index.tolist() == [4] and doubted["suggested"].tolist() == [1]
    assert doubted["doubt"].iloc[0] == pytest.approx(0.8)


def test_a_label_that_the_network_agrees_with_is_not_in_doubt():
    """Image 0: class 1 reaches its threshold, the mean of 0.4 and 0.4, but class 0 is more probable."""
    p = np.full((4, 10), 1e-9)
    p[:, :2] = [[0.55, 0.45], [0.6, 0.4], [0.6, 0.4], [0.58, 0.42]]
    labels = np.array([0, 1, 1, 0])
    assert p[0, 1] >= p[labels == 1, 1].mean()
    assert set(doubtful_labels(np.log(p), labels).index) == {1, 2}


def test_values_that_are_not_finite_stay_in_the_table():
    logits = LOGITS[:4].copy()
    logits[2, 3] = np.nan
    frame = table(logits, LABELS[:4])
    assert math.isnan(frame["confidence"][2]) and np.isfinite(frame["loss"][[0, 1, 3]]).all()
    assert isinstance(doubtful_labels(logits, LABELS[:4]), pd.DataFrame)
    assert np.isnan(softmax(np.array([np.inf, np.inf]))).all()
