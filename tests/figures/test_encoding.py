"""Figures as JSON: what the browser gets is what the arrays hold."""

import base64
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from mlpviz.figures.encoding import as_json, plain


@dataclass(frozen=True)
class Point:
    x: np.ndarray


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, math.nan, math.inf], dtype=np.float32),
        np.arange(5, dtype=np.int64),
        np.array([2**40, -1]),
        np.arange(6.0).reshape(2, 3),
        np.zeros((0,), dtype=np.uint8),
    ],
    ids=["not finite", "int64", "large int64", "two axes", "empty"],
)
def test_an_array_of_numbers_comes_back(array):
    sent = json.loads(as_json(Point(array)))["x"]
    assert sent["dtype"] in ("f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4"), "those that Plotly knows"
    back = np.frombuffer(base64.b64decode(sent["bdata"]), dtype=sent["dtype"])
    shape = [int(part) for part in sent.get("shape", str(len(array))).split(", ")]
    assert np.array_equal(back.reshape(shape), array, equal_nan=True)


def test_texts_and_truths_are_lists_and_numbers_are_plain():
    content = {"names": np.array(["a", "b"]), "right": np.array([True]), "loss": np.float32(0.5)}
    assert plain(content) == {"names": ["a", "b"], "right": [True], "loss": 0.5}


@pytest.mark.parametrize("content", [[math.nan], {"x": object()}])
def test_what_json_can_not_hold_is_refused(content):
    with pytest.raises((ValueError, TypeError)):
        as_json(content)
