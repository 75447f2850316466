"""axe-core finds no problem in any view, in both themes."""

import re

import pytest

from tests.browser.conftest import REPOSITORY, Board

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CHECK = "(rules) => axe.run(document, { runOnly: rules }).then((found) => found.violations)"
SMALL = "?dataset=fashion-mnist-mini&epochs=2"
VIEWS = ["Line by line", "Test images", "Stability"]

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="`npm install` brings axe-core")


def violations(page) -> list[str]:
    page.mouse.move(0, 0)  # colours under the mouse are no rest
    page.wait_for_timeout(800)  # a colour may be on its way
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(CHECK, RULES)
    return [f"{each['id']}: {node['target']} {node['any'][:1]}" for each in found for node in each["nodes"]]


@pytest.fixture(params=["light", "dark"])
def themed(request, page):
    page.emulate_media(color_scheme=request.param)
    return page


def test_the_first_view_before_and_during_and_after_training(url, themed, board: Board):
    board.open(url + SMALL + "&speed=20")
    assert violations(themed) == []
    board.press("Start")
    board.until(lambda: board.step() > 20)
    assert violations(themed) == []
    themed.get_by_role("button", name="Help: Loss").click()
    assert violations(themed) == []
    themed.keyboard.press("Escape")
    themed.get_by_role("figure", name="Loss", exact=True).get_by_role("button", name="Enlarge").click()
    assert violations(themed) == []


def test_the_first_view_of_an_ill_run_in_a_lesson(url, themed, board: Board):
    board.open(url + "?lesson=too-high")
    board.press("Start")
    themed.get_by_role("button", name=re.compile("Back to step")).wait_for(timeout=60_000)
    board.until(lambda: board.status() == "paused")
    themed.get_by_text("Show the answer").click()
    assert violations(themed) == []


def test_a_step_line_by_line(url, themed, board: Board):
    board.open(url + SMALL + "&speed=slow")
    board.press("Step")
    board.until(lambda: board.step() == 1)
    assert violations(themed) == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_other_views(url, themed, board: Board, view):
    board.open(url + SMALL)
    board.press("Start")
    board.until(lambda: board.status() == "finished")
    themed.get_by_role("radio", name=view, exact=True).click()
    themed.wait_for_timeout(3000)
    assert violations(themed) == []


def test_on_a_phone(url, themed, board: Board):
    themed.set_viewport_size({"width": 375, "height": 812})
    board.open(url + SMALL)
    assert violations(themed) == []
