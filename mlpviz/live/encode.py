"""A snapshot as the bytes that the board draws, made once however many read them."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from mlpviz.figures import charts
from mlpviz.figures.comparison import comparison_charts, comparison_headline
from mlpviz.figures.first_layer import first_layer_weights
from mlpviz.figures.headline import headline, notice, notice_kind
from mlpviz.figures.range_test import range_curve, range_headline
from mlpviz.figures.seeds import seeds_charts, seeds_headline
from mlpviz.figures.sweep import sweep_charts, sweep_headline
from mlpviz.figures.twin import twin_line
from mlpviz.snapshot import AnySnapshot, ComparisonSnapshot, RangeSnapshot, SeedsSnapshot, Snapshot, SweepSnapshot

_encoded: WeakKeyDictionary[AnySnapshot, bytes] = WeakKeyDictionary()


def encode(snapshot: AnySnapshot) -> bytes:
    """JSON for the board; arrays as Plotly's typed arrays, `{"dtype", "bdata"}` with base64 data."""
    if snapshot not in _encoded:
        _encoded[snapshot] = json.dumps(payload(snapshot), default=_default, allow_nan=False).encode()
    return _encoded[snapshot]


def encode_strip(snapshot: Snapshot) -> bytes:
    """The same without figures and images, for a board that shows its strip alone."""
    return json.dumps(_head(snapshot) | _strip(snapshot), allow_nan=False).encode()


def payload(snapshot: AnySnapshot) -> dict[str, Any]:
    """All that the board shows of a snapshot."""
    return _head(snapshot) | _shown(snapshot)


def _head(snapshot: AnySnapshot) -> dict[str, Any]:
    return {
        "version": snapshot.version,
        "run": snapshot.run,
        "status": snapshot.status,
        "step": snapshot.step,
        "notice": snapshot.message,
        "notice_kind": "alarm",
        "tiles": None,
    }


def _strip(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "evaluations": len(snapshot.evaluations),
        "headline": headline(snapshot),
        "notice": notice(snapshot),
        "notice_kind": notice_kind(snapshot),
        "line": twin_line(snapshot),
    }


@functools.singledispatch
def _shown(snapshot: AnySnapshot) -> dict[str, Any]:
    raise TypeError(f"{type(snapshot).__name__} can't be shown on a board")


@_shown.register
def _(snapshot: Snapshot) -> dict[str, Any]:
    return _strip(snapshot) | {"charts": charts(snapshot), "tiles": first_layer_weights(snapshot)}


@_shown.register
def _(snapshot: ComparisonSnapshot) -> dict[str, Any]:
    return {"headline": comparison_headline(snapshot), "charts": comparison_charts(snapshot)}


@_shown.register
def _(snapshot: SweepSnapshot) -> dict[str, Any]:
    return {"headline": sweep_headline(snapshot), "charts": sweep_charts(snapshot)}


@_shown.register
def _(snapshot: SeedsSnapshot) -> dict[str, Any]:
    return {"headline": seeds_headline(snapshot), "charts": seeds_charts(snapshot)}


@_shown.register
def _(snapshot: RangeSnapshot) -> dict[str, Any]:
    return {"headline": range_headline(snapshot), "charts": [range_curve(snapshot)]}


def _default(value: object) -> object:
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value)
        return {"dtype": data.dtype.str[1:], "bdata": base64.b64encode(data.tobytes()).decode()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} can't be sent to the board")
