"""One moment of a run's film, encoded for the board."""

from __future__ import annotations

from mlpviz.backend.parts import HEAD, RUN_PARTS, Newest, Part, deflated, encoded, head_of
from mlpviz.figures import charts
from mlpviz.figures.chart import counts_steps
from mlpviz.figures.encoding import as_json
from mlpviz.figures.film import film_headline
from mlpviz.snapshot import Snapshot

OF_THE_RUN = "film"  # the part that a moment does not have


def frame(snapshot: Snapshot) -> Newest:
    """The parts of a moment's snapshot. Of a figure over steps there is only the sentence: the board has its curves
    already, and covers what comes after this moment."""
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
