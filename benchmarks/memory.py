"""Does memory stay constant in the server and in the browser? A million steps of a small network with its page open.

`python -m benchmarks.memory [steps]` takes about a quarter of an hour.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import CDPSession, sync_playwright

from benchmarks.browser import CHROMIUM, FLAGS, Server, begin, newest, open_page
from benchmarks.measure import table

SMALL = "?dataset=fashion-mnist-mini&hidden_sizes=2&batch_size=1&train_size=2000&epochs=1000&learning_rate=0.01"


def resident(process: int) -> float:
    """Megabytes of memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def heap(client: CDPSession) -> tuple[float, int]:
    """The page's memory after a garbage collection: megabytes of JavaScript, and nodes of the document."""
    client.send("HeapProfiler.collectGarbage")
    metrics = {entry["name"]: entry["value"] for entry in client.send("Performance.getMetrics")["metrics"]}
    return metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"])


def main(steps: int = 1_000_000) -> None:
    rows = []
    server = Server()
    with server as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page, seen = open_page(browser, url + SMALL)
        client = page.context.new_cdp_session(page)
        client.send("Performance.enable")
        begin(page)
        for share in (0.01, 0.1, 0.25, 0.5, 0.75, 1.0):
            while newest(seen["live"])["step"] < share * steps:
                page.wait_for_timeout(1000)
            megabytes, nodes = heap(client)
            step = newest(seen["live"])["step"]
            rows.append([f"{step:,}", f"{resident(server.process.pid):.0f}", f"{megabytes:.0f}", f"{nodes:,}"])
            print(rows[-1], file=sys.stderr, flush=True)
        browser.close()
    table(["steps", "server, MB", "the page’s JavaScript, MB", "nodes of the page"], rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
