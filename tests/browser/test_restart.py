"""The server ends while a page is open: the page finds its run again by itself, paused at the last save."""

import signal
import time

from benchmarks.ports import free_port
from tests.browser.conftest import Board
from tests.browser.test_accessible import violations

SMALL = "?dataset=fashion-mnist-mini&epochs=1000&learning_rate=0.02"


def test_after_kill_9_the_open_page_goes_on_with_its_run(start_server, page, complaints, tmp_path):
    port, store = free_port(), str(tmp_path / "runs.sqlite")
    server = start_server(port, MLPVIZ_STORE=store)
    board = Board(page).open(f"http://localhost:{port}/{SMALL}")
    board.press("Start")
    board.until(lambda: board.step() > 20)
    board.press("Pause")
    page.get_by_role("button", name="pin", exact=True).click()
    page.get_by_role("button", name="unpin", exact=True).wait_for()
    pinned = board.step()
    board.press("Start")
    run = page.url.split("run=")[1].split("&")[0]
    time.sleep(12)  # it is saved every eight seconds
    server.send_signal(signal.SIGKILL)
    server.wait()
    page.get_by_text("Connection lost").first.wait_for()
    start_server(port, MLPVIZ_STORE=store)
    board.until(lambda: board.status() == "paused", seconds=60)
    page.get_by_text("The training of this run was interrupted").wait_for(timeout=60_000)
    assert board.step() > pinned and f"run={run}" in page.url
    assert page.get_by_role("slider", name="Learning rate").get_attribute("aria-valuetext") in ("0.02", None)
    page.get_by_role("button", name="unpin", exact=True).wait_for()
    at = board.step()
    board.press("Start")
    board.until(lambda: board.step() > at)
    board.press("Pause")
    complaints.clear()  # the browser complains of every request that the dead server did not answer


def test_runs_are_found_opened_and_compared(start_server, page, tmp_path):
    port = free_port()
    start_server(port, MLPVIZ_STORE=str(tmp_path / "runs.sqlite"))
    page.emulate_media(color_scheme="dark")
    for rate in ("0.02", "0.5"):
        board = Board(page).open(f"http://localhost:{port}/?dataset=fashion-mnist-mini&epochs=1&learning_rate={rate}")
        board.press("Start")
        board.until(lambda board=board: board.status() == "finished")
        page.wait_for_timeout(1000)
    page.get_by_role("radio", name="Runs").click()
    table = page.get_by_test_id("stDataFrame")
    box = table.bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 18)  # the box above all boxes
    page.get_by_role("figure", name="Training loss", exact=True).locator(".main-svg").first.wait_for()
    page.get_by_role("figure", name="Test accuracy over learning rate").locator(".points path").first.wait_for()
    page.get_by_role("figure", name="Settings and results").locator(".axis-heading").first.wait_for()
    assert page.get_by_role("figure", name="Training loss", exact=True).locator(".lines path.js-line").count() == 3
    assert violations(page) == []
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.move(box["x"] + 25, box["y"] + 18 + 36)  # the table wants to see the mouse first
    page.mouse.click(box["x"] + 20, box["y"] + 18 + 35)  # not the newer run, which is open
    page.get_by_role("button", name="Open this run").click()
    page.wait_for_url("**learning_rate=0.02**")
    board.until(lambda: board.step() == 40)
    page.get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_url("**learning_rate=0.5**")
