"""Which other runs are drawn into the live board: the pinned ones, and a twin."""

from __future__ import annotations

from mlpviz.page.board import Overlay
from mlpviz.page.pins import pinned
from mlpviz.run import Run


def overlays(run: Run) -> list[Overlay]:
    """The pins, behind; the twin, before."""
    found = [Overlay(each.pin.token, each.letter) for each in pinned()]
    if run.twin is not None:
        found.append(Overlay(run.twin.token, "twin", twin=True))
    return found
