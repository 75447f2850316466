"""Is the network learning? The loss of each mini-batch and of the test set."""

from __future__ import annotations

import numpy as np

from mlpviz.diagnosis import LN10
from mlpviz.figures.chart import Chart, log_axis, number, step_layout, train_and_test, train_and_test_now
from mlpviz.snapshot import Snapshot

HUGE = 50.0  # a linear scale would be unreadable with a loss above this


def loss_curve(snapshot: Snapshot) -> Chart:
    """Cross-entropy in nats over steps: each step, its moving mean, the test set, and ln 10, the loss of guessing."""
    data = train_and_test(snapshot, measure="loss", guess=LN10, form=".4f")
    huge = np.nanmax(snapshot.steps.maximum[:, snapshot.steps.columns.index("loss")], initial=0.0) > HUGE
    layout = step_layout(snapshot, type="log" if huge else "linear", rangemode="normal" if huge else "tozero")
    sentence = f"{train_and_test_now(snapshot, 'loss', number)}; guessing 2.30."
    return Chart("Loss", sentence, data, layout, card="Loss", log_axis=log_axis(data))
