"""Figures as JSON for the browser."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import numpy as np


def as_json(content: object) -> bytes:
    """Content as JSON: dataclasses as objects, arrays of numbers as Plotly's typed arrays.

    Raises:
        ValueError: a number in a list is not finite. (An array may hold such numbers.)
        TypeError: something else can't be written as JSON.
    """
    return json.dumps(content, default=_default, allow_nan=False).encode()


def plain(content: object) -> Any:
    """The same, as dictionaries, lists, texts and numbers."""
    return json.loads(as_json(content))


def _default(value: object) -> object:
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return value.item()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} can't be sent to the board")


def _array(array: np.ndarray) -> object:
    """Numbers as `{"dtype", "bdata", "shape"}` with base64 data, anything else as a list."""
    if array.dtype.kind not in "fiu":
        return array.tolist()
    if array.dtype in (np.int64, np.uint64):  # Plotly has no such arrays
        array = array.astype(np.int32) if np.abs(array).max(initial=0) < 2**31 else array.astype(np.float64)
    data = np.ascontiguousarray(array)
    shape = {"shape": ", ".join(map(str, data.shape))} if data.ndim > 1 else {}
    return {"dtype": data.dtype.str[1:], "bdata": base64.b64encode(data.tobytes()).decode()} | shape
