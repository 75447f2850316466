"""What does each of the five lines do? In one step, if there is time for a close look at it; otherwise, how long each
takes."""

from __future__ import annotations

import math
from typing import Any

from mlpviz.figures.chart import number, percent
from mlpviz.figures.gradient_norms import subscript
from mlpviz.snapshot import CloseUp, Snapshot
from mlpviz.speed import SPEEDS, is_close_up

LINES = 5
#: Each line in a few words.
DOES = (
    "The network answers for each image of a mini-batch.",
    "One number says how wrong the answers are.",
    "Old gradients are cleared: new ones would be added to them.",
    "Each weight gets its gradient: how the loss changes with it.",
    "Each weight moves a little, to make the loss smaller.",
)
OF_ONE_STEP = 1.0  # seconds to play the lines of a single step that the reader asked for


def five_lines(snapshot: Snapshot) -> dict[str, Any]:
    """What the board shows beside each of the five lines.

    `large` is whether there is time for pictures: then each step is played in `seconds`, one line after another. The
    entries of `lines` say what a line `does`, its result in `short`, and its `share` of a step's time. For the pictures
    they have a `caption`, `bars` (label, share of the longest bar, value), `images` and a `number`.
    """
    seen = snapshot.close_up if snapshot.close_up is not None and snapshot.close_up.step == snapshot.step else None
    shares = snapshot.line_shares or (None,) * LINES
    lines = _of_step(seen, snapshot) if seen is not None else [_of_time(share) for share in shares]
    return {
        "title": f"Step {seen.step:,}, line by line" if seen is not None else "Every step runs these five lines",
        "step": seen.step if seen is not None else 0,
        "large": is_close_up(snapshot.speed),
        "seconds": 1 / SPEEDS[snapshot.speed] if is_close_up(snapshot.speed) else OF_ONE_STEP,
        "lines": [{"does": does} | line for does, line in zip(DOES, lines, strict=True)],
    }


def _of_time(share: float | None) -> dict[str, Any]:
    return {"short": f"{percent(share, 0)} of a step’s time", "share": share} if share is not None else {"short": ""}


def _of_step(seen: CloseUp, snapshot: Snapshot) -> list[dict[str, Any]]:
    return [
        _forward(seen, snapshot.classes),
        _loss(seen),
        _cleared(seen),
        _with_bars("the size of each layer’s gradient", _bars(seen.gradients)[::-1]),
        _with_bars("how far they moved, in % of their size", _moves(seen)),
    ]


def _forward(seen: CloseUp, classes: tuple[str, ...]) -> dict[str, Any]:
    captions = [
        (classes[answer], percent(confidence, 0), "" if answer == label else classes[label])
        if math.isfinite(confidence)
        else ("no answer", "not finite", classes[label])
        for answer, confidence, label in zip(seen.answers, seen.confidences, seen.labels, strict=True)
    ]
    right = f"{seen.right:,} of {seen.batch:,} right"
    return {"short": right, "caption": right, "images": {"pixels": seen.images, "captions": captions}}


def _loss(seen: CloseUp) -> dict[str, Any]:
    """Each step has its own mini-batch: the loss may rise although the network has become better."""
    if seen.loss_before is None:
        caption = "the first step" if seen.step == 1 else "the first step of this branch"
        return {"short": _three_decimals(seen.loss), "caption": caption, "number": _three_decimals(seen.loss)}
    before, now = _three_decimals(seen.loss_before), _three_decimals(seen.loss)
    return {
        "short": f"{now} (step before: {before})",
        "caption": f"step {seen.step - 1:,} → {seen.step:,}, new images",
        "number": f"{before} → {now}",
    }


def _three_decimals(loss: float) -> str:
    """A loss, with so many digits that a single step shows."""
    return f"{loss:.3f}" if loss < 100 else number(loss)


def _cleared(seen: CloseUp) -> dict[str, Any]:
    if not seen.old_gradients:
        return {"short": "nothing to clear yet", "caption": "nothing to clear: this run begins here"}
    return {
        "short": "cleared",
        "caption": "the old sizes, now gone",
        "bars": _bars(seen.old_gradients),
        "cleared": True,
    }


def _with_bars(caption: str, bars: list[tuple[str, float, str]]) -> dict[str, Any]:
    return {"short": ", ".join(f"{label} {value}" for label, _, value in bars), "caption": caption, "bars": bars}


def _moves(seen: CloseUp) -> list[tuple[str, float, str]]:
    was_zero = math.isfinite(seen.loss)  # a share of a weight that was 0 is not defined
    return [
        (label, length, "from 0" if math.isnan(move) and was_zero else text)
        for (label, length, text), move in zip(_bars(seen.updates, in_percent=True), seen.updates, strict=True)
    ]


def _bars(values: tuple[float, ...], in_percent: bool = False) -> list[tuple[str, float, str]]:
    """For each layer: its label, its share of the largest value, and its value in words."""
    finite = [value for value in values if 0 < value < float("inf")]
    longest = max(finite, default=1.0)
    return [
        (
            f"W{subscript(layer)}",
            min(1.0, value / longest) if value > 0 else 0.0,
            f"{number(100 * value)} %" if in_percent and value < float("inf") else number(value),
        )
        for layer, value in enumerate(values, 1)
    ]
