"""How a twin compares with the run that it follows, in words."""

from __future__ import annotations

from mlpviz.diagnosis import Severity
from mlpviz.figures.chart import number, percent
from mlpviz.figures.diagnosis import TITLES
from mlpviz.snapshot import Snapshot


def twin_line(twin: Snapshot) -> str:
    """When the two first differ, by how much, and their present results; empty for a run that is not a twin."""
    comparison = twin.comparison
    if comparison is None:
        return ""
    parts = [f"Dashed: the twin, {comparison.what}."]
    if twin.message:
        parts.append(f"The twin was stopped by an error: {twin.message}")
    elif comparison.first_difference is None:
        parts.append("So far the losses are identical.")
    else:
        step, ours, theirs = comparison.first_difference
        apart = number(abs(theirs - ours))
        parts.append(
            f"The losses first differ at step {step:,}: {ours:.6g} here, {theirs:.6g} in the twin (difference {apart})."
        )
    if comparison.losses and comparison.first_difference is not None:
        ours, theirs = comparison.losses
        parts.append(
            f"Train loss now: {number(ours)} here, {number(theirs)} in the twin (difference {number(theirs - ours)})."
        )
    test = twin.evaluation()
    if comparison.evaluation and test and comparison.evaluation[0] == twin.evaluations[-1, 0]:
        parts.append(f"Test accuracy: {percent(comparison.evaluation[2])} here, {percent(test[1])} in the twin.")
    if twin.diagnosis is not None and twin.diagnosis.severity == Severity.ALARM:
        parts.append(f"The twin has a problem: {TITLES[twin.diagnosis.kind].lower()}.")
    return " ".join(parts)
