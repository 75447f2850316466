"""Values as bytes: a safetensors file. Its tensors hold the arrays, and its header holds everything else as JSON.

There is no pickle in it, so reading it never runs code. Only the classes that the caller names are made.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors
from torch import Tensor

HEADER = "mlpviz"  # the entry of the file's metadata that holds the JSON


class UnreadableError(ValueError):
    """These bytes can't be read: they are damaged, or another version of mlpviz made them."""


class Codec:
    """Turns values into bytes and back.

    It knows None, booleans, numbers, text, bytes, lists, tuples, dictionaries, NumPy arrays, tensors, and the classes
    that it is given: dataclasses and enumerations.

    Args:
        classes: these and no others are read back.
        apart: classes whose objects are not written where `refer` gives a name in place of each.
    """

    def __init__(self, classes: Iterable[type], apart: tuple[type, ...] = ()) -> None:
        self._classes = {each.__name__: each for each in classes}
        self._apart = apart

    def encode(self, value: Any, refer: Callable[[Any], str] | None = None) -> bytes:
        """The value as the bytes of a safetensors file."""
        arrays: dict[str, np.ndarray] = {}
        text = json.dumps(self._plain(value, arrays, refer))
        return to_safetensors(arrays, {HEADER: text})

    def decode(self, data: bytes, find: Callable[[str], Any] | None = None) -> Any:
        """The inverse of `encode`. `find` is the inverse of `refer`.

        Raises:
            UnreadableError: the bytes are damaged, or they name a class or a field that does not exist.
        """
        try:
            arrays, metadata = _read(data)
            return self._value(json.loads(metadata[HEADER]), arrays, find)
        except UnreadableError:
            raise
        except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableError(f"a saved run can’t be read ({type(error).__name__}: {error})") from error

    def _plain(self, value: Any, arrays: dict[str, np.ndarray], refer: Callable[[Any], str] | None) -> Any:
        """The value as JSON has it. A dictionary with one key, which begins with "$", stands for anything else."""

        def plain(each: Any) -> Any:
            return self._plain(each, arrays, refer)

        if refer is not None and isinstance(value, self._apart):
            return {"$apart": refer(value)}
        if isinstance(value, Enum):
            return {"$enum": [self._name(value), value.value]}
        if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, (np.ndarray, Tensor)):
            return {"$tensor" if isinstance(value, Tensor) else "$array": _put(value, arrays)}
        if isinstance(value, bytes):
            return {"$bytes": base64.b64encode(value).decode()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, tuple):
            return {"$tuple": [plain(each) for each in value]}
        if isinstance(value, Mapping):
            if all(isinstance(key, str) and not key.startswith("$") for key in value):
                return {key: plain(each) for key, each in value.items()}
            return {"$dict": [[plain(key), plain(each)] for key, each in value.items()]}
        if is_dataclass(value):
            return {"$" + self._name(value): {each.name: plain(getattr(value, each.name)) for each in fields(value)}}
        raise TypeError(f"{type(value).__name__} can't be saved.")

    def _name(self, value: Any) -> str:
        name = type(value).__name__
        if self._classes.get(name) is not type(value):
            raise TypeError(f"{name} is not among the classes that can be saved.")
        return name

    def _value(self, plain: Any, arrays: Mapping[str, np.ndarray], find: Callable[[str], Any] | None) -> Any:
        def value(each: Any) -> Any:
            return self._value(each, arrays, find)

        if isinstance(plain, list):
            return [value(each) for each in plain]
        if not isinstance(plain, dict):
            return plain
        kind = next(iter(plain), "")
        if not kind.startswith("$"):
            return {key: value(each) for key, each in plain.items()}
        content = plain[kind]
        if kind == "$apart":
            assert find is not None
            return find(content)
        if kind == "$enum":
            return self._classes[content[0]](content[1])
        if kind == "$array":
            return arrays[content]
        if kind == "$tensor":
            return torch.from_numpy(arrays[content])
        if kind == "$bytes":
            return base64.b64decode(content)
        if kind == "$tuple":
            return tuple(value(each) for each in content)
        if kind == "$dict":
            return {value(key): value(each) for key, each in content}
        return self._object(self._classes[kind[1:]], {name: value(each) for name, each in content.items()})

    def _object(self, made: type, values: dict[str, Any]) -> Any:
        """A dataclass from its fields. Fields that it no longer has are left out; new ones get their defaults."""
        known = {each.name for each in fields(made) if each.init}
        return made(**{name: each for name, each in values.items() if name in known})


def _put(value: np.ndarray | Tensor, arrays: dict[str, np.ndarray]) -> str:
    name = str(len(arrays))
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
    arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
    return name


def _read(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata of a safetensors file in memory."""
    arrays = {name: array.copy() for name, array in from_safetensors(data).items()}  # those of `load` are read-only
    length = int.from_bytes(data[:8], "little")
    return arrays, json.loads(data[8 : 8 + length])["__metadata__"]
