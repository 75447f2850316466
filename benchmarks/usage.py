"""How much of the processors and of the memory a server and its workers take, read from Linux’s /proc."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """Seconds of processor time, and bytes of memory, of some processes at one time."""

    at: float
    seconds: float
    memory: int


class Usage:
    """Samples all processes whose command a test picks, once a second, until it is stopped."""

    def __init__(self, picks: Callable[[str], bool]) -> None:
        self.picks = picks
        self.samples: list[Sample] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self, window: float) -> tuple[float, int]:
        """How many processors they kept busy in the last seconds, and the most bytes that they had."""
        self._end.set()
        self._thread.join()
        if not self.samples:
            return 0.0, 0
        last = [sample for sample in self.samples if sample.at > self.samples[-1].at - window]
        took = max(last[-1].at - last[0].at, 1.0)
        return (last[-1].seconds - last[0].seconds) / took, max(sample.memory for sample in last)

    def _watch(self) -> None:
        while not self._end.wait(1.0):
            found = [_read(folder) for folder in Path("/proc").iterdir() if folder.name.isdecimal()]
            own = [(seconds, memory) for command, seconds, memory in filter(None, found) if self.picks(command)]
            if own:
                self.samples.append(Sample(time.perf_counter(), *map(sum, zip(*own, strict=True))))


def _read(folder: Path) -> tuple[str, float, int] | None:
    with contextlib.suppress(OSError):
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        values = (folder / "stat").read_text().rpartition(")")[2].split()
        return command, (int(values[11]) + int(values[12])) / TICKS, int(values[21]) * PAGE
    return None
