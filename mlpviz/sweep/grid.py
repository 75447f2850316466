"""Which runs a sweep has: one or two settings with the values that they take."""

from __future__ import annotations

import difflib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpviz.settings import BOUNDS, CHOICES, Settings, parse, spell

#: The settings that make another run: not where it trains, nor for how long.
NAMES = tuple(
    name for name in Settings().to_dict() if name in {*BOUNDS, *CHOICES, "hidden_sizes"} - {"device", "epochs"}
)
MOST_CELLS = 10_000
DIGITS = 4  # significant, of a value inside a range: short enough for a table
Place = tuple[int, int]

HOW = "Write name=value,value,… or name=from:to:how many, such as learning_rate=0.01:3:log:20 or batch_size=16,64,256."


class SweepError(ValueError):
    """The sweep is impossible. The message says what to do."""


@dataclass(frozen=True)
class Axis:
    """A setting with the values that it takes, in the order in which they were given."""

    name: str
    values: tuple[Any, ...]

    @property
    def words(self) -> str:
        """The setting’s name for a reader."""
        return self.name.replace("_", " ")


def plain_name(text: str) -> str:
    """The name of a setting, however somebody writes it."""
    return text.strip().replace(" ", "_").replace("-", "_").lower()


def read_axis(text: str) -> Axis:
    """An axis from text: `name=a,b,c`, `name=from:to:log:count`, or `name=from:to:lin:count`. `log` is the default.

    Raises:
        SweepError: it can't be read.
    """
    name, equals, values = text.partition("=")
    name = plain_name(name)
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(NAMES)}."
        raise SweepError(f"{name[:40]!r} is no setting that a sweep can change. {hint}")
    if not equals or not all(value.strip() for value in values.split(",")):
        raise SweepError(f"{text[:60]!r} has a value that is missing. {HOW}")
    found = _range(name, values) if ":" in values else [_value(name, each) for each in values.split(",")]
    return Axis(name, tuple(dict.fromkeys(found)))


def _range(name: str, text: str) -> list[Any]:
    """The values of a range, evenly spaced on a logarithmic or a linear scale."""
    if name not in BOUNDS:
        raise SweepError(f"{name} has no range. List its values: {name}=a,b,c.")
    parts = [part.strip() for part in text.split(":")]
    scale = parts.pop(2) if len(parts) == 4 else "log"
    if len(parts) != 3 or scale not in ("log", "lin") or not parts[2].isdecimal() or len(parts[2]) > 5:
        raise SweepError(f"{text[:60]!r} is no range. {HOW}")
    low, high, count = _value(name, parts[0]), _value(name, parts[1]), int(parts[2])
    if count < 2:
        raise SweepError(f"The range {text[:60]!r} needs at least two values.")
    if scale == "log" and not (low > 0 and high > 0):
        raise SweepError(f"A logarithmic range can’t begin at 0. Write {name}={parts[0]}:{parts[1]}:lin:{count}.")
    spaced = (np.geomspace(low, high, count) if scale == "log" else np.linspace(low, high, count)).tolist()
    if _is_whole(name):
        return [low, *(_value(name, str(round(each))) for each in spaced[1:-1]), high]
    short = [low, *(_value(name, f"{each:.{DIGITS}g}") for each in spaced[1:-1]), high]
    return short if len(set(short)) == count else [low, *spaced[1:-1], high]


def _is_whole(name: str) -> bool:
    return isinstance(getattr(Settings(), name), int) or name == "train_size"


def _value(name: str, text: str) -> Any:
    try:
        value = parse(name, text)
        Settings(**{name: value})  # whether it is allowed
    except ValueError as error:
        raise SweepError(str(error)) from None
    return value


@dataclass(frozen=True)
class Grid:
    """All runs of a sweep: the cells of a map with a row for each value of `y` and a column for each value of `x`. A
    place is a column and a row.

    Attributes:
        settings: of all cells, but for the axes. steps: updates in each cell.

    Raises:
        SweepError: both axes are the same setting, there are too many cells, or a cell's settings are not allowed.
    """

    settings: Settings
    steps: int
    x: Axis
    y: Axis | None = None

    def __post_init__(self) -> None:
        if self.y is not None and self.x.name == self.y.name:
            raise SweepError(f"Both axes are {self.x.words}. Choose another setting for one of them.")
        if len(self) > MOST_CELLS:
            raise SweepError(f"These are {len(self):,} cells. At most {MOST_CELLS:,} are possible.")
        for place in self.places():
            self.settings_of(place)

    def __len__(self) -> int:
        return len(self.x.values) * self.rows

    @property
    def axes(self) -> tuple[Axis, ...]:
        """One or two."""
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def rows(self) -> int:
        """How many values the second axis has; 1 without one."""
        return len(self.y.values) if self.y is not None else 1

    def settings_of(self, place: Place) -> Settings:
        """The settings of the cell in this column and this row."""
        changes = {axis.name: axis.values[i] for axis, i in zip(self.axes, place, strict=False)}
        try:
            return self.settings.replace(**changes)
        except ValueError as error:
            named = ", ".join(f"{name} {spell(value)}" for name, value in changes.items())
            raise SweepError(f"The cell with {named} is impossible: {error}") from None

    def places(self) -> list[Place]:
        """All cells, from coarse to fine: first the corners, then what is between them. Those of one level come in a
        mixed order, always the same, so that at any time those that are done are spread over the map."""
        columns, rows = (_levels(count) for count in (len(self.x.values), self.rows))
        everywhere = [(column, row) for column in range(len(columns)) for row in range(len(rows))]
        random.Random(0).shuffle(everywhere)
        return sorted(everywhere, key=lambda place: max(columns[place[0]], rows[place[1]]))


def _levels(count: int) -> Sequence[int]:
    """When each of so many places in a row has its turn: first both ends, then the middles of the largest gaps."""
    levels = [0] * count
    gaps = [(0, count - 1)]
    level = 0
    while gaps:
        level += 1
        halves = []
        for low, high in gaps:
            if high - low > 1:
                middle = (low + high) // 2
                levels[middle] = level
                halves += [(low, middle), (middle, high)]
        gaps = halves
    return levels
