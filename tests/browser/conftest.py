"""A real server on a free port, and a real browser in front of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.browser import CHROMIUM, FLAGS
from benchmarks.ports import free_port

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def start_server(tmp_path_factory) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts `streamlit run app.py` on a port, as the README does, with environment variables; all are ended at the
    end."""
    running = []

    def start(port: int, **variables: str) -> subprocess.Popen:
        log = tmp_path_factory.mktemp("server") / "log.txt"
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        with log.open("w") as output:
            process = subprocess.Popen(
                command, cwd=REPOSITORY, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT
            )
        running.append(process)
        end = time.monotonic() + 90
        while "URL:" not in log.read_text():
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        return process

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(20)


@pytest.fixture(scope="session")
def url(start_server) -> str:
    port = free_port()
    start_server(port)
    return f"http://localhost:{port}/"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"{CHROMIUM} is not on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said; a test that expects some clears it."""
    return []


@pytest.fixture
def page(context, complaints) -> Iterator[Page]:
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


class Board:
    """What the board shows, read from the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".board")

    def open(self, address: str) -> Board:
        """Open the page. The run trains at full speed if the address does not say otherwise: tests don't wait."""
        if "speed=" not in address and "watch=" not in address:
            address += ("&" if "?" in address else "?") + "speed=full"
        self.page.goto(address)
        self.page.wait_for_selector(".board[data-step] .card .main-svg", timeout=60_000)
        return self

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def step(self) -> int:
        return int(self.root.get_attribute("data-step") or -1)

    def status(self) -> str:
        return self.root.get_attribute("data-status") or ""

    def loss(self) -> float:
        text = self.page.get_by_role("figure", name="Loss", exact=True).locator("figcaption p").inner_text()
        return float(re.search(r"[Tt]rain ([\d.]+)", text).group(1))  # type: ignore[union-attr]

    def until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited in vain at step {self.step()}, {self.status()}"
            self.page.wait_for_timeout(50)


@pytest.fixture
def board(page) -> Board:
    return Board(page)
