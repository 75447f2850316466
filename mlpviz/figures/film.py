"""The timeline below the status: which moments of a run can be shown again, and what happened between them."""

from __future__ import annotations

from typing import Any

from mlpviz.figures.chart import number, percent
from mlpviz.figures.diagnosis import TITLES
from mlpviz.snapshot import Snapshot


def film(snapshot: Snapshot) -> dict[str, Any]:
    """The `steps` of the moments, the `marks` on the timeline as (step, kind, text), and how large the film is."""
    tests = [
        (int(step), "test", f"test loss {number(loss)}, accuracy {percent(accuracy)}")
        for step, loss, accuracy in snapshot.evaluations.tolist()
    ]
    changes = [(step, "change", text) for step, text in snapshot.changes]
    alarms = [(step, "alarm", TITLES[kind]) for step, kind in snapshot.film.alarms]
    return {
        "steps": list(snapshot.film.steps),
        "marks": sorted([*tests, *changes, *alarms]),
        "size": f"{len(snapshot.film.steps)} moments, {snapshot.film.bytes / 1e6:.1f} MB",
    }


def film_headline(headline: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    """The strip above the figures, for an earlier moment of a run."""
    values = [(label, "–", "") if label == "Time left" else (label, *rest) for label, *rest in headline["values"]]
    setting = f"{headline['brief']} · {headline['setting']}"  # the sidebar has the present settings
    return headline | {"status": f"At step {snapshot.step:,}", "setting": setting, "values": values, "speed": ""}
