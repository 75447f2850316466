"""The measurements of some steps only: update ratios and dead units."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.snapshot import Snapshot

#: Each sample has a marker, because nothing was measured between two of them.
MARKED: dict[str, Any] = {"mode": "lines+markers", "marker": {"size": 4}}


def samples(snapshot: Snapshot, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The steps of all samples, (samples,), and their values of that kind, "update_ratio" or "dead_share", (samples,
    layers). The latest sample comes last, even if it is not part of the trend."""
    if snapshot.inspection is None:
        return np.empty(0), np.empty((0, 0))
    trend, latest = snapshot.inspection.trend, snapshot.inspection.latest
    steps, values = trend.column("step"), trend.of_kind(kind)
    if not len(steps) or latest.step > steps[-1]:
        newest = latest.update_ratios if kind == "update_ratio" else latest.dead_shares
        steps, values = np.append(steps, latest.step), np.vstack([values, newest])
    return steps, values
