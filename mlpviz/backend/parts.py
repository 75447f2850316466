"""A snapshot as bytes for the board, in parts.

Each part is encoded and compressed once, for all readers. It has its own version: that of the snapshot with which it
last changed.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpviz.figures import charts
from mlpviz.figures.chart import Chart
from mlpviz.figures.classroom import class_charts, class_headline, members
from mlpviz.figures.comparison import comparison_charts, comparison_headline
from mlpviz.figures.encoding import as_json
from mlpviz.figures.examples import answers, examples
from mlpviz.figures.film import film
from mlpviz.figures.first_layer import first_layer_weights
from mlpviz.figures.five_lines import five_lines
from mlpviz.figures.headline import headline, notice, notice_kind, stopped_headline
from mlpviz.figures.map import map_charts, map_headline
from mlpviz.figures.network import network
from mlpviz.figures.range_test import range_curve, range_headline
from mlpviz.figures.seeds import seeds_charts, seeds_headline
from mlpviz.figures.sweep import sweep_charts, sweep_headline
from mlpviz.figures.trouble import broken, tell_once, what
from mlpviz.figures.twin import twin_line
from mlpviz.snapshot import (
    ClassSnapshot,
    ComparisonSnapshot,
    MapSnapshot,
    RangeSnapshot,
    SeedsSnapshot,
    Snapshot,
    Status,
    SweepSnapshot,
    TaskSnapshot,
)

HEAD = "head"  # the part with everything above the figures
MEMBERS = "members"  # the part with the students of a class
ARRAYS = "arrays"  # the arrays that several lines share, such as their steps; a line names its array
#: Other parts that only a run has, each with the function that makes it.
RUN_PARTS: dict[str, Callable[[Snapshot], object]] = {
    "lines": five_lines,  # what each of the five lines does
    "examples": examples,  # the chosen images
    "answers": answers,  # the answers for these
    "network": network,  # one of them on its way through the network
    "tiles": first_layer_weights,
    "film": film,  # the moments that can be shown again
}
LEVEL = 1  # of compression. Higher levels save a tenth of the bytes and take three times as long


@dataclass(frozen=True)
class Part:
    """One part of a snapshot.

    Attributes:
        name: `HEAD`, `ARRAYS`, `MEMBERS`, one of `RUN_PARTS`, or the name of a chart.
        version: of the snapshot with which it last changed.
        plain: its JSON.
        packed: the same, as a piece of a raw deflate stream (RFC 1951). It ends at a byte boundary and does not use
            earlier bytes, so pieces can be joined in any order.
    """

    name: str
    version: int
    plain: bytes
    packed: bytes


@dataclass(frozen=True)
class Newest:
    """A task's newest snapshot, encoded.

    Attributes:
        run: the task's id. version: the snapshot's; 0 if there is none yet.
        parts: those that the caller doesn't have yet.
    """

    run: str
    version: int
    parts: tuple[Part, ...]


class Encoder:
    """Encodes the snapshots of one task, one after another."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}
        self._charts: set[str] = set()  # the names of those that the latest snapshot had
        self._of: tuple[str, Status] | None = None  # the run, and its status, of the encoded figures
        self._head_of = self._figures_of = -1  # the version of the snapshot that each was last made for

    def newest(
        self,
        snapshot: TaskSnapshot,
        have: tuple[str, int] | None,
        only: frozenset[str],
        without: frozenset[str] = frozenset(),
    ) -> Newest:
        """The wanted parts for somebody who already has the version `have`; as in `Backend.newest`."""
        known = have[1] if have is not None and have[0] == snapshot.run else -1
        if known == snapshot.version:
            return Newest(snapshot.run, snapshot.version, ())
        self._encode(snapshot, figures=only != {HEAD})
        names = self._parts.keys() & only if only else self._parts.keys() - without
        wanted = [part for name, part in self._parts.items() if name in names]
        return Newest(snapshot.run, snapshot.version, tuple(part for part in wanted if part.version > known))

    def has(self, snapshot: TaskSnapshot) -> bool:
        """Whether the figures of this snapshot are encoded already."""
        return self._figures_of == snapshot.version

    def is_stale(self, snapshot: TaskSnapshot) -> bool:
        """Whether what is encoded is that of another run, or of another status: a board must show this at once."""
        return self._of != (snapshot.run, snapshot.status)

    def _encode(self, snapshot: TaskSnapshot, figures: bool) -> None:
        if self._head_of != snapshot.version:
            self._head_of = snapshot.version
            self._take(HEAD, _encoded_head(snapshot), snapshot.version)
        if figures and self._figures_of != snapshot.version:
            self._figures_of, self._of = snapshot.version, (snapshot.run, snapshot.status)
            made = dict(_encoded_charts(snapshot))
            for name in self._charts - set(made):
                self._take(name, as_json(None), snapshot.version)  # it is no longer there
            self._charts = set(made) - {ARRAYS}
            for name, chart in made.items():
                self._take(name, chart, snapshot.version)
            for name, make in RUN_PARTS.items():
                self._take(name, encoded(snapshot, make), snapshot.version)
            if isinstance(snapshot, ClassSnapshot):
                self._take(MEMBERS, as_json(members(snapshot)), snapshot.version)

    def _take(self, name: str, plain: bytes, version: int) -> None:
        """Keep a part. If it has not changed, it keeps its old version."""
        if name not in self._parts or self._parts[name].plain != plain:
            self._parts[name] = Part(name, version, plain, deflated(plain))


