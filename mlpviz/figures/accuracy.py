"""Is it learning? The share of images that it gets right."""

from __future__ import annotations

from mlpviz.figures.chart import TEST, TRAIN, Chart, every_step, guess_line, line, moving_mean, percent, step_layout
from mlpviz.snapshot import Snapshot


def accuracy_curve(snapshot: Snapshot) -> Chart:
    """Accuracy over steps: of each mini-batch before its update, the moving mean of those, and of the test set."""
    steps = snapshot.steps
    mean = moving_mean(steps, 1)
    data = [
        every_step(snapshot, 1, TRAIN, "step %{x:,}: %{y:.1%}"),
        line("train", steps.ends(), mean, TRAIN, hovertemplate="train %{y:.1%}"),
        line(
            "test",
            snapshot.evaluations[:, 0],
            snapshot.evaluations[:, 2],
            TEST,
            mode="lines+markers",
            marker={"size": 8},
            hovertemplate="test %{y:.1%}",
        ),
        guess_line("guessing", snapshot, 0.1),
    ]
    parts = [f"train {percent(float(mean[-1]))}"] if len(mean) else []
    evaluation = snapshot.evaluation()
    if evaluation:
        parts.append(f"test {percent(evaluation[1])}")
    now = ", ".join(parts) or "not measured yet"
    sentence = f"{now[0].upper()}{now[1:]}; guessing gets 10 % right."
    layout = step_layout(snapshot, range=[0, 1], tickformat=".0%")
    return Chart("Accuracy", sentence, data, layout, card="Accuracy")
