"""A twin against the run that it follows, in words."""

from __future__ import annotations

from mlpviz.diagnosis import Severity
from mlpviz.figures.chart import number, percent
from mlpviz.figures.diagnosis import TITLES
from mlpviz.snapshot import Snapshot


def twin_line(twin: Snapshot) -> str:
    """When the two first differ, by how much, and how they stand; nothing for a run that is no twin."""
    comparison = twin.comparison
    if comparison is None:
        return ""
    parts = [f"Dashed: the twin, {comparison.what}."]
    if twin.message:
        parts.append(f"It was stopped by an error: {twin.message}")
    elif comparison.first_difference is None:
        parts.append("Not a bit of their losses differs yet.")
    else:
        step, ours, theirs = comparison.first_difference
        apart = number(abs(theirs - ours))
        parts.append(f"They first differ at step {step:,}: loss {ours:.6g} against {theirs:.6g}, {apart} apart.")
    if comparison.losses and comparison.first_difference is not None:
        ours, theirs = comparison.losses
        parts.append(f"Now: train loss {number(ours)} against {number(theirs)} ({number(theirs - ours)}).")
    test = twin.evaluation()
    if comparison.evaluation and test and comparison.evaluation[0] == twin.evaluations[-1, 0]:
        parts.append(f"Test accuracy {percent(comparison.evaluation[2])} against {percent(test[1])}.")
    if twin.diagnosis is not None and twin.diagnosis.severity == Severity.ALARM:
        parts.append(f"The twin is ill: {TITLES[twin.diagnosis.kind].lower()}.")
    return " ".join(parts)
