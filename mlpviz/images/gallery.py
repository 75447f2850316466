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
PREFIX = "images_"  # of the parameters in the URL


@dataclass(frozen=True)
class Filter:
    """Which images the reader wants to see.

    Attributes:
        true, predicted: a class, 0 to 9, or None for any.
        low, high: the confidence must lie between them.
        changed: only images whose prediction differs from the one in the previous evaluation.
        index: only this image; the other filters are ignored.
        order: a key of `ORDERS`; "random" uses `order_seed`.
        per_page, page: how many images on a page, and which page, from 1.
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
        """A copy with some fields changed; it starts on page 1 unless `page` is given."""
        return replace(self, **{"page": 1, **changes})

    def to_params(self) -> dict[str, str]:
        """The URL parameters: only the fields that differ from the default."""
        default = Filter()
        values = asdict(self)
        return {
            PREFIX + name: str(int(value) if isinstance(value, bool) else value)
            for name, value in values.items()
            if value != getattr(default, name)
        }

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Filter:
        """Read URL parameters. Those without the prefix are ignored.

        Raises:
            ValueError: a value is not valid.
        """
        values: dict[str, Any] = {}
        for name, default in asdict(cls()).items():
            text = params.get(PREFIX + name)
            if text is not None:
                kind = int if default is None else type(default)
                values[name] = bool(int(text)) if kind is bool else kind(text)
        return cls(**values)


def select(frame: pd.DataFrame, wanted: Filter, before: np.ndarray | None = None) -> np.ndarray:
    """The indices, (k,), of the images that pass the filter, in its order, for all pages.

    Args:
        frame: from `mlpviz.images.predictions.table`.
        before: (n,) the classes predicted in the previous evaluation, if there was one.
    """
    if wanted.index is not None:
        return np.array([wanted.index] if wanted.index < len(frame) else [], dtype=np.int64)
    right = frame["true"] == frame["predicted"]
    keep = {"mistakes": ~right, "right": right, "all": pd.Series(True, index=frame.index)}[wanted.kind]
    for column in ("true", "predicted"):
        if (value := getattr(wanted, column)) is not None:
            keep &= frame[column] == value
    if (wanted.low, wanted.high) != (0.0, 1.0):  # NaN is in no range, so it is kept only without a range
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
    """The part of `chosen` on the wanted page. If there are fewer pages, the last one."""
    last = max(1, -(-len(chosen) // wanted.per_page))
    page = min(wanted.page, last)
    return chosen[(page - 1) * wanted.per_page : page * wanted.per_page]
