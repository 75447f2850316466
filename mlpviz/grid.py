"""Which runs a sweep has: one or two settings with the values that they take. And what has become of each run."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlpviz.diagnosis import Kind, Severity
from mlpviz.settings import BOUNDS, CHOICES, Settings, parse, spell

#: The settings that make another run: not where it trains, nor for how long.
NAMES = tuple(
    name for name in Settings().to_dict() if name in {*BOUNDS, *CHOICES, "hidden_sizes"} - {"device", "epochs"}
)
LOG = ("learning_rate", "init_std", "batch_size", "weight_decay")  # settings that are spread over powers of ten
MOST_CELLS = 10_000
DIGITS = 4  # significant, of a value inside a range: short enough for a table
POINTS = 50  # of the curve of a cell, at most
Place = tuple[int, int]

#: What a cell shows on a map when it has an alarm, and for any other alarm.
LETTERS = {
    Kind.OVERFLOW: "∞",
    Kind.EXPLODED: "∞",
    Kind.OSCILLATION: "~",
    Kind.DEAD: "†",
    Kind.SATURATED: "†",
}
ILL = "!"

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

    @functools.cached_property
    def labels(self) -> list[str]:
        """The values for readers: numbers with three digits, or with more if they would look alike."""
        for digits in range(3, 18):
            texts = [f"{value:.{digits}g}" if isinstance(value, float) else spell(value) for value in self.values]
            if len(set(texts)) == len(texts):
                break
        return texts

    @property
    def is_log(self) -> bool:
        """Whether its values belong on a logarithmic scale."""
        return self.name in LOG and all(value > 0 for value in self.values)

    @property
    def is_ordered(self) -> bool:
        """Whether the values are numbers, from the lowest to the highest or the other way round."""
        if self.name not in BOUNDS or None in self.values:
            return False
        upwards = sorted(self.values)
        return list(self.values) in (upwards, upwards[::-1])

    def position(self, value: float) -> float:
        """Where a value is among the others, counted in places, between −½ and ½ beyond the last; NaN if it is outside,
        or if the values are not ordered."""
        if not self.is_ordered or not value > 0 or len(self.values) < 2:
            return math.nan
        known = np.array(self.values, dtype=np.float64)
        known, wanted = (np.log(known), math.log(value)) if self.is_log else (known, value)
        if known[0] > known[-1]:
            known, wanted = -known, -wanted
        below = int(np.clip(np.searchsorted(known, wanted) - 1, 0, len(known) - 2))
        found = below + (wanted - known[below]) / (known[below + 1] - known[below])
        return float(found) if -0.5 <= found <= len(known) - 0.5 else math.nan

    def part(self, first: int, last: int) -> Axis:
        """The same setting between two of its values: of numbers, as many as before; of anything else, those that are
        there."""
        chosen = self.values[first : last + 1]
        if self.name not in BOUNDS or len(chosen) < 2:
            return Axis(self.name, chosen)
        return Axis(self.name, spread(self.name, chosen[0], chosen[-1], len(self.values), self.is_log))


@dataclass(frozen=True, eq=False)
class Cell:
    """What has become of a run.

    Attributes:
        settings: those of the run. kind, severity: of its diagnosis; see `mlpviz.diagnosis`.
        step: updates made. total_steps: updates planned; a run that is surely ill stops before them.
        loss: the mean of the latest 100 mini-batches. test_loss, test_accuracy: on the test set, at the last step.
            Both losses are NaN if the network has overflowed.
        curve: (points,) float32, the mean training loss of each `span(total_steps)` steps; the last point may have
            fewer.
        sharpness: the largest eigenvalue of the Hessian at the last step; NaN if it was not measured.
    """

    settings: Settings
    kind: str
    severity: str
    step: int
    total_steps: int
    loss: float
    test_loss: float
    test_accuracy: float
    curve: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    sharpness: float = math.nan

    @property
    def is_ill(self) -> bool:
        """Whether its diagnosis is an alarm."""
        return self.severity == Severity.ALARM

    @property
    def letter(self) -> str:
        """What a map shows in its place if it is ill; empty otherwise."""
        return LETTERS.get(Kind(self.kind), ILL) if self.is_ill else ""

    def ends(self) -> np.ndarray:
        """The last step of each point of the curve, (points,)."""
        each = span(self.total_steps)
        return np.minimum(np.arange(1, len(self.curve) + 1) * each, self.step)


def span(steps: int) -> int:
    """How many steps each point of a curve has, for a run of so many."""
    return -(-steps // POINTS)


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
    found = _range(name, values) if ":" in values else [read_value(name, each) for each in values.split(",")]
    return Axis(name, tuple(dict.fromkeys(found)))


def _range(name: str, text: str) -> Sequence[Any]:
    """The values of a range, evenly spaced on a logarithmic or a linear scale."""
    if name not in BOUNDS:
        raise SweepError(f"{name} has no range. List its values: {name}=a,b,c.")
    parts = [part.strip() for part in text.split(":")]
    scale = parts.pop(2) if len(parts) == 4 else "log"
    if len(parts) != 3 or scale not in ("log", "lin") or not parts[2].isdecimal() or len(parts[2]) > 5:
        raise SweepError(f"{text[:60]!r} is no range. {HOW}")
    low, high, count = read_value(name, parts[0]), read_value(name, parts[1]), int(parts[2])
    if low is None or high is None:
        raise SweepError(f"The range {text[:60]!r} needs two numbers.")
    if count < 2:
        raise SweepError(f"The range {text[:60]!r} needs at least two values.")
    if scale == "log" and not (low > 0 and high > 0):
        raise SweepError(f"A logarithmic range can’t begin at 0. Write {name}={parts[0]}:{parts[1]}:lin:{count}.")
    return spread(name, low, high, count, scale == "log")


def spread(name: str, low: float, high: float, count: int, log: bool) -> tuple[Any, ...]:
    """So many values of a setting, evenly from one to another on a logarithmic or a linear scale; fewer if there are
    not so many whole numbers between them."""
    spaced = (np.geomspace(low, high, count) if log else np.linspace(low, high, count)).tolist()
    if _is_whole(name):
        return tuple(dict.fromkeys([low, *(read_value(name, str(round(each))) for each in spaced[1:-1]), high]))
    short = (low, *(read_value(name, f"{each:.{DIGITS}g}") for each in spaced[1:-1]), high)
    upwards = sorted(set(short))
    return short if list(short) in (upwards, upwards[::-1]) else (low, *spaced[1:-1], high)


def _is_whole(name: str) -> bool:
    return isinstance(getattr(Settings(), name), int) or name == "train_size"


def read_value(name: str, text: str) -> Any:
    """The value of a setting from text.

    Raises:
        SweepError: it is not allowed.
    """
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

    def words_at(self, place: Place) -> str:
        """The values of the axes at a place: "batch size 64, learning rate 0.1"."""
        return ", ".join(f"{axis.words} {axis.labels[i]}" for axis, i in zip(self.axes, place, strict=False))

    def places(self) -> list[Place]:
        """All cells, column by column."""
        return [(column, row) for column in range(len(self.x.values)) for row in range(self.rows)]

    def part(self, columns: tuple[int, int], rows: tuple[int, int]) -> Grid:
        """A closer look at the part between these two columns and these two rows: as many values there as the whole
        grid has, where the setting allows it."""
        y = self.y.part(*rows) if self.y is not None else None
        return Grid(self.settings, self.steps, self.x.part(*columns), y)
