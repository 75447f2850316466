"""What a map in the engine costs: against its bare steps, for a run beside it, and to draw.

`python -m benchmarks.map [columns] [rows] [steps]`. The cells have 256 images in a mini-batch of the small set. Bare
means: the same steps by the trainer alone, and one test of each network.
"""

from __future__ import annotations

import sys
import time

import torch

from benchmarks.measure import in_turn, ratio, seconds, table
from benchmarks.sweep import SETTINGS, bare
from mlpviz import load_dataset
from mlpviz.backend.commands import Pause, Start
from mlpviz.backend.parts import Encoder
from mlpviz.grid import Grid, read_axis
from mlpviz.runs.engine import Engine
from mlpviz.runs.map import Map
from mlpviz.runs.run import Run
from mlpviz.snapshot import MapSnapshot

BESIDE = 6.0  # seconds of each measurement of a run beside a map


def grid(columns: int, rows: int, steps: int) -> Grid:
    axes = read_axis(f"learning_rate=0.01:3:log:{columns}"), read_axis(f"init_std=0.001:0.1:log:{rows}")
    return Grid(SETTINGS, steps, *axes)


def whole(task: Map) -> MapSnapshot:
    """The map, trained by turns like those of the engine."""
    while task.has_work():
        task.work(0.02)
        task.refresh(1)
    assert isinstance(task.snapshot, MapSnapshot)
    return task.snapshot


def against_bare(wanted: Grid) -> MapSnapshot:
    dataset = load_dataset(SETTINGS.dataset)
    begun = time.perf_counter()
    snapshot = whole(Map(wanted, dataset))
    took = time.perf_counter() - begun

    def all_bare() -> None:
        for cell in snapshot.cells.values():
            bare(cell)

    first, again = seconds(all_bare), seconds(all_bare)
    rows = [("bare", first), ("the map", took), ("bare again (A/A)", again)]
    print(f"{len(wanted)} cells of {wanted.steps} steps\n")
    table(["", "seconds", "relative to bare"], [[name, f"{s:.1f}", f"{s / first:.2f}"] for name, s in rows])
    return snapshot


def beside(wanted: Grid) -> None:
    """The steps of somebody's run in the same time, alone and beside a map."""
    dataset = load_dataset(SETTINGS.dataset)
    engine = Engine(threads=1)
    run = engine.add(Run(SETTINGS.replace(epochs=1000), dataset, "ada"))
    other = engine.add(Map(wanted, dataset, "grace"))
    engine.tell(run.id, "ada", Start().carry_out).result(10)

    def made(with_map: bool) -> float:
        engine.tell(other.id, "grace", (Start() if with_map else Pause()).carry_out).result(10)
        before, end = run.step, time.monotonic() + BESIDE
        while time.monotonic() < end:
            run.look()
            other.look()
            time.sleep(0.1)
        return (run.step - before) / BESIDE

    names = {"alone": False, "beside a map": True, "alone again (A/A)": False}
    results = in_turn({name: lambda on=on: made(on) for name, on in names.items()}, 3)  # type: ignore[misc]
    engine.close()
    print("\nA run, and a map of another visitor\n")
    rows = [[name, f"{sorted(each)[1]:.0f}", f"{ratio(results, name, 'alone'):.2f}"] for name, each in results.items()]
    table(["", "steps/s", "relative to alone"], rows)


def drawing(snapshot: MapSnapshot) -> None:
    """What one refresh costs: the figures and their bytes."""
    took, size = [], 0
    for _ in range(20):
        begun = time.perf_counter()
        parts = Encoder().newest(snapshot, None, frozenset()).parts
        took.append(time.perf_counter() - begun)
        size = sum(len(part.packed) for part in parts)
    print(f"\nA refresh of this map takes {1000 * sorted(took)[10]:.1f} ms and {size / 1000:.1f} kB.")


def main(columns: int = 25, rows: int = 20, steps: int = 400) -> None:
    torch.set_num_threads(1)
    wanted = grid(columns, rows, steps)
    whole(Map(grid(2, 2, 30), load_dataset(SETTINGS.dataset)))  # the first steps of a process are slow
    snapshot = against_bare(wanted)
    beside(wanted)
    drawing(snapshot)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
