"""The first run on a fresh machine, filmed: how long it lasts, how many pictures it shows, what travels for each.

`python -m benchmarks.film`
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.browser import CHROMIUM, FLAGS, Server, button
from benchmarks.measure import table

FRESH = "?dataset=fashion-mnist-mini"  # what a machine without the full dataset shows
SCREENS = ((1440, 900), (1280, 720), (375, 812))

#: Notes the step and the drawing time of each picture, and counts the frames.
CAMERA = """
() => {
  const board = document.querySelector(".board").dataset;
  const film = (window.film = { pictures: [], frames: 0 });
  const note = () => film.pictures.push([board.step, Number(board.drawing)]);
  new MutationObserver(note).observe(document.querySelector(".board"), { attributeFilter: ["data-refreshes"] });
  const frame = () => { film.frames += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}
"""


def sizes(page: Page) -> list[int]:
    """A list that gets the size of each answer with news, in bytes as sent."""
    session, found, live = page.context.new_cdp_session(page), [], set()
    session.send("Network.enable")

    def response(event: dict[str, Any]) -> None:
        answer = event["response"]
        if "/live/" in answer["url"] and "have=" in answer["url"] and answer["status"] == 200:
            live.add(event["requestId"])

    def finished(event: dict[str, Any]) -> None:
        if event["requestId"] in live:
            found.append(int(event["encodedDataLength"]))

    session.on("Network.responseReceived", response)
    session.on("Network.loadingFinished", finished)
    return found


def film(browser: Browser, url: str, width: int, height: int) -> list[str]:
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(url + FRESH)
    page.wait_for_selector(".board[data-step] .card .main-svg", timeout=60_000)
    page.wait_for_timeout(2000)
    sent = sizes(page)
    page.evaluate(CAMERA)
    begun = time.perf_counter()
    button(page, "Start")
    page.wait_for_selector('.board[data-status="finished"]', timeout=90_000)
    lasted = time.perf_counter() - begun
    shown: dict[str, Any] = page.evaluate("window.film")
    page.context.close()
    return [
        f"{width} × {height}",
        f"{lasted:.1f} s",
        f"{len({step for step, _ in shown['pictures']})}",
        f"{len(shown['pictures']) / lasted:.1f}",
        f"{statistics.median(drawing for _, drawing in shown['pictures']):.0f}",
        f"{shown['frames'] / lasted:.0f}",
        f"{statistics.mean(sent) / 1e3:.1f} kB",
    ]


def main() -> None:
    with Server() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        rows = [film(browser, url, *screen) for screen in SCREENS]
        browser.close()
    table(
        [
            "screen",
            "the run lasts",
            "different pictures",
            "refreshes a second",
            "drawing a refresh, ms (median)",
            "frames a second",
            "sent for a refresh (mean)",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
