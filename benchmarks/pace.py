"""How well each speed is kept, and what a slow run takes from a fast one beside it.

`python -m benchmarks.pace [seconds]`
"""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks.measure import table
from mlpviz import Settings, load_dataset
from mlpviz.backend.commands import Pause, SetSpeed, Start
from mlpviz.backend.specifications import NewRun
from mlpviz.catalog import default_dataset
from mlpviz.runs.engine import Engine
from mlpviz.runs.run import Run
from mlpviz.speed import FULL, SPEEDS

ROUNDS = 3
SETTINGS = Settings(dataset=default_dataset(), epochs=1000)


class Bench:
    """An engine with two runs of the article's settings, each with its own visitor."""

    def __init__(self) -> None:
        self.engine = Engine(threads=1)
        dataset = load_dataset(SETTINGS.dataset)
        self.runs = [self._new(SETTINGS.replace(seed=seed), str(seed), dataset) for seed in (0, 1)]
        while any(run.status == "preparing" or run.inspections.line_shares is None for run in self.runs):
            self.wait(0.1)

    def _new(self, settings: Settings, owner: str, dataset: object) -> Run:
        state = self.engine.create(NewRun(settings), owner, dataset).result()  # type: ignore[arg-type]
        run = self.engine.task(state.id, owner)
        assert isinstance(run, Run)
        return run

    def wait(self, seconds: float) -> None:
        """Let the engine work, with both runs watched."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for run in self.runs:
                run.look()
            time.sleep(min(left, 1.0))

    def measure(self, speeds: list[str], seconds: float) -> list[float]:
        """The steps per second of each run, at these speeds; a run without a speed rests."""
        used = list(zip(self.runs, speeds, strict=False))
        for run, speed in used:
            for command in (SetSpeed(speed), Start()):
                self.engine.tell(run.id, run.owner, command.carry_out).result()
        self.wait(0.5)
        begun, before = time.monotonic(), [run.step for run, _ in used]
        self.wait(seconds)
        passed, after = time.monotonic() - begun, [run.step for run, _ in used]
        for run, _ in used:
            self.engine.tell(run.id, run.owner, Pause().carry_out).result()
        return [(a - b) / passed for a, b in zip(after, before, strict=True)]


def kept(bench: Bench, seconds: float) -> None:
    rows = []
    for speed, rate in SPEEDS.items():
        if speed == FULL:
            continue
        (found,) = bench.measure([speed], max(seconds, 25 / rate))
        rows.append([speed, f"{rate:g}", f"{found:.3f}", f"{100 * (found / rate - 1):+.1f} %"])
    table(["speed", "steps/s wanted", "steps/s made", "difference"], rows)


def beside(bench: Bench, seconds: float) -> None:
    rows = []
    for speed in ("5", "20", "100"):
        ratios, control, lost = [], [], []
        for _ in range(ROUNDS):
            (alone,) = bench.measure([FULL], seconds)
            fast, slow = bench.measure([FULL, speed], seconds)
            (again,) = bench.measure([FULL], seconds)
            ratios.append(fast / alone)
            control.append(again / alone)
            lost.append((fast + slow) / alone)
        rows.append([speed, *(f"{100 * statistics.median(values):.0f} %" for values in (ratios, lost, control))])
    header = ["speed of the slow run", "full-speed run beside it", "both together", "full-speed run again alone (A/A)"]
    table([header[0], *(f"{each}, relative to alone" for each in header[1:])], rows)


def main(seconds: float = 10) -> None:
    bench = Bench()
    kept(bench, seconds)
    beside(bench, seconds)
    bench.engine.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
