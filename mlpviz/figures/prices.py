"""What the measurements cost, as rows of a table."""

from __future__ import annotations

from mlpviz.figures.chart import number
from mlpviz.prices import INSTRUMENTS
from mlpviz.snapshot import Snapshot


def price_rows(snapshot: Snapshot) -> list[dict[str, str]]:
    """A row for each instrument: how often it was used, milliseconds each time and per step of the run, and its cost as
    a share of the cost of the five lines."""
    training = next(price for price in snapshot.prices if price.name == "training")
    rows = []
    for price in snapshot.prices:
        if not price.times:
            rows.append(_row(price.name, "–", "–", "–", "–"))
            continue
        each = 1e3 * price.seconds / price.times
        per_step = 1e3 * price.seconds / max(1, training.times)
        share = price.seconds / training.seconds if training.seconds else 0.0
        rows.append(_row(price.name, f"{price.times:,}", number(each), number(per_step), f"{100 * share:.1f} %"))
    return rows


def _row(name: str, times: str, each: str, per_step: str, share: str) -> dict[str, str]:
    return {
        "instrument": INSTRUMENTS[name],
        "times": times,
        "ms each": each,
        "ms per step": per_step,
        "of the five lines": share,
    }
