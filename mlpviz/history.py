"""A series of any length in bounded memory: the exact minimum, maximum and mean of each of at most 600 buckets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlpviz.keeping import Keeps

CAPACITY = 600
#: A current loss or accuracy is the mean over this many steps. That is enough to average out the noise of single
#: mini-batches, and few enough to follow a fast run.
RECENT_STEPS = 25


def places(columns: Sequence[str], kind: str) -> list[int]:
    """The positions of the columns of this kind, one for each layer: "kind 1", "kind 2", and so on."""
    return [place for place, name in enumerate(columns) if name.rpartition(" ")[0] == kind]


@dataclass(frozen=True, eq=False)
class Series:
    """The contents of a history at one moment.

    Attributes:
        columns: their names.
        width: how many rows each bucket summarizes; the last bucket may have fewer.
        start: how many rows came before the first recorded one.
        rows: how many rows were recorded.
        minimum, maximum, mean: (buckets, columns) float32 over the finite values; NaN if a bucket has none.
        not_finite: (buckets, columns) int64, how many values were infinite or NaN.
    """

    columns: tuple[str, ...]
    width: int
    rows: int
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    not_finite: np.ndarray
    start: int = 0

    def last(self, buckets: int) -> Series:
        """The last buckets only."""
        left_out = max(0, len(self.mean) - buckets)
        # Copies: a part of an array would keep the whole array in memory.
        cut = {name: getattr(self, name)[left_out:].copy() for name in ("minimum", "maximum", "mean", "not_finite")}
        rows = left_out * self.width
        return replace(self, start=self.start + rows, rows=self.rows - rows, **cut)

    def ends(self) -> np.ndarray:
        """The 1-based number of the last row in each bucket, (buckets,) int64."""
        return self.start + np.minimum(np.arange(1, len(self.mean) + 1) * self.width, self.rows)

    def column(self, name: str) -> np.ndarray:
        """The means of the column with this name, (buckets,)."""
        values: np.ndarray = self.mean[:, self.columns.index(name)]
        return values

    def of_kind(self, kind: str) -> np.ndarray:
        """The means of the columns of this kind, (buckets, layers)."""
        values: np.ndarray = self.mean[:, places(self.columns, kind)]
        return values


class History(Keeps):
    """Rows of float values, one row for each step, in buckets. When all buckets are full, their width doubles.

    Args:
        columns: a name for each value of a row.
    """

    KEPT = ("rows", "width", "start", "_minimum", "_maximum", "_sum", "_finite", "_not_finite")

    def __init__(self, columns: Iterable[str], capacity: int = CAPACITY, start: int = 0) -> None:
        if capacity < 2 or capacity % 2:
            raise ValueError(
                f"capacity is {capacity}; it must be an even number, so that buckets can be merged in pairs."
            )
        self.columns = tuple(columns)
        self.capacity = capacity
        self.start = start
        self.rows = 0
        self.width = 1
        shape = (capacity, len(self.columns))
        self._minimum = np.full(shape, np.inf, dtype=np.float32)
        self._maximum = np.full(shape, -np.inf, dtype=np.float32)
        self._sum = np.zeros(shape)  # float64: a float32 sum of a million losses would lose digits
        self._finite = np.zeros(shape, dtype=np.int64)
        self._not_finite = np.zeros(shape, dtype=np.int64)

    def extend(self, rows: np.ndarray) -> None:
        """Record `rows`, (steps, columns), in order."""
        while len(rows):
            if self.rows == self.capacity * self.width:
                self._halve()
            room = self.capacity * self.width - self.rows
            self._record(rows[:room])
            rows = rows[room:]

    def series(self) -> Series:
        """An independent copy of the recorded data."""
        used = -(-self.rows // self.width)
        finite = self._finite[:used]
        empty = finite == 0
        return Series(
            columns=self.columns,
            width=self.width,
            rows=self.rows,
            minimum=np.where(empty, np.nan, self._minimum[:used]).astype(np.float32),
            maximum=np.where(empty, np.nan, self._maximum[:used]).astype(np.float32),
            mean=np.where(empty, np.nan, self._sum[:used] / np.maximum(finite, 1)).astype(np.float32),
            not_finite=self._not_finite[:used].copy(),
            start=self.start,
        )

    def _record(self, rows: np.ndarray) -> None:
        buckets = (self.rows + np.arange(len(rows))) // self.width
        first, last = buckets[0], buckets[-1] + 1
        starts = np.searchsorted(buckets, np.arange(first, last))
        finite = np.isfinite(rows)
        here = slice(first, last)
        lows, highs, values = (np.where(finite, rows, other) for other in (np.inf, -np.inf, 0.0))
        np.minimum(self._minimum[here], np.minimum.reduceat(lows, starts), out=self._minimum[here])
        np.maximum(self._maximum[here], np.maximum.reduceat(highs, starts), out=self._maximum[here])
        np.add.at(self._sum, buckets, values.astype(np.float64))  # row by row: the same bits in whatever portions
        self._finite[here] += np.add.reduceat(finite.astype(np.int64), starts)
        self._not_finite[here] += np.add.reduceat((~finite).astype(np.int64), starts)
        self.rows += len(rows)

    def _halve(self) -> None:
        """Merge neighbouring buckets. The upper half is empty afterwards."""
        half = self.capacity // 2
        merges = (
            (self._minimum, np.minimum, np.inf),
            (self._maximum, np.maximum, -np.inf),
            (self._sum, np.add, 0),
            (self._finite, np.add, 0),
            (self._not_finite, np.add, 0),
        )
        for values, merge, empty in merges:
            values[:half] = merge(values[0::2], values[1::2])
            values[half:] = empty
        self.width *= 2
