"""The live route under load: how fast snapshots arrive, how large they are, and how fast training still is.

`python -m benchmarks.live [seconds]`. Each visitor fetches over its own connection, as often as the server says, like a
page.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, field

from benchmarks.measure import percentile, table
from benchmarks.ports import free_port
from mlpviz.options import NO_STORE, STORE, WORKERS
from mlpviz.speed import FULL

PERIOD = 0.2  # seconds between two fetches, until the server says otherwise


@dataclass
class Visitor:
    """The fetches of one page, over one connection."""

    token: str
    have: str = ""
    waits: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    steps: list[tuple[float, int]] = field(default_factory=list)

    async def stay(self, port: int, begin: float, end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due = before = begin
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked = time.perf_counter()
            after = round(1000 * (asked - before))
            before = asked
            address = f"/live/{self.token}?have={self.have}&after={after}"
            request = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip"
            writer.write(f"{request}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(found.group(1)) if (found := re.search(r"content-length: (\d+)", head)) else 0
            body = await reader.readexactly(length)
            self.waits.append(time.perf_counter() - asked)
            self.take(body)
            period = int(found.group(1)) / 1e3 if (found := re.search(r"mlpviz-period: (\d+)", head)) else PERIOD
            due = max(due + period, time.perf_counter())
        writer.close()

    def take(self, body: bytes) -> None:
        """Record an answer. A real browser unpacks it on another machine; here we read only the beginning."""
        if body:
            start = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16).decompress(body, 400).decode("ascii", "replace")
            version, run, step = re.search(r'"version": (\d+), "run": "([^"]+)".*?"step": (\d+)', start).groups()  # type: ignore[union-attr]
            self.have = f"{run}.{version}"
            self.sizes.append(len(body))
            self.steps.append((time.perf_counter(), int(step)))

    def speed(self) -> float:
        """Steps per second from the first snapshot to the last."""
        if not self.steps:
            return 0.0
        (t0, s0), (t1, s1) = self.steps[0], self.steps[-1]
        return (s1 - s0) / (t1 - t0) if t1 > t0 else 0.0


def measure(runs: int, visitors: int, seconds: float, speed: str = FULL, workers: int = 0) -> list[Visitor]:
    """Visitors of a server, which trains in its own process or in so many workers, with nothing saved."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.live_server", str(port), str(runs), speed]
    variables = os.environ | {STORE: NO_STORE} | ({WORKERS: str(workers)} if workers else {})
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
    try:
        assert server.stdout is not None
        tokens = json.loads(server.stdout.readline())
        return asyncio.run(_visit([Visitor(tokens[i % runs]) for i in range(visitors)], port, seconds))
    finally:
        server.terminate()
        server.wait()


async def _visit(visitors: list[Visitor], port: int, seconds: float) -> list[Visitor]:
    await until_up(port)
    await _stay(visitors, port, 2)
    while min(visitor.steps[-1][1] if visitor.steps else 0 for visitor in visitors) < 2:
        await _stay(visitors, port, 2)  # until every run has made its first evaluation
    for visitor in visitors:
        visitor.waits, visitor.sizes, visitor.steps = [], [], []
    await _stay(visitors, port, seconds)
    return visitors


async def _stay(visitors: list[Visitor], port: int, seconds: float) -> None:
    """Let all visitors fetch for this many seconds, with their fetches spread evenly over the period."""
    now = time.perf_counter()
    begins = [now + PERIOD * i / len(visitors) for i in range(len(visitors))]
    await asyncio.gather(
        *(visitor.stay(port, begin, begin + seconds) for visitor, begin in zip(visitors, begins, strict=True))
    )


async def until_up(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the server did not start")


def row(label: str, visitors: list[Visitor], alone: float, seconds: float) -> list[object]:
    waits = [1e3 * wait for visitor in visitors for wait in visitor.waits]
    sizes = [size for visitor in visitors for size in visitor.sizes]
    by_run: dict[str, float] = {visitor.token: visitor.speed() for visitor in visitors}
    speeds = list(by_run.values())
    spread = (max(speeds) - min(speeds)) / statistics.mean(speeds)
    return [
        label,
        f"{len(sizes) / seconds:.1f}",
        f"{percentile(waits, 0.5):.1f} / {percentile(waits, 0.95):.1f} / {max(waits):.0f}",
        f"{statistics.median(sizes) / 1e3:.0f} kB",
        f"{100 * sum(speeds) / alone:.0f} %",
        f"{100 * spread:.0f} %" if len(speeds) > 1 else "–",
    ]


def main(seconds: float = 20) -> None:
    one = measure(1, 1, seconds)
    alone = one[0].speed()
    rows = [row("1", one, alone, seconds)]
    for visitors, times in ((20, 2), (100, 8)):  # with more runs, it takes longer until their shares can be compared
        long = times * seconds
        rows.append(row(f"{visitors}, a run each", measure(visitors, visitors, long), alone, long))
    long = 4 * seconds
    rows.append(row("100, a run each at 5 steps/s", measure(100, 100, long, "5"), alone, long))
    rows.append(row("200 watching one run", measure(1, 200, seconds), alone, seconds))
    rows.append(row("1 at the end (A/A)", measure(1, 1, seconds), alone, seconds))
    table(
        [
            "visitors",
            "refreshes/s",
            "p50 / p95 / max ms",
            "snapshot",
            "training speed of all runs, relative to one visitor",
            "largest − smallest share",
        ],
        rows,
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
