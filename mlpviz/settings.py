"""All settings of a run: their defaults, their bounds, and how they are written in JSON and in a URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from typing import Any

from mlpviz.catalog import CATALOG

IMAGE_SIZE = 28 * 28  # pixels: the inputs of the network
CLASSES = 10

DATASET_NAMES = tuple(CATALOG)
ACTIVATION_NAMES = ("relu", "tanh", "sigmoid", "gelu", "leaky_relu", "identity")
INIT_NAMES = ("normal", "zeros", "xavier", "kaiming", "pytorch")
OPTIMIZER_NAMES = ("sgd", "adam", "adamw", "rmsprop")
DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")

MAX_HIDDEN_LAYERS = 6
MAX_HIDDEN_SIZE = 1024
#: The largest work of a step: images of a mini-batch times parameters. Such a step takes about half a second on one
#: core, and everybody else on the server waits for it. The article's network and smaller ones may use all images in one
#: mini-batch, which takes twice as long.
MOST_WORK = 30_000 * 203_530
ARTICLE_PARAMETERS = 203_530

#: Inclusive bounds of the numeric fields.
BOUNDS: dict[str, tuple[float, float]] = {
    "init_std": (0.0, 10.0),
    "learning_rate": (0.0, 100.0),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 1.0),
    "batch_size": (1, 60_000),
    "epochs": (1, 1_000),
    "train_size": (1, 60_000),
    "seed": (0, 2**53 - 1),  # JSON and a browser keep these numbers exactly
}
CHOICES: dict[str, tuple[str, ...]] = {
    "dataset": DATASET_NAMES,
    "activation": ACTIVATION_NAMES,
    "init": INIT_NAMES,
    "optimizer": OPTIMIZER_NAMES,
    "device": DEVICE_NAMES,
}
#: Fields that can change during a run, from its next step on. Any other change needs a new run.
LIVE_FIELDS = ("learning_rate", "momentum", "weight_decay", "epochs")

LONGEST_VALUE = 100  # an error message shows this many characters of a value at most

_FLOATS = ("init_std", "learning_rate", "momentum", "weight_decay")
_INTEGERS = ("batch_size", "epochs", "train_size", "seed")


@dataclass(frozen=True)
class Settings:
    """One experiment. The defaults are the article's: 784-256-10, ReLU, N(0, 0.01²), SGD at 0.1, mini-batches of 256.

    Args:
        hidden_sizes: units of each hidden layer; empty for a linear classifier.
        init_std: standard deviation of the initial weights; only `init="normal"` uses it.
        train_size: how many training images are used, from the first one on; None for all.

    Raises:
        ValueError: the message names the field, the value and what is allowed.
    """

    dataset: str = "fashion-mnist"
    hidden_sizes: tuple[int, ...] = (256,)
    activation: str = "relu"
    init: str = "normal"
    init_std: float = 0.01
    learning_rate: float = 0.1
    optimizer: str = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    batch_size: int = 256
    epochs: int = 10
    train_size: int | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise _error(name, getattr(self, name), "one of " + ", ".join(allowed))
        for name in _FLOATS:
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        for name in _INTEGERS:
            if name != "train_size" or self.train_size is not None:
                object.__setattr__(self, name, _integer(name, getattr(self, name)))
        object.__setattr__(self, "hidden_sizes", _hidden_sizes(self.hidden_sizes))
        if self.batch_size > self.largest_batch:
            raise _error("batch_size", self.batch_size, f"at most {self.largest_batch:,} with {self._network()}")
        if not isinstance(self.nesterov, bool):
            raise _error("nesterov", self.nesterov, "true or false")
        if self.momentum and self.optimizer != "sgd":
            raise _error("momentum", self.momentum, f"0 with {self.optimizer}, because only sgd uses it")
        if self.nesterov and not self.momentum:
            raise _error("nesterov", self.nesterov, "false if the momentum is 0")

    def replace(self, **changes: Any) -> Settings:
        """The same settings with some fields changed, checked again."""
        return replace(self, **changes)

    def needs_new_run(self, other: Settings) -> bool:
        """Whether a change from these settings to `other` needs a new run: another network, other data or another
        order."""
        return any(name not in LIVE_FIELDS for name in self.differences(other))

    def differences(self, other: Settings) -> dict[str, tuple[Any, Any]]:
        """The fields that differ: `{name: (value here, value in other)}`."""
        pairs = {field.name: (getattr(self, field.name), getattr(other, field.name)) for field in fields(self)}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """The sizes of all layers, from the input to the logits: (784, hidden units …, 10)."""
        return (IMAGE_SIZE, *self.hidden_sizes, CLASSES)

    @property
    def parameters(self) -> int:
        """How many weights and biases the network has."""
        sizes = self.layer_sizes
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))

    @property
    def images(self) -> int:
        """How many training images an epoch has."""
        return self.train_size or CATALOG[self.dataset].train_size

    @property
    def largest_batch(self) -> int:
        """How many images a mini-batch can have with this network, so that a step doesn't take too long."""
        most = int(BOUNDS["batch_size"][1])
        return most if self.parameters <= ARTICLE_PARAMETERS else min(most, MOST_WORK // self.parameters)

    def _network(self) -> str:
        sizes = spell(self.hidden_sizes)
        return f"hidden layers {sizes} ({self.parameters:,} parameters); otherwise a step takes too long"

    # dict, JSON, URL

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dictionary for `json.dumps`, with every field by its name. `hidden_sizes` is a list."""
        return asdict(self) | {"hidden_sizes": list(self.hidden_sizes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """The settings from a dictionary, as `to_dict` makes it. Missing fields get their defaults.

        Raises:
            ValueError: a key is not the name of a setting, or a value is not allowed.
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise ValueError(f"{name} is not a setting. The settings are {', '.join(names)}.")
        return cls(**values)

    def to_json(self) -> str:
        """The settings as a JSON object, with every field. `from_json` reads it back."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """The settings from a JSON object, as `to_json` makes it. Missing fields get their defaults.

        Raises:
            ValueError: the text is not a JSON object, or a key or a value is not allowed.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"These settings are not valid JSON: {error}.") from None
        if not isinstance(values, dict):
            raise ValueError('The settings must be one JSON object, such as {} or {"learning_rate": 0.1}.')
        return cls.from_dict(values)

    def to_params(self) -> dict[str, str]:
        """The settings as URL parameters: the dataset, and every field that differs from its default. The page puts
        them into its address, and `from_params` reads them back."""
        default = type(self)()
        return {
            field.name: spell(getattr(self, field.name))
            for field in fields(self)
            if field.name == "dataset" or getattr(self, field.name) != getattr(default, field.name)
        }

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Settings:
        """The settings from URL parameters. Missing fields get their defaults. Parameters that are not settings, such
        as the id of a run, are ignored.

        Raises:
            ValueError: a value can't be read, or is not allowed.
        """
        names = {field.name for field in fields(cls)}
        return cls(**{name: parse(name, text) for name, text in params.items() if name in names})


