"""What does the network answer? Its answer for ten images, as it is now."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.examples import HARDEST
from mlpviz.figures.chart import percent
from mlpviz.snapshot import Answers, Snapshot

YOURS = "your picture"


def examples(snapshot: Snapshot) -> dict[str, Any]:
    """The pictures, which stay the same while the network learns: uint8 pixels, and the true class of each."""
    answers = snapshot.answers
    return {
        "kind": answers.examples.kind,
        "own": bool(answers.examples.own),
        "labels": [name_of(label, snapshot.classes) for label in answers.labels],
        "images": [answers.examples.image_at(i) for i in range(len(answers.labels))],
        "focus": answers.examples.focus,
        "pixels": answers.images,
    }


def answers(snapshot: Snapshot) -> dict[str, Any]:
    """For each picture: the answer, its probability from 0 to 1, and whether it is right; None if nobody knows."""
    seen = snapshot.answers
    each = [_answer(seen, i, snapshot.classes) for i in range(len(seen.labels))]
    known = [right for _, _, right in each if right is not None]
    when = "before training" if seen.step == 0 else f"after step {seen.step:,}"
    return {
        "sentence": f"{sum(known)} of {len(known)} right {when}{_why_these(snapshot)}.",
        "answers": each,
    }


def _why_these(snapshot: Snapshot) -> str:
    chosen = snapshot.answers.examples
    if chosen.kind != HARDEST:
        return ""
    if chosen.run != snapshot.run:
        return "; these were the hardest for an earlier run"
    return f"; these had the largest loss in the test at step {chosen.step:,}"


def name_of(label: int | None, classes: tuple[str, ...]) -> str:
    """The name of a class, or what the reader's own picture is called."""
    return YOURS if label is None else classes[label]


def best(seen: Answers, position: int) -> tuple[int, float] | None:
    """The class with the largest probability, and that probability; None if they are not finite."""
    probabilities = seen.probabilities[position]
    if not np.isfinite(probabilities).all():
        return None
    answer = int(probabilities.argmax())
    return answer, float(probabilities[answer])


def _answer(seen: Answers, position: int, classes: tuple[str, ...]) -> tuple[str, float, bool | None]:
    found, label = best(seen, position), seen.labels[position]
    if found is None:
        return "no answer", 0.0, None if label is None else False
    answer, probability = found
    return classes[answer], round(probability, 4), None if label is None else answer == label


def in_words(seen: Answers, position: int, classes: tuple[str, ...]) -> str:
    """The answer for one picture: "Answer: Coat, 62 %; Shirt would be right"."""
    found, label = best(seen, position), seen.labels[position]
    if found is None:
        return "No answer: the numbers are not finite"
    answer, probability = found
    said = f"Answer: {classes[answer]}, {percent(probability, 0)}"
    if label is None:
        return said
    return f"{said}, right" if answer == label else f"{said}; {classes[label]} would be right"
