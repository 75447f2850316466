"""Worker processes against one process: how fast all runs train together, how fast snapshots arrive, and what it takes.

`python -m benchmarks.scale [seconds] [workers]`. Each visitor has a run of their own, and fetches like a page.
"""

from __future__ import annotations

import sys

from benchmarks.live import Visitor, measure
from benchmarks.measure import percentile, table
from benchmarks.usage import Usage


def is_server(command: str) -> bool:
    return "benchmarks.live_server" in command


def is_worker(command: str) -> bool:
    return command.startswith("ray::Worker")


def is_ray(command: str) -> bool:
    """Ray's own processes, most of which are there for large clusters."""
    return not is_worker(command) and any(name in command for name in ("ray::", "/ray/", "raylet", "gcs_server"))


class Place:
    """One server under load: in one process, or with workers."""

    def __init__(self, runs: int, seconds: float, workers: int) -> None:
        usages = [Usage(picks) for picks in (is_server, is_worker, is_ray)]
        self.visitors: list[Visitor] = measure(runs, runs, seconds, workers=workers)
        used = [usage.stop(seconds) for usage in usages]
        (self.server, self.server_memory), (self.workers, memory), (self.ray, self.ray_memory) = used
        self.worker_memory = memory / max(workers, 1)
        self.speed = sum(visitor.speed() for visitor in self.visitors)
        self.refreshes = sum(len(visitor.sizes) for visitor in self.visitors) / seconds
        self.asks = sum(len(visitor.waits) for visitor in self.visitors) / seconds

    def row(self, label: str, first: Place) -> list[object]:
        waits = [1e3 * wait for visitor in self.visitors for wait in visitor.waits]
        return [
            len(self.visitors),
            label,
            f"{self.speed:.0f}",
            f"{self.speed / first.speed:.2f}",
            f"{self.asks:.0f} / {self.refreshes:.0f}",
            f"{percentile(waits, 0.5):.1f} / {percentile(waits, 0.95):.1f} / {max(waits):.0f}",
            f"{self.server:.2f} + {self.workers:.2f} + {self.ray:.2f}",
            " / ".join(f"{size / 2**20:.0f}" for size in (self.server_memory, self.worker_memory, self.ray_memory)),
        ]


def main(seconds: float = 30, workers: int = 2) -> None:
    rows = []
    for runs in (20, 100):
        places = [("one process", 0), (f"{workers} workers", workers), ("one process again (A/A)", 0)]
        found = [(label, Place(runs, seconds, count)) for label, count in places]
        rows += [place.row(label, found[0][1]) for label, place in found]
    names = ["runs", "where", "steps/s", "relative", "fetches/s / refreshes/s", "p50 / p95 / max ms"]
    table([*names, "processors: server + workers + Ray", "MiB: server / one worker / Ray"], rows)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30, int(sys.argv[2]) if len(sys.argv) > 2 else 2)
