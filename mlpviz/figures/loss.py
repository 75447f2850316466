"""Is it learning? The loss, of each mini-batch and of the test set."""

from __future__ import annotations

import math

import numpy as np

from mlpviz.figures.chart import TEST, TRAIN, Chart, every_step, guess_line, line, moving_mean, number, step_layout
from mlpviz.snapshot import Snapshot

LN10 = math.log(10)
HUGE = 50.0  # a loss beyond this is unreadable on a linear scale


def loss_curve(snapshot: Snapshot) -> Chart:
    """Cross-entropy in nats over steps: each step, its moving mean, the test set, and ln 10, the price of guessing."""
    steps = snapshot.steps
    mean = moving_mean(steps, 0)
    data = [
        every_step(snapshot, 0, TRAIN, "step %{x:,}: %{y:.4f}"),
        line("train", steps.ends(), mean, TRAIN, hovertemplate="train %{y:.4f}"),
        line(
            "test",
            snapshot.evaluations[:, 0],
            snapshot.evaluations[:, 1],
            TEST,
            mode="lines+markers",
            marker={"size": 8},
            hovertemplate="test %{y:.4f}",
        ),
        guess_line("guessing", snapshot, LN10),
    ]
    huge = np.nanmax(steps.maximum[:, 0], initial=0.0) > HUGE
    layout = step_layout(snapshot, type="log" if huge else "linear", rangemode="normal" if huge else "tozero")
    return Chart("Loss", _sentence(snapshot, mean), data, layout, card="Loss", log_switch=True)


def _sentence(snapshot: Snapshot, mean: np.ndarray) -> str:
    parts = []
    if len(mean):
        parts.append(f"train {number(float(mean[-1]))}")
    evaluation = snapshot.evaluation()
    if evaluation:
        parts.append(f"test {number(evaluation[0])}")
    now = ", ".join(parts)
    return f"{now[:1].upper()}{now[1:]}; guessing costs ln 10 ≈ 2.30." if now else "Guessing costs ln 10 ≈ 2.30."
