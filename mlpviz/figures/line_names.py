"""The names of lines, written where the lines end: so that layers can be told apart without their colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

APART = 0.13  # of the axis: two names that are closer would cover each other


def named_at_the_end(lines: Sequence[dict[str, Any]], low: float, high: float, log: bool) -> list[dict[str, Any]]:
    """Move the names of these traces from the legend to the ends of the lines.

    Returns the names as annotations. `low` and `high` are the ends of the vertical axis. Names of lines that end close
    together are moved apart.
    """
    ends = []
    for trace in lines:
        finite = np.flatnonzero(np.isfinite(trace["y"]))
        if len(finite):
            trace["showlegend"] = False
            x, y = float(trace["x"][finite[-1]]), float(trace["y"][finite[-1]])
            ends.append((np.log10(y) if log else y, x, trace["name"], trace["line"]["color"]))
    ends.sort(key=lambda end: end[0])
    bottom, top = (np.log10(low), np.log10(high)) if log else (low, high)
    apart = APART * ((top - bottom) or 1.0)
    heights = spread([height for height, *_ in ends], apart, bottom + apart / 3, top - apart / 3)
    return [_name(x, y, name, color) for y, (_, x, name, color) in zip(heights, ends, strict=True)]


def spread(heights: Sequence[float], apart: float, bottom: float, top: float) -> list[float]:
    """Ascending heights, moved so that neighbours are at least `apart`; inside bottom and top if there is room."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + apart) if placed else max(height, bottom))
    limit = top
    for i in range(len(placed) - 1, -1, -1):
        if placed[i] <= limit:
            break
        placed[i] = limit
        limit -= apart
    return placed


def _name(x: float, y: float, name: str, color: str) -> dict[str, Any]:
    place = {"x": x, "y": float(y), "xanchor": "left", "yanchor": "middle", "xshift": 4}
    return place | {"text": name, "showarrow": False, "font": {"color": color}}
