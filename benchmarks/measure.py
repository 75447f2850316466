"""Functions for all benchmarks: rounds in turn, medians, ratios, Markdown tables."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable


def in_turn(contestants: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure each contestant once in each round, so that other load on the machine affects all of them equally."""
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for i in range(rounds):
        names = list(contestants) if i % 2 else list(contestants)[::-1]
        for name in names:
            results[name].append(contestants[name]())
    return results


def seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def ratio(results: dict[str, list[float]], name: str, base: str) -> float:
    """The median, over all rounds, of the ratio of `name` to `base` in the same round."""
    return statistics.median(a / b for a, b in zip(results[name], results[base], strict=True))


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a Markdown table."""
    header = list(header)
    print("| " + " | ".join(header) + " |")
    print("| " + " | ".join("---" for _ in header) + " |")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)
