"""The view “Test images” in headless Chromium, on the full test set: the time from a filter to its tiles, and the speed
of training with the view open.

`python -m benchmarks.images [rounds]`
"""

from __future__ import annotations

import statistics
import sys

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.browser import CHROMIUM, FLAGS, Server, begin, button, newest, speed
from benchmarks.measure import percentile, table

#: Clicks on an option of “Show” and waits until its tiles are drawn. Returns milliseconds.
FILTER = """
async (name) => {
  const gallery = document.querySelector(".gallery");
  const before = gallery.dataset.drawn;
  const option = [...document.querySelectorAll(".st-key-filter_kind button, .st-key-filter_kind label")].find(
    (element) => element.textContent.trim() === name,
  );
  const begun = performance.now();
  option.click();
  while (gallery.dataset.drawn === before) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    if (performance.now() - begun > 10000) throw new Error("the tiles did not appear");
  }
  return performance.now() - begun;
}
"""


def open_view(browser: Browser, url: str) -> tuple[Page, dict[str, str]]:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    seen: dict[str, str] = {}
    page.on("request", lambda r: seen.update(live=r.url.split("?")[0]) if "have=" in r.url else None)
    page.goto(url + "?view=test-images&epochs=1000&speed=full")
    page.wait_for_selector(".gallery button", timeout=60_000)
    return page, seen


def filters(page: Page, rounds: int, per_page: int, names: tuple[str, str, str]) -> list[str]:
    """A row: how long the tiles take after a change of the filter, while the run is paused. The filter at the start
    must not be the first of `names`."""
    page.evaluate(FILTER, names[0])
    waits = [page.evaluate(FILTER, names[i % 3]) for i in range(1, rounds + 1)]
    return [str(per_page), f"{statistics.median(waits):.0f}", f"{percentile(waits, 0.95):.0f}", f"{max(waits):.0f}"]


def training(page: Page, live: str, rounds: int) -> list[str]:
    """A row: the run's speed with the view open, relative to the speed without a page."""
    ratios, control = [], []
    address = page.url
    for _ in range(rounds):
        opened = speed(live, 8)
        page.goto("about:blank")
        alone = speed(live, 8)
        control.append(speed(live, 8) / alone)
        ratios.append(opened / alone)
        page.goto(address)
        page.wait_for_selector(".gallery button", timeout=60_000)
        page.wait_for_timeout(2000)
    return [f"{100 * statistics.median(values):.0f} %" for values in (ratios, control)]


def main(rounds: int = 30) -> None:
    with Server() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page, seen = open_view(browser, url)
        button(page, "Epoch")
        while newest(seen["live"])["status"] == "training" or newest(seen["live"])["step"] == 0:
            page.wait_for_timeout(200)
        page.wait_for_timeout(3000)
        rows = [filters(page, rounds, 48, ("All", "Mistakes", "Right"))]
        address = page.url
        page.goto(address + "&images_per_page=1000")
        page.wait_for_selector(".gallery button:nth-child(900)", state="attached", timeout=60_000)
        rows.append(filters(page, rounds, 1000, ("Right", "Mistakes", "All")))
        page.goto(address)
        page.wait_for_selector(".gallery button", timeout=60_000)
        begin(page)
        shares = training(page, seen["live"], 3)
        browser.close()
    table(["tiles", "from filter to new tiles, ms: median", "p95", "worst"], rows)
    table(["training speed with the view open, relative to no page", "no page, compared with itself (A/A)"], [shares])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
