"""A snapshot as the bytes that the board draws, made once however many read them."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from mlpviz.figures import charts
from mlpviz.figures.first_layer import first_layer_weights
from mlpviz.figures.headline import headline, notice
from mlpviz.snapshot import Snapshot

_encoded: WeakKeyDictionary[Snapshot, bytes] = WeakKeyDictionary()


def encode(snapshot: Snapshot) -> bytes:
    """JSON for the board; arrays as Plotly's typed arrays, `{"dtype", "bdata"}` with base64 data."""
    if snapshot not in _encoded:
        _encoded[snapshot] = json.dumps(payload(snapshot), default=_default, allow_nan=False).encode()
    return _encoded[snapshot]


def payload(snapshot: Snapshot) -> dict[str, Any]:
    """All that the board shows of a snapshot."""
    return {
        "version": snapshot.version,
        "run": snapshot.run,
        "status": snapshot.status,
        "step": snapshot.step,
        "headline": headline(snapshot),
        "notice": notice(snapshot),
        "charts": charts(snapshot),
        "tiles": first_layer_weights(snapshot),
    }


def _default(value: object) -> object:
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value)
        return {"dtype": data.dtype.str[1:], "bdata": base64.b64encode(data.tobytes()).decode()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} can't be sent to the board")
