"""How light the page is: bytes to load, layout shift, the time until it can be used, long tasks and frames.

`python -m benchmarks.loading [seconds]`
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.browser import CHROMIUM, FLAGS, Server, begin
from benchmarks.measure import table

MBIT = 5.0  # a second; a slow connection at home
LATENCY = 40  # ms

#: Adds up what moves by itself, and collects the tasks that keep the page from answering, in ms.
PROBE = """
() => {
  window.seen = { shift: 0, tasks: [], frames: 0 };
  const shifts = (list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.seen.shift += e.value; };
  new PerformanceObserver(shifts).observe({ type: "layout-shift", buffered: true });
  const tasks = (list) => { for (const e of list.getEntries()) window.seen.tasks.push(e.duration); };
  new PerformanceObserver(tasks).observe({ type: "longtask" });
  const frame = () => { window.seen.frames += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}
"""


class Transfers:
    """Counts the bytes that a page receives, compressed as they come, by address."""

    def __init__(self, page: Page) -> None:
        self.bytes: Counter[str] = Counter()
        self._addresses: dict[str, str] = {}
        self.session = page.context.new_cdp_session(page)
        self.session.on("Network.requestWillBeSent", self._begin)
        self.session.on("Network.loadingFinished", self._end)
        self.session.on("Network.webSocketFrameReceived", self._frame)
        self.session.send("Network.enable")

    def _begin(self, event: dict[str, Any]) -> None:
        self._addresses[event["requestId"]] = event["request"]["url"].split("?")[0]

    def _end(self, event: dict[str, Any]) -> None:
        self.bytes[self._addresses.get(event["requestId"], "")] += int(event["encodedDataLength"])

    def _frame(self, event: dict[str, Any]) -> None:
        self.bytes["messages of the page"] += len(event["response"]["payloadData"]) * 3 // 4  # base64

    def throttle(self) -> None:
        """From now on, the connection has 5 Mbit/s and a delay of 40 ms."""
        rate = MBIT * 1e6 / 8
        conditions = {"offline": False, "latency": LATENCY, "downloadThroughput": rate, "uploadThroughput": rate}
        self.session.send("Network.emulateNetworkConditions", conditions)

    def total(self) -> int:
        return sum(self.bytes.values())


def fresh(browser: Browser) -> Page:
    return browser.new_context(viewport={"width": 1440, "height": 900}).new_page()


def usable(page: Page, url: str) -> float:
    """Seconds until the first figure is drawn and Start can be pressed."""
    begun = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".board[data-step] .card .main-svg", timeout=120_000)
    page.get_by_role("button", name="Start", exact=True).wait_for()
    return time.perf_counter() - begun


def loading(browser: Browser, url: str) -> tuple[list[list[str]], Counter[str]]:
    """Rows for the first load and for Test images, and what was loaded, by address."""
    page = fresh(browser)
    page.add_init_script(f"({PROBE})()")
    transfers = Transfers(page)
    usable(page, url + "?dataset=fashion-mnist-mini&epochs=1&speed=full")
    page.wait_for_timeout(3000)
    first, shift = transfers.total(), page.evaluate("window.seen.shift")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector('.board[data-status="finished"]', timeout=60_000)
    page.wait_for_timeout(2000)
    before = transfers.total()
    page.get_by_role("radio", name="Test images", exact=True).click()
    page.wait_for_selector(".gallery[data-drawn]", timeout=60_000)
    page.wait_for_timeout(4000)
    images = transfers.total() - before
    page.context.close()
    slow = fresh(browser)
    Transfers(slow).throttle()
    seconds = usable(slow, url)
    slow.context.close()
    return [
        ["first load, MB", f"{first / 1e6:.2f}"],
        ["Test images, MB more", f"{images / 1e6:.2f}"],
        ["layout shift on load", f"{shift:.3f}"],
        [f"usable at {MBIT:.0f} Mbit/s, s", f"{seconds:.1f}"],
    ], transfers.bytes


def smooth(browser: Browser, url: str, seconds: float) -> list[list[str]]:
    """Rows on the training of the article's network: long tasks and frames, and frames of an empty page (A/A)."""
    page = fresh(browser)
    usable(page, url + "?epochs=1000&speed=full")
    begin(page)
    page.evaluate(PROBE)
    page.wait_for_timeout(1e3 * seconds)
    seen = page.evaluate("window.seen")
    page.context.close()
    blank = fresh(browser)
    blank.goto("about:blank")
    blank.evaluate(PROBE)
    blank.wait_for_timeout(1e3 * min(seconds, 5))
    frames = blank.evaluate("window.seen.frames") / min(seconds, 5)
    blank.context.close()
    tasks = seen["tasks"]
    return [
        ["frames a second", f"{seen['frames'] / seconds:.0f}"],
        ["frames a second of an empty page", f"{frames:.0f}"],
        ["tasks over 100 ms", str(sum(task > 100 for task in tasks))],
        ["longest task, ms", f"{max(tasks, default=0):.0f}"],
        ["median of the tasks over 50 ms", f"{statistics.median(tasks) if tasks else 0:.0f}"],
    ]


def main(seconds: float = 20) -> None:
    with Server() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        rows, transfers = loading(browser, url)
        training = smooth(browser, url, seconds)
        browser.close()
    table(["loading, an empty cache", ""], rows)
    table(["most of it", "kB"], [[name.split("/")[-1], f"{n / 1e3:.0f}"] for name, n in transfers.most_common(24)])
    table([f"the page in Chromium, {seconds:.0f} s of training", ""], training)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
