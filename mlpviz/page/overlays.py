"""The other runs on the live board: the pinned ones, and a twin."""

from __future__ import annotations

from mlpviz.page.board import Overlay
from mlpviz.page.pins import pinned
from mlpviz.state import RunState


def overlays(run: RunState) -> list[Overlay]:
    """The pins, drawn behind the run, and its twin, drawn in front."""
    shown = [Overlay(each.state.token, each.letter) for each in pinned()]
    if run.twin is not None:
        shown.append(Overlay(run.twin.token, "twin", twin=True))
    return shown
