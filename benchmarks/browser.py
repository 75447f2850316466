"""The page in headless Chromium: refreshes, remounts, frames, drawing, the delay of Pause, the speed of training.

`python -m benchmarks.browser [seconds]`
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.measure import table
from benchmarks.ports import free_port

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
REPOSITORY = Path(__file__).parent.parent
CHARTS = 6

#: Counts what a person would see as flicker: frames, frames with a missing chart, plots that were created again.
PROBE = """
() => {
  const probe = (window.probe = { frames: 0, missing: 0, remounts: 0, drawings: [] });
  const board = document.querySelector(".board").dataset;
  let refreshes = board.refreshes;
  const drawings = () => document.querySelectorAll(".board .plot .svg-container");
  const known = new Set(drawings());
  const frame = () => {
    probe.frames += 1;
    const now = document.querySelectorAll(".board .plot");
    const whole = [...now].filter((plot) => plot.querySelector(".main-svg .subplot"));
    if (whole.length < CHARTS) probe.missing += 1;
    for (const drawing of drawings()) if (!known.has(drawing)) { known.add(drawing); probe.remounts += 1; }
    if (board.refreshes !== refreshes) { refreshes = board.refreshes; probe.drawings.push(Number(board.drawing)); }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
""".replace("CHARTS", str(CHARTS))


CLICK = """
(name) => {
  const shown = [...document.querySelectorAll("button")].filter((button) => button.checkVisibility());
  const button = shown.find((button) => button.innerText.trim() === name);
  const at = Date.now();
  button.click();
  return at / 1000;
}
"""


class Server:
    """The page on a free port.

    Attributes:
        pauses: a file with the time, in seconds since 1970, when each pause took effect in the engine.
        process: the server process.
    """

    def __enter__(self) -> str:
        port = free_port()
        self.folder = tempfile.TemporaryDirectory()
        self.pauses = Path(self.folder.name) / "pauses"
        command = [sys.executable, "-m", "benchmarks.page_server", str(port), str(self.pauses)]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = f"http://localhost:{port}/"
        for _ in range(600):
            try:
                urllib.request.urlopen(url).close()
            except OSError:
                time.sleep(0.1)
            else:
                return url
        raise SystemExit("the server did not start")

    def __exit__(self, *exception: object) -> None:
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def open_page(browser: Browser, url: str) -> tuple[Page, dict[str, str]]:
    """The page, and a dict that gets the address of its live fetches."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    seen: dict[str, str] = {"errors": ""}

    def note(request: Any) -> None:
        if "/live/" in request.url and "have=" in request.url:
            seen["live"] = request.url.split("?")[0]

    page.on("request", note)
    page.on("pageerror", lambda error: seen.update(errors=seen["errors"] + str(error)))
    page.on("console", lambda m: seen.update(errors=seen["errors"] + m.text) if m.type == "error" else None)
    page.goto(url)
    page.wait_for_selector(".board[data-step] .card .main-svg", timeout=60_000)
    return page, seen


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def watch(page: Page, seconds: float) -> dict[str, Any]:
    """Refreshes, frames, missing charts and remounts during training, with some clicks."""
    begun = int(page.locator(".board").get_attribute("data-refreshes") or 0)
    page.evaluate(PROBE)
    since = time.perf_counter()
    for i in range(4):
        page.wait_for_timeout(1e3 * seconds / 4)
        if i < 3:  # these clicks run the page's script
            page.locator("summary", has_text=("Network", "Optimizer", "Share")[i]).click()
    spent = time.perf_counter() - since
    probe: dict[str, Any] = page.evaluate("window.probe")
    drawn = int(page.locator(".board").get_attribute("data-refreshes") or 0) - begun
    return {
        "refreshes": drawn / spent,
        "frames": probe["frames"] / spent,
        "missing": probe["missing"],
        "remounts": probe["remounts"],
        "drawing": statistics.median(probe["drawings"]),
    }


def newest(live: str) -> dict[str, Any]:
    """The content above the figures now."""
    with urllib.request.urlopen(f"{live}?only=head") as answer:
        head: dict[str, Any] = json.load(answer)["parts"]["head"]
        return head


def pause_latency(page: Page, log: Path) -> float:
    """Milliseconds from the click until the pause takes effect in the engine, without Playwright's own waiting."""
    before = len(log.read_text().split()) if log.exists() else 0
    clicked: float = page.evaluate(CLICK, "Pause")
    page.get_by_role("button", name="Start", exact=True).wait_for()
    effect = float(log.read_text().split()[before])
    button(page, "Start")
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    page.wait_for_timeout(700)
    return 1e3 * (effect - clicked)


def speed(live: str, seconds: float) -> float:
    """The run's steps per second, measured with few requests. Each request also keeps the run training."""
    (t0, s0), t1, s1 = (time.perf_counter(), newest(live)["step"]), 0.0, 0
    while t1 - t0 < seconds:
        time.sleep(1)
        t1, s1 = time.perf_counter(), newest(live)["step"]
    return float(s1 - s0) / (t1 - t0)


def begin(page: Page) -> None:
    button(page, "Start")
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    page.wait_for_timeout(2000)


def the_page(browser: Browser, url: str, pauses: Path, seconds: float) -> None:
    """What a visitor sees, with the article's settings."""
    page, seen = open_page(browser, url + "?epochs=1000&speed=full")
    begin(page)
    live = watch(page, seconds)
    waits = [pause_latency(page, pauses) for _ in range(10)]
    page.context.close()
    rows = [
        ["refreshes a second (at most 5)", f"{live['refreshes']:.2f}"],
        ["frames a second", f"{live['frames']:.0f}"],
        ["frames with a chart missing", f"{live['missing']:.0f}"],
        ["charts created again", f"{live['remounts']:.0f}"],
        ["drawing a refresh, ms (median)", f"{live['drawing']:.0f}"],
        [
            "Pause in the engine, ms after the click: median / worst of 10",
            f"{statistics.median(waits):.0f} / {max(waits):.0f}",
        ],
        ["errors in the console", seen["errors"] or "none"],
    ]
    table([f"the page in Chromium, {seconds:.0f} s of training", ""], rows)


def training(browser: Browser, url: str, batch_size: int, rounds: int) -> list[str]:
    """A row: the run's speed in the engine with its page open, compared with the same run without a page."""
    page, seen = open_page(browser, f"{url}?epochs=1000&speed=full&batch_size={batch_size}&learning_rate=0.01")
    begin(page)
    opened, ratios, control = [], [], []
    blank = browser.new_context().new_page()  # Chromium itself keeps running, with nothing to draw
    for _ in range(rounds):
        opened.append(speed(seen["live"], 6))
        address = page.url
        page.goto("about:blank")
        alone = speed(seen["live"], 6)
        control.append(speed(seen["live"], 6) / alone)
        ratios.append(opened[-1] / alone)
        page.goto(address)
        page.wait_for_selector(".board[data-step] .card .main-svg", timeout=60_000)
        page.wait_for_timeout(1500)
    blank.close()
    page.context.close()
    shares = [f"{100 * statistics.median(values):.0f} %" for values in (ratios, control)]
    return [f"{batch_size:,}", f"{statistics.median(opened):.0f}", *shares]


def main(seconds: float = 30, rounds: int = 3) -> None:
    server = Server()
    with server as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        the_page(browser, url, server.pauses, seconds)
        rows = [training(browser, url, batch_size, rounds) for batch_size in (32, 256, 1024, 4096)]
        browser.close()
    table(["batch", "steps/s with the page open", "relative to no page", "no page, compared with itself (A/A)"], rows)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
