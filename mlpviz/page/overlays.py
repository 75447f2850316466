"""The other runs on the live board: the pinned ones, and a twin."""

from __future__ import annotations

from mlpviz.page.board import Action, Overlay
from mlpviz.page.pins import Pinned, pin_run, pinned, unpin
from mlpviz.settings import spell
from mlpviz.snapshot import Status
from mlpviz.state import RunState


def overlays(run: RunState) -> list[Overlay]:
    """The pins, drawn behind the run, and its twin, drawn in front."""
    shown = [Overlay(each.state.token, each.letter, _about(each, run)) for each in pinned()]
    if run.twin is not None:
        shown.append(Overlay(run.twin.token, "twin", twin=True))
    return shown


def _about(pin: Pinned, run: RunState) -> str:
    """What the pinned run has set differently, if that can be said in a few words."""
    different = pin.snapshot.settings.differences(run.settings)
    different.pop("epochs", None)
    said = [f"{name.replace('_', ' ')} {spell(value)}" for name, (value, _) in different.items()]
    return said[0] if len(said) == 1 else ""


def pin_tools(run: RunState) -> list[Action]:
    """What the reader can do with the pins, beside the curves. A run can be pinned while it rests."""
    pins = pinned()
    again = any(each.state.run == run.id and each.state.step == run.step for each in pins)
    tools = []
    if run.step and run.status != Status.TRAINING and not again:
        tools.append(Action("pin", "pin", "Keep these curves, as faint lines behind later runs.", pin_run))
    if pins:
        tools.append(Action("unpin", "unpin", "Remove the faint lines of all pinned runs.", _unpin_all))
    return tools


def _unpin_all(run: RunState) -> None:
    for each in pinned():
        unpin(each.letter)
