"""One moment of a run's film, encoded for the board."""

from __future__ import annotations

from collections import OrderedDict

from mlpviz.backend.parts import HEAD, RUN_PARTS, Newest, Part, deflated, encoded, head_of
from mlpviz.figures import charts
from mlpviz.figures.chart import counts_steps
from mlpviz.figures.encoding import as_json
from mlpviz.figures.film import film_headline
from mlpviz.figures.trouble import tell_once
from mlpviz.film import Moment, snapshot_at
from mlpviz.runs.run import Run
from mlpviz.snapshot import Snapshot

MOST_FRAMES = 300  # that are kept, about 0.1 MB each
OF_THE_RUN = "film"  # the part that a moment does not have


class Frames:
    """Makes frames, and keeps the latest ones: a class may watch the same film. Used in one thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], Newest] = OrderedDict()

    def get(self, run: Run, moment: Moment) -> Newest | None:
        """The parts of a moment; None if they can't be made."""
        now = run.snapshot
        if not isinstance(now, Snapshot):
            return None
        key = (run.id, moment.step, now.version)
        if key not in self._kept:
            try:
                self._kept[key] = frame(snapshot_at(now, moment, run.inspections.examples.images_of))
            except Exception as error:
                tell_once("a moment of the film can't be shown", error)
                return None
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_FRAMES:
            self._kept.popitem(last=False)
        return self._kept[key]


def frame(snapshot: Snapshot) -> Newest:
    """The parts of a moment's snapshot. Of a figure over steps there is only the sentence: the board has its curves
    already, and makes faint what comes after this moment."""
    head = head_of(snapshot)
    head["headline"] = film_headline(head["headline"], snapshot)
    parts = {HEAD: as_json(head)}
    for chart in charts(snapshot):
        only = {"name": chart.name, "sentence": chart.sentence}
        parts[chart.name] = as_json(only if counts_steps(chart) else chart)
    for name, make in RUN_PARTS.items():
        if name != OF_THE_RUN:
            parts[name] = encoded(snapshot, make)
    version = snapshot.version
    return Newest(
        snapshot.run, version, tuple(Part(name, version, data, deflated(data)) for name, data in parts.items())
    )
