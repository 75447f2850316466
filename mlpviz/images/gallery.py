"""Which test images to show, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

KINDS = {"mistakes": "Mistakes", "right": "Right", "all": "All"}
ORDERS = {
    "confident": "Most confident mistakes first",
    "loss": "Highest loss first",
    "margin": "Smallest margin first",
    "random": "Random order",
    "index": "By image number",
}
PER_PAGE = (24, 48, 96, 240, 1000)
PREFIX = "images_"  # of the URL's parameters


@dataclass(frozen=True)
class Filter:
    """What the reader asked for.

    Attributes:
        true, predicted: a class, 0 to 9, or None for any.
        low, high: the confidence must be between them.
        changed: only images whose prediction differs from that of the evaluation before.
        index: this image alone, whatever else is asked.
        order: a key of `ORDERS`; random by `order_seed`.
        per_page, page: how many at a time, and which of the pages, from 1.
    """

    kind: str = "mistakes"
    true: int | None = None
    predicted: int | None = None
    low: float = 0.0
    high: float = 1.0
    changed: bool = False
    index: int | None = None
    order: str = "confident"
    order_seed: int = 0
    per_page: int = 48
    page: int = 1

    def __post_init__(self) -> None:
        allowed = (
            self.kind in KINDS
            and self.order in ORDERS
            and self.per_page in PER_PAGE
            and all(value is None or 0 <= value <= 9 for value in (self.true, self.predicted))
            and 0 <= self.low <= self.high <= 1
            and (self.index is None or self.index >= 0)
            and 0 <= self.order_seed <= 10**6
            and 1 <= self.page <= 10**6
        )
        if not allowed:
            raise ValueError(
                "The filter for test images in the address is not valid. The page shows all mistakes instead."
            )

    def replace(self, **changes: Any) -> Filter:
        """The same with some fields changed, on the first page unless told otherwise."""
        return replace(self, **{"page": 1, **changes})

    def to_params(self) -> dict[str, str]:
        """URL parameters: what differs from the default."""
        default = Filter()
        values = asdict(self)
        return {
            PREFIX + name: str(int(value) if isinstance(value, bool) else value)
            for name, value in values.items()
            if value != getattr(default, name)
        }

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Filter:
        """Read URL parameters; those without the prefix are passed over.

        Raises:
            ValueError: a value that can't be.
        """
        values: dict[str, Any] = {}
        for name, default in asdict(cls()).items():
            text = params.get(PREFIX + name)
            if text is not None:
                kind = int if default is None else type(default)
                values[name] = bool(int(text)) if kind is bool else kind(text)
        return cls(**values)


def select(frame: pd.DataFrame, wanted: Filter, before: np.ndarray | None = None) -> np.ndarray:
    """The images that the filter asks for, all pages, in its order: their indices, (k,).

    Args:
        frame: as `mlpviz.images.predictions.table` makes it.
        before: (n,) the classes that the evaluation before predicted, if there was one.
    """
    if wanted.index is not None:
        return np.array([wanted.index] if wanted.index < len(frame) else [], dtype=np.int64)
    right = frame["true"] == frame["predicted"]
    keep = {"mistakes": ~right, "right": right, "all": pd.Series(True, index=frame.index)}[wanted.kind]
    for column in ("true", "predicted"):
        if (value := getattr(wanted, column)) is not None:
            keep &= frame[column] == value
    if (wanted.low, wanted.high) != (0.0, 1.0):  # a confidence that is NaN is in no range but the whole
        keep &= frame["confidence"].between(wanted.low, wanted.high)
    if wanted.changed:
        keep &= frame["predicted"].to_numpy() != (frame["predicted"].to_numpy() if before is None else before)
    chosen = frame[keep]
    if wanted.order == "random":
        return np.random.default_rng(wanted.order_seed).permutation(np.array(chosen.index))
    if wanted.order == "confident":
        wrong = (chosen["true"] != chosen["predicted"]).to_numpy()
        keys = np.lexsort((-chosen["confidence"].to_numpy(), ~wrong))
        return chosen.index.to_numpy()[keys]
    if wanted.order == "index":
        return chosen.index.to_numpy()
    ascending = wanted.order == "margin"
    return chosen.sort_values(wanted.order, ascending=ascending, kind="stable").index.to_numpy()


def page_of(chosen: np.ndarray, wanted: Filter) -> np.ndarray:
    """The part of `chosen` that is on the wanted page, or on the last if there are fewer."""
    last = max(1, -(-len(chosen) // wanted.per_page))
    page = min(wanted.page, last)
    return chosen[(page - 1) * wanted.per_page : page * wanted.per_page]
