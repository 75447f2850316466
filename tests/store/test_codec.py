"""Whatever a task consists of goes through the bytes and comes out the same; anything else is refused."""

import math
import pickletools
from dataclasses import fields, is_dataclass
from enum import Enum

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from mlpviz import Settings
from mlpviz.backend.saved import codec
from mlpviz.diagnosis import Kind
from mlpviz.examples import Examples
from mlpviz.results import PastPredictions
from mlpviz.store.codec import Codec, UnreadableError


def same(a, b):
    if isinstance(a, (np.ndarray, torch.Tensor)):
        assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
        assert np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            same(one, other)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif is_dataclass(a):
        assert type(a) is type(b)
        for field in fields(a):
            same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, float) and math.isnan(a):
        assert math.isnan(b)
    else:
        assert type(a) is type(b) and a == b


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        0.1,
        math.inf,
        math.nan,
        "é → ü",
        b"\x00\xff",
        [1, [2.5, None]],
        (1, ("a",), []),
        {"a": {"b": 1}},
        {0: {"step": 1}, (1, 2): "x"},
        {"$a": 1},
        Kind.OVERFLOW,
        Settings(hidden_sizes=(3, 4), train_size=None),
        Examples(indices=(1, 2), own=bytes(784)),
        np.arange(6, dtype=np.float16).reshape(2, 3).T,
        np.array(2.5),
        np.empty((0, 3), dtype=np.int64),
        np.array([True, False]),
        np.array([1.0, np.nan, -np.inf], dtype=np.float32),
        torch.arange(6.0).reshape(3, 2),
        torch.arange(8.0).reshape(2, 4).T,
        torch.tensor(7, dtype=torch.int64),
        torch.Generator().manual_seed(3).get_state(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_the_same(value):
    same(value, codec().decode(codec().encode(value)))


def test_numpy_numbers_become_plain_numbers():
    assert codec().decode(codec().encode([np.float64(0.1), np.int64(3), np.float32(0.5)])) == [0.1, 3, 0.5]


def test_the_bytes_are_a_safetensors_file_and_hold_no_pickle():
    data = codec().encode({"weights": torch.ones(2, 3), "settings": Settings()})
    (weights,) = load(data).values()
    assert weights.tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(Exception):  # noqa: B017 - whatever pickletools raises
        list(pickletools.genops(data))


def test_pieces_are_written_apart_and_found_again():
    past = PastPredictions(3, np.zeros(2, dtype=np.uint8), np.zeros(2, dtype=np.float16))
    data = codec().encode([past, past], lambda piece: "its name")
    assert b"PastPredictions" not in data
    assert codec().decode(data, {"its name": past}.__getitem__) == [past, past]


class Colour(Enum):
    RED = 1


def test_other_classes_are_neither_written_nor_read():
    with pytest.raises(TypeError, match="Colour"):
        codec().encode(Colour.RED)
    with pytest.raises(TypeError, match="object"):
        codec().encode(object())
    data = Codec([Colour]).encode(Colour.RED)
    with pytest.raises(UnreadableError, match="Colour"):
        codec().decode(data)


@pytest.mark.parametrize("damage", [lambda d: b"", lambda d: d[:-3], lambda d: d[:40], lambda d: b"\xff" * len(d)])
def test_damaged_bytes_are_said_to_be_unreadable(damage):
    data = codec().encode({"a": np.ones(5)})
    with pytest.raises(UnreadableError):
        codec().decode(damage(data))


def test_a_field_that_no_longer_exists_is_left_out_and_a_new_one_gets_its_default():
    data = codec().encode(Examples(focus=2)).replace(b"focus", b"fokus")
    assert codec().decode(data) == Examples()
