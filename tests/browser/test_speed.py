"""The speed of a run, and the five lines that light up, in a real browser."""

import itertools
import re

import pytest

SMALL = "?dataset=fashion-mnist-mini&speed="
#: Records which line is lit, whenever that changes.
WATCH_LIGHT = """
() => {
  window.lit = [];
  const note = () => {
    const now = [...document.querySelectorAll(".five li")].findIndex((line) => line.className === "lit");
    if (now !== window.lit.at(-1)?.[0]) window.lit.push([now, performance.now()]);
  };
  new MutationObserver(note).observe(document.querySelector(".five ol"), { attributes: true, subtree: true });
}
"""


def chosen(page):
    return page.locator(".speed input:checked").input_value()


def said(page):
    return [text.strip() for text in page.locator(".five .said").all_inner_texts()]


def test_a_run_that_nobody_hurries_can_be_watched(url, board, page):
    page.goto(url + "?dataset=fashion-mnist-mini")
    page.wait_for_selector(".board[data-step] .card .main-svg")
    assert chosen(page) == "20" and "speed" not in page.url
    assert all("% of a step’s time" in text for text in said(page))
    page.evaluate(
        """() => {
          const board = document.querySelector(".board"); window.film = [];
          const note = () => window.film.push(board.dataset.step);
          new MutationObserver(note).observe(board, { attributeFilter: ["data-refreshes"] });
        }"""
    )
    board.press("Start")
    board.until(lambda: board.status() == "finished", 60)
    film = page.evaluate("window.film")
    assert len(set(film)) > 25, "how many on a quiet machine: benchmarks/film.py"


def test_the_reader_chooses_by_button_and_by_key(url, board, page):
    board.open(url + SMALL + "full&epochs=1000")
    board.press("Start")
    board.until(lambda: board.step() > 50)
    page.get_by_label("Slow motion").check(force=True)
    board.until(lambda: "speed=slow" in page.url)
    page.wait_for_timeout(1500)  # until what was on its way is shown
    before = board.step()
    page.wait_for_timeout(3000)
    assert board.step() - before <= 2
    page.keyboard.press(".")
    board.until(lambda: "speed=1" in page.url and chosen(page) == "1")
    for _ in range(2):
        page.keyboard.press(".")
        page.wait_for_timeout(300)
    board.until(lambda: chosen(page) == "20")
    page.keyboard.press(",")
    board.until(lambda: chosen(page) == "5")
    board.until(lambda: re.fullmatch(r"[45](\.\d)? steps/s", page.locator(".measured").inner_text()) is not None)
    assert board.status() == "training"


def test_a_key_that_is_part_of_a_text_changes_nothing(url, board, page):
    board.open(url + SMALL + "5&hide=optimizer")
    page.locator("summary", has_text="Network").click()
    field = page.get_by_role("textbox", name="Hidden layers")
    field.click()
    page.keyboard.type(".,.")
    page.wait_for_timeout(500)
    assert chosen(page) == "5"


def test_in_slow_motion_the_lines_light_up_one_after_another(url, board, page):
    board.open(url + SMALL + "slow")
    board.press("Start")
    board.until(lambda: board.step() >= 1)
    page.evaluate(WATCH_LIGHT)
    board.until(lambda: "Step 2," in page.locator(".five h2").inner_text())
    assert board.step() == 1, "the figures show the step after its last line"
    board.press("Pause")
    board.until(lambda: board.status() == "paused" and board.step() == 2, 3.5)  # the reader doesn't wait for the lines
    board.until(lambda: [line for line, _ in page.evaluate("window.lit")][-5:] == [1, 2, 3, 4, -1], 10)
    lit = page.evaluate("window.lit")[-5:]
    gaps = [after - before for (_, before), (_, after) in itertools.pairwise(lit)]
    assert all(500 < gap < 1500 for gap in gaps), gaps
    assert "Step 2, line by line" in page.locator(".five h2").inner_text()
    forward, loss, zero, backward, step = (line.inner_text() for line in page.locator(".five li").all())
    assert "logits = net(X)" in forward and re.search(r"\d+ of 256 right", forward)
    assert page.locator(".five canvas").count() == 3
    assert re.search(r"2\.3\d\d → 2\.\d\d\d", loss) and "step 1 → 2, new images" in loss
    norms = page.get_by_role("figure", name="Gradient norms", exact=True).locator("figcaption p").inner_text()
    for layer in ("W₁", "W₂"):
        (norm,) = re.findall(rf"{layer} ([\d.]*\d)", norms)
        assert norm in backward
    assert "optimizer.zero_grad()" in zero and "optimizer.step()" in step and "%" in step


def test_one_step_is_played_at_any_speed(url, board, page):
    board.open(url + SMALL + "full")
    page.evaluate(WATCH_LIGHT)
    board.press("Step")
    board.until(lambda: [line for line, _ in page.evaluate("window.lit")] == [0, 1, 2, 3, 4, -1], 5)
    right, loss, cleared, norms, moved = said(page)
    assert "of 256 right" in right and loss.startswith("2.3") and cleared == "nothing to clear yet"
    assert norms.startswith("W₂") and moved.startswith("W₁")


@pytest.mark.parametrize("speed", ["slow", "full"])
def test_reduced_motion_is_respected(url, browser, speed):
    page = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
    page.goto(url + SMALL + speed)
    page.wait_for_selector(".board[data-step] .card .main-svg")
    page.evaluate(WATCH_LIGHT)
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_selector('.board[data-step="1"]')
    page.wait_for_timeout(1500)
    assert {line for line, _ in page.evaluate("window.lit")} <= {-1} and "of 256 right" in said(page)[0]
    page.context.close()


def test_what_nobody_sees_is_not_sent_and_comes_when_it_is_seen(url, board, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    board.open(url + SMALL + "20&epochs=100")
    board.press("Start")
    board.until(lambda: board.step() > 20)
    board.until(lambda: "without=" in asked[-1] and "Gradients" in asked[-1])
    card = page.get_by_role("figure", name="Weights", exact=True)
    card.get_by_role("button", name="gradients").click()
    board.until(lambda: "Weights" in asked[-1] and "Gradients" not in asked[-1])
    gradients = page.get_by_role("figure", name="Gradients", exact=True)
    before = gradients.locator("figcaption p").inner_text()
    board.until(lambda: gradients.locator("figcaption p").inner_text() != before)
    page.set_viewport_size({"width": 375, "height": 812})
    board.until(lambda: "Dead+units" in asked[-1] and "tiles" in asked[-1])
    board.press("Pause")
    board.until(lambda: board.status() == "paused")
    board.until(lambda: "without" not in asked[-1])
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_timeout(1000)
    units = page.get_by_role("figure", name="Dead units", exact=True).locator("figcaption p").inner_text()
    assert f"at step {board.step():,}," in units, "the run rests: every figure is of this step"
