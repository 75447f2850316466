"""How the state of an object is taken, so that it can be saved, and put back later."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import numpy as np


class Keeps:
    """An object whose state can be taken as values.

    `kept` gives a dictionary that nobody changes afterwards, so another thread may write it to disk. `give_back` puts
    these values into a new object that was made from the same settings.

    Attributes:
        KEPT: the names of the attributes that are its state. Some may be such objects themselves.
    """

    KEPT: ClassVar[tuple[str, ...]] = ()

    def kept(self) -> dict[str, Any]:
        """The state now, by the names of the attributes."""
        return {name: _copied(getattr(self, name)) for name in self.KEPT}

    def give_back(self, kept: dict[str, Any]) -> None:
        """Return to a state that `kept` gave."""
        for name in self.KEPT:
            if name not in kept:  # an older version of mlpviz did not have it
                continue
            now = getattr(self, name)
            if isinstance(now, Keeps):
                now.give_back(kept[name])
            elif isinstance(now, deque):
                setattr(self, name, deque(kept[name], now.maxlen))
            else:
                setattr(self, name, kept[name])


def _copied(value: Any) -> Any:
    """A copy of what may change. Everything else is immutable and is used as it is."""
    if isinstance(value, Keeps):
        return value.kept()
    if isinstance(value, np.ndarray):
        return value.copy()
    if hasattr(value, "detach"):  # a tensor; this module does not need torch for it
        return value.detach().clone()
    if isinstance(value, (list, deque)):
        return list(value)
    if isinstance(value, dict):
        return dict(value)
    return value
