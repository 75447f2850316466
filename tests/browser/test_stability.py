"""Why did it diverge, what comes, two runs, lessons: in a real browser."""

import re

import pytest

from tests.browser.conftest import Board

WILD = "?dataset=fashion-mnist-mini&learning_rate=3.16&epochs=20"
#: How many traces of a figure are drawn, and how faint the faintest is.
TRACES = """(name) => {
    const plot = document.querySelector(`[aria-label="${name}"] .plot`);
    return plot.data.map((trace) => [trace.mode, trace.opacity ?? 1, trace.line?.dash ?? "solid"]);
}"""


def fallen_ill(board, url):
    board.open(url + WILD)
    board.press("Start")
    board.page.get_by_role("button", name=re.compile("Back to step")).wait_for(timeout=60_000)
    board.until(lambda: board.status() == "paused")


def traces(page, name):
    return page.evaluate(TRACES, name)


def test_an_ill_run_stops_says_why_and_goes_back(url, board, page):
    fallen_ill(board, url)
    banner = page.locator(".board .banner")
    assert banner.get_attribute("data-kind") == "alarm"
    assert re.search(r"Dead units\. 9\d %.*Go back to step \d+ with a learning rate of 0\.\d+\.", banner.inner_text())
    stopped = board.step()
    back = page.get_by_role("button", name=re.compile("Back to step"))
    target, rate = re.search(r"step ([\d,]+), learning rate ([\d.]+)", back.inner_text()).groups()
    target = int(target.replace(",", ""))
    back.click()
    board.until(lambda: board.step() == target)
    page.get_by_text(f"You are back at step {target}").wait_for()
    board.until(lambda: any(opacity == 0.5 for _, opacity, _ in traces(page, "Loss")))
    assert target < stopped and not banner.is_visible()
    page.wait_for_url(f"**learning_rate={rate}**")
    board.until(lambda: page.evaluate("document.activeElement.innerText").startswith("Start"))
    page.keyboard.press("Enter")  # what one would press next has the focus
    board.until(lambda: board.step() > stopped + 40)
    assert board.loss() < 1.5 and not banner.is_visible()
    assert any(opacity == 0.5 for _, opacity, _ in traces(page, "Loss")), "drawn over the run that was left"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_evidence_fits(url, board, page, width, height, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    fallen_ill(board, url)
    page.get_by_role("button", name="What happened?").click()
    page.get_by_text("The evidence").wait_for()
    board.until(lambda: page.locator(".board.alone .main-svg .subplot").count() >= 7)
    page.wait_for_timeout(500)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_a_gentle_note_is_no_alarm(url, board, page):
    board.open(url + "?dataset=fashion-mnist-mini&hidden_sizes=64-64&init_std=0.0001&epochs=1000")
    board.press("Start")
    page.get_by_text("On a plateau.").first.wait_for(timeout=60_000)
    assert page.locator(".board .banner").get_attribute("data-kind") == "note" and board.status() == "training"


def test_sharpness_is_drawn_live(url, board, page):
    board.open(url + "?dataset=fashion-mnist-mini&epochs=1000")
    page.get_by_text("Stability", exact=True).click()
    page.get_by_text("Seeing it coming").click()
    page.get_by_text("Measure it while it trains").click()
    board.press("Start")
    figure = page.get_by_role("figure", name="Sharpness", exact=True)
    figure.wait_for()
    sentence = figure.locator("figcaption p")
    board.until(lambda: bool(re.search(r"λ = [\d.]+ \(.*2/η = 20", sentence.inner_text())), 30)
    first = sentence.inner_text()
    board.until(lambda: sentence.inner_text() != first, 30)


def test_a_twin_is_drawn_dotted_and_says_when_they_part(url, board, page):
    board.open(url + "?dataset=fashion-mnist-mini")
    page.get_by_text("Stability", exact=True).click()
    page.get_by_text("Two runs", exact=True).click()
    page.get_by_role("button", name="Make the twin").click()
    page.get_by_role("button", name="End the twin").wait_for()
    board.press("Start")
    line = page.locator(".board .line").last
    board.until(lambda: "first differ at step" in line.inner_text(), 60)
    assert "learning rate 0.1 → 0.3" in line.inner_text()
    for name in ("Loss", "Accuracy", "Gradient norms", "Weights", "Update ratio", "Dead units"):
        assert any(dash == "dot" for _, _, dash in traces(page, name)), name


def test_a_lesson_from_its_question_to_its_answer(url, board, page):
    board.open(url + "?lesson=too-high&lock=learning_rate&hide=network")
    page.get_by_text("What happens to the loss?").wait_for()
    assert page.get_by_role("slider", name="Learning rate").get_attribute("aria-disabled") == "true" or (
        page.get_by_role("slider", name="Learning rate").is_disabled()
    )
    assert page.locator("summary", has_text="Network").count() == 0
    page.get_by_text("It jumps up, then settles near 2.30", exact=True).click()
    board.press("Start")
    page.get_by_role("button", name=re.compile("Back to step")).wait_for(timeout=60_000)
    page.get_by_text("Show the answer").click()
    page.get_by_text("You were right.").wait_for()
    page.get_by_text("It settles near 2.30 and looks harmless").wait_for()
    assert "lesson=too-high" in page.url


def test_the_audience_goes_along_through_branch_undo_and_reset(url, board, page, browser):
    fallen_ill(board, url)
    ill = board.step()
    page.locator("summary", has_text="Share").click()
    audience = browser.new_context()
    seat = Board(audience.new_page()).open(page.locator("code", has_text="watch=").inner_text())
    page.get_by_role("button", name=re.compile("Back to step")).click()
    board.until(lambda: board.step() < 50 and seat.step() == board.step())
    board.press("Undo")
    board.until(lambda: board.step() == ill and seat.step() == ill)
    board.press("Reset")
    board.until(lambda: board.step() == 0 and seat.step() == 0)
    audience.close()