def deflated(data: bytes) -> bytes:
    """A piece of a raw deflate stream that ends at a byte boundary and can follow any other piece."""
    compressor = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)


# Each part is encoded by itself. If one fails, only that part shows the error.


def _encoded_head(snapshot: TaskSnapshot) -> bytes:
    try:
        return as_json(head_of(snapshot))
    except Exception as error:
        tell_once("the line above the figures can't be made", error)
        notice = f"mlpviz can’t show the line above the figures now ({what(error)}). Your run continues."
        return as_json(_common(snapshot) | {"notice": notice, "headline": stopped_headline(snapshot)})


def _encoded_charts(snapshot: TaskSnapshot) -> list[tuple[str, bytes]]:
    try:
        made = _charts(snapshot)
    except Exception as error:
        made = [broken("Figures", "Figures", error)]
    shared = SharedArrays(made)
    arrays: dict[str, np.ndarray] = {}
    encoded = [(chart.name, _encoded_chart(chart, shared, arrays)) for chart in made]
    return [*encoded, (ARRAYS, as_json(arrays))] if arrays else encoded


class SharedArrays:
    """The arrays that several traces have in common. Each is sent once, under a name that depends on its content."""

    def __init__(self, charts: list[Chart]) -> None:
        arrays = [value for chart in charts for trace in chart.data for value in trace.values()]
        self._counts = Counter(_digest(value) for value in arrays if isinstance(value, np.ndarray))

    def named(self, chart: Chart, arrays: dict[str, np.ndarray]) -> Chart:
        """The chart with names in place of the shared arrays. It adds these arrays to `arrays`."""

        def name(value: object) -> object:
            if not isinstance(value, np.ndarray) or self._counts[digest := _digest(value)] < 2:
                return value
            arrays[digest] = value
            return {"array": digest}

        return dataclasses.replace(chart, data=[{key: name(value) for key, value in t.items()} for t in chart.data])


def _digest(array: np.ndarray) -> str:
    return hashlib.blake2b(array.tobytes() + array.dtype.str.encode(), digest_size=9).hexdigest()


def _encoded_chart(chart: Chart, shared: SharedArrays, arrays: dict[str, np.ndarray]) -> bytes:
    try:
        return as_json(shared.named(chart, arrays))
    except Exception as error:
        return as_json(broken(chart.name, chart.card, error))


def encoded(snapshot: TaskSnapshot, make: Callable[[Snapshot], object]) -> bytes:
    """What only a run has; null for other tasks, and if it can't be made."""
    try:
        return as_json(make(snapshot) if isinstance(snapshot, Snapshot) else None)
    except Exception as error:
        tell_once(f"this can't be drawn: {make.__name__}", error)
        return as_json(None)


# what each kind of snapshot shows


def _common(snapshot: TaskSnapshot) -> dict[str, Any]:
    """What every task shows above its figures, without the headline."""
    return {
        "status": snapshot.status,
        "step": snapshot.step,
        "notice": snapshot.message,
        "notice_kind": "alarm",
        "evaluations": 0,
        "line": "",
    }


def head_of(snapshot: TaskSnapshot) -> dict[str, Any]:
    """Everything above the figures."""
    common = _common(snapshot) | {"headline": _headline(snapshot)}
    if isinstance(snapshot, MapSnapshot):
        return common | {"evaluations": len(snapshot.cells)}
    if isinstance(snapshot, ClassSnapshot):
        return common | {"evaluations": len(snapshot.seats)}
    if not isinstance(snapshot, Snapshot):
        return common
    return common | {
        "evaluations": len(snapshot.evaluations),
        "notice": notice(snapshot),
        "notice_kind": notice_kind(snapshot),
        "line": twin_line(snapshot),
        "pace": _pace(snapshot),
    }


def _pace(snapshot: Snapshot) -> dict[str, int]:
    """What turns steps into epochs and into images seen."""
    settings = snapshot.settings
    images = {"batch_size": settings.batch_size, "images": settings.images}
    return {"steps_per_epoch": snapshot.steps_per_epoch} | images


@functools.singledispatch
def _headline(snapshot: TaskSnapshot) -> dict[str, object]:
    return stopped_headline(snapshot)


@functools.singledispatch
def _charts(snapshot: TaskSnapshot) -> list[Chart]:
    return []  # an error stopped the task before it had anything to show


_headline.register(Snapshot, headline)
_headline.register(ComparisonSnapshot, comparison_headline)
_headline.register(SweepSnapshot, sweep_headline)
_headline.register(MapSnapshot, map_headline)
_headline.register(ClassSnapshot, class_headline)
_headline.register(SeedsSnapshot, seeds_headline)
_headline.register(RangeSnapshot, range_headline)
_charts.register(Snapshot, charts)
_charts.register(ComparisonSnapshot, comparison_charts)
_charts.register(SweepSnapshot, sweep_charts)
_charts.register(MapSnapshot, map_charts)
_charts.register(ClassSnapshot, class_charts)
_charts.register(SeedsSnapshot, seeds_charts)


@_charts.register
def _(snapshot: RangeSnapshot) -> list[Chart]:
    return [range_curve(snapshot)]
