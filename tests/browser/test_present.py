"""The page where it is not on a usual screen: in a lecture hall, on paper, with the reader's own size or colours."""

import re

import pytest

from benchmarks.browser import CHROMIUM, FLAGS
from tests.browser.conftest import Board
from tests.browser.test_accessible import AXE, violations

SMALL = "?dataset=fashion-mnist-mini"
SIZES = "(selector) => [...document.querySelectorAll(selector)].map((e) => parseFloat(getComputedStyle(e).fontSize))"
TEXTS = (".board p, .board dt, .board dd, .board button, .board label, .board li, .board h2", ".plot text")


def sizes(page) -> list[float]:
    """The sizes of all texts on the board, in px. A figure is drawn when somebody sees it."""
    for plot in page.locator(".board .plot").all():
        plot.scroll_into_view_if_needed()
        page.wait_for_timeout(50)
    return [size for selector in TEXTS for size in page.evaluate(SIZES, selector)]


def test_the_key_f_turns_it_on_and_off_and_the_address_keeps_it(url, board: Board, page):
    page.set_viewport_size({"width": 1280, "height": 720})
    board.open(url + SMALL)
    board.press("Step")
    board.until(lambda: board.step() == 1)
    assert min(sizes(page)) < 18
    page.keyboard.press("f")
    page.get_by_role("button", name="Leave", exact=True).wait_for()
    board.until(lambda: min(sizes(page)) >= 18)
    assert not page.locator("section[data-testid=stSidebar]").is_visible()
    board.until(lambda: "present=1" in page.url)
    page.reload()
    page.get_by_role("button", name="Leave", exact=True).wait_for()
    board.until(lambda: board.step() == 1)
    page.keyboard.press("f")
    page.get_by_role("button", name="Present", exact=True).wait_for()
    board.until(lambda: min(sizes(page)) < 18 and "present=1" not in page.url)
    assert page.locator("section[data-testid=stSidebar]").is_visible()


@pytest.mark.parametrize("lesson", ["", "&lesson=too-high"])
def test_what_is_learnt_and_the_loss_stay_on_a_projector_when_an_alarm_comes(url, board: Board, page, lesson):
    page.set_viewport_size({"width": 1280, "height": 720})
    board.open(url + SMALL + "&present=1&learning_rate=3.16" + lesson)
    loss = page.locator(".card[aria-label=Loss]")
    page.wait_for_timeout(500)
    before = loss.bounding_box()
    board.press("Start")
    page.get_by_role("button", name=re.compile("Back to step")).wait_for(timeout=60_000)
    if lesson:
        page.get_by_text("Show the answer").click()
        page.get_by_text("It settles near 2.30 and looks harmless").wait_for()
        panel = page.locator(".st-key-lesson").bounding_box()
        assert panel["x"] + panel["width"] <= loss.bounding_box()["x"], "the lesson stands beside the figures"
    else:
        assert page.locator(".examples").bounding_box()["y"] < before["y"]
    banner = page.locator(".board .banner")
    assert loss.bounding_box() == before, "nothing moves"
    assert before["y"] + before["height"] <= banner.bounding_box()["y"] + 1, "nothing is covered"
    assert banner.bounding_box()["y"] + banner.bounding_box()["height"] <= 720
    assert banner.locator("button").first.is_visible() and not banner.locator(".more").is_visible()
    assert re.fullmatch(
        r"[^.]+\. [^.]+\.", banner.locator("p").inner_text().strip().replace("3.16", "3").replace("2.30", "2")
    )


def test_the_link_to_watch_can_be_presented(url, board: Board, page, browser):
    board.open(url + SMALL)
    page.get_by_text("Share", exact=True).click()
    link = page.get_by_text(re.compile(r"\?watch=")).inner_text()
    page.goto(link + "&present=1")
    page.get_by_role("button", name="Leave", exact=True).wait_for()
    page.wait_for_selector(".board.presenting .main-svg", timeout=60_000)


@pytest.mark.skipif(not AXE.exists(), reason="`npm install` brings axe-core")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_problem(url, board: Board, page, theme):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": 1280, "height": 720})
    board.open(url + SMALL + "&present=1&lesson=article")
    assert violations(page) == []


def test_the_browsers_size_of_text_is_obeyed(url, browser):
    flags = [*FLAGS, "--blink-settings=defaultFontSize=24"]
    with browser.browser_type.launch(executable_path=CHROMIUM, args=flags) as large:
        page = large.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url + SMALL)
        page.wait_for_selector(".board[data-step] .card .xtick text", timeout=60_000)
        smallest = min(sizes(page))
    assert smallest >= 1.5 * 10.5, "10.5 px is the smallest text with the usual size"


def test_on_paper_there_is_dark_text_and_no_control(url, board: Board, page):
    page.emulate_media(color_scheme="dark")
    board.open(url + SMALL)
    board.press("Step")
    board.until(lambda: board.step() == 1)
    page.set_viewport_size({"width": 718, "height": 1047})  # A4 with margins
    page.emulate_media(color_scheme="dark", media="print")
    page.wait_for_timeout(500)
    assert not page.locator("section[data-testid=stSidebar]").is_visible()
    assert not page.locator(".board button:visible:not(li button, .units button, .counts)").count()
    colors = "([what, style]) => [...document.querySelectorAll(what)].map((e) => getComputedStyle(e)[style])"
    for selector, style in ((".board h2", "color"), (".plot text", "fill"), (".board p", "color")):
        for color in page.evaluate(colors, [selector, style]):
            numbers = [float(part) for part in re.findall(r"[\d.]+", color)[:3]]
            assert max(numbers) < 150 if max(numbers) > 1 else max(numbers) < 0.6, (selector, color)
    assert page.evaluate("document.documentElement.scrollHeight") > 1047, "all of it is on paper, not one screen"
    assert len(re.findall(rb"/Type /Page\b", page.pdf(format="A4"))) >= 2


def test_the_colours_that_the_reader_forces_are_used(url, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, forced_colors="active", color_scheme="dark")
    page = context.new_page()
    page.goto(url + SMALL)
    page.wait_for_selector(".board[data-step] .card .xtick text", timeout=60_000)
    text = page.locator(".xtick text").first.evaluate("e => getComputedStyle(e).fill")
    assert min(int(part) for part in re.findall(r"\d+", text)[:3]) > 200, "light on the dark that was forced"
    bar = page.locator(".examples b").first.evaluate("e => getComputedStyle(e).backgroundColor")
    assert bar != page.locator(".examples li button").first.evaluate("e => getComputedStyle(e).backgroundColor")
    context.close()