def spell(value: Any) -> str:
    """A field's value as text: `256-128` for hidden sizes, `none`, `true`, or the shortest exact number."""
    if isinstance(value, tuple):
        return "-".join(map(str, value)) or "none"
    if value is None:
        return "all"
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse(name: str, text: str) -> Any:
    """The inverse of `spell` for the field `name`. Hidden sizes may also be separated by commas or spaces."""
    text = text.strip()
    if name == "hidden_sizes":
        parts = [] if text.lower() in ("", "none") else text.replace("-", " ").replace(",", " ").split()
        if text.startswith("-") or not all(part.isdecimal() and len(part) < 10 for part in parts):
            raise _error(name, text, "whole numbers such as 256 or 256-128, or none")
        return tuple(int(part) for part in parts)
    if name == "train_size" and text.lower() == "all":
        return None
    if name == "nesterov":
        if text.lower() not in ("true", "false"):
            raise _error(name, text, "true or false")
        return text.lower() == "true"
    if name in _FLOATS or name in _INTEGERS:
        try:
            return float(text) if name in _FLOATS else int(text)
        except ValueError:
            raise _error(name, text, f"a {'whole ' if name in _INTEGERS else ''}{_range(name)}") from None
    return text


def _number(name: str, value: Any) -> float:
    low, high = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise _error(name, value, f"a {_range(name)}")
    return float(value)


def _integer(name: str, value: Any) -> int:
    low, high = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _error(name, value, f"a whole {_range(name)}")
    return value


def _hidden_sizes(value: Any) -> tuple[int, ...]:
    allowed = f"0 to {MAX_HIDDEN_LAYERS} layers of 1 to {MAX_HIDDEN_SIZE} units"
    if not isinstance(value, (tuple, list)):
        raise _error("hidden_sizes", value, f"{allowed}, in a tuple such as (256,) or (256, 128)")
    if len(value) > MAX_HIDDEN_LAYERS:
        raise _error("hidden_sizes", value, allowed)
    for size in value:
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_HIDDEN_SIZE:
            raise _error("hidden_sizes", value, allowed)
    return tuple(value)


def _range(name: str) -> str:
    low, high = BOUNDS[name]
    return f"number from {low:,} to {high:,}"


class SettingError(ValueError):
    """A setting has a value that is not allowed.

    Attributes:
        field: the name of the setting. value: the value, as text. allowed: what it must be, in words.
    """

    def __init__(self, field: str, value: str, allowed: str) -> None:
        super().__init__(f"{field} is {value}; it must be {allowed}.")
        self.field, self.value, self.allowed = field, value, allowed

    def __reduce__(self) -> tuple[type[SettingError], tuple[str, str, str]]:
        return type(self), (self.field, self.value, self.allowed)


def _error(name: str, value: Any, allowed: str) -> SettingError:
    text = repr(value)
    text = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
    return SettingError(name, text, allowed)
