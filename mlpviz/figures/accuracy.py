"""Is the network learning? The share of images that it gets right."""

from __future__ import annotations

from mlpviz.figures.chart import Chart, percent, step_layout, train_and_test, train_and_test_now
from mlpviz.snapshot import Snapshot


def accuracy_curve(snapshot: Snapshot) -> Chart:
    """Accuracy over steps: of each mini-batch before its update, the moving mean of these, and of the test set."""
    data = train_and_test(snapshot, measure="accuracy", guess=0.1, form=".1%")
    sentence = f"{train_and_test_now(snapshot, 'accuracy', percent)}; guessing 10 %."
    return Chart("Accuracy", sentence, data, step_layout(snapshot, range=[0, 1], tickformat=".0%"), card="Accuracy")
