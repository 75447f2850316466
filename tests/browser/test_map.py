"""The view “Map” in a real browser: it fills, a cell opens, a part is trained finer."""

import re

import pytest

from tests.browser.test_accessible import violations

ADDRESS = "?view=map&dataset=fashion-mnist-mini&hidden_sizes=16&speed=full"
PLOT = ".st-key-map_board .plot"
POINTS = f"{PLOT} .points path"


@pytest.fixture
def trained(page, url):
    """A map of 3 × 4 runs."""
    page.goto(url + ADDRESS)
    for axis, count in enumerate("34"):
        field = page.get_by_label("How many").nth(axis)
        field.fill(count, timeout=60_000)
        field.press("Enter")
    page.get_by_text("12 runs of 300 steps: 3,600 steps.").wait_for()
    page.get_by_role("button", name="Train the map").click()
    page.get_by_text("Map finished").wait_for(timeout=60_000)
    page.wait_for_function(f"document.querySelectorAll('{POINTS}').length === 12")
    return page


def middle(page, i):
    box = page.locator(POINTS).nth(i).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def letters(page):
    return page.locator(f"{PLOT} .textpoint text").all_text_contents()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(trained, scheme):
    trained.emulate_media(color_scheme=scheme)
    assert violations(trained) == []
    trained.mouse.click(*middle(trained, 4))
    trained.get_by_role("button", name="Open as my run").wait_for()
    trained.get_by_text("Another map").click()
    assert violations(trained) == []


def test_each_run_has_a_number_or_a_letter(trained):
    shown = letters(trained)
    assert len(shown) == 12 and all(re.fullmatch(r"\d\d?|[∞~†!]", text) for text in shown)
    assert len(set(shown)) > 3, "the runs differ"
    trained.get_by_role("button", name="test loss").click()
    trained.wait_for_function(f"document.querySelector('{PLOT} .textpoint:last-of-type').textContent.includes('.')")


def test_a_click_and_the_keys_choose_a_run_and_it_opens(trained):
    page = trained
    page.mouse.click(*middle(page, 10))  # the bottom row, in the middle
    page.get_by_role("heading", name="Batch size 91, learning rate 0.01").wait_for()
    page.wait_for_function(f"document.querySelectorAll('{PLOT} .shapelayer path').length === 1")
    page.locator(PLOT).focus()
    for key in ("ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    said = page.locator(".st-key-map_board .spoken").inner_text()
    assert re.match(r"batch size 16, learning rate 0\.0635: test accuracy \d\d\.\d %, test loss \d", said)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Batch size 16, learning rate 0.0635").wait_for()
    page.get_by_role("button", name="Open as my run").click()
    page.wait_for_function("document.querySelector('.board[data-step]')?.dataset.step === '300'")
    assert "view=map" not in page.url and "batch_size=16" in page.url
    page.get_by_role("radio", name="Map").click()
    page.wait_for_function(f"document.querySelectorAll('{POINTS}').length === 12")


def test_a_rectangle_is_trained_finer(trained):
    page = trained
    (x0, y0), (x1, y1) = middle(page, 1), middle(page, 5)
    page.mouse.move(x0 - 10, y0 - 8)
    page.mouse.down()
    page.mouse.move(x1 + 20, y1 - 8, steps=6)
    page.mouse.up()
    page.get_by_role("button", name="Train this part finer").click()
    page.get_by_role("button", name="Back to the wider map").wait_for()
    page.wait_for_function(f"document.querySelector('{PLOT} .ytick text').textContent === '0.403'")
    ticks = page.locator(f"{PLOT} .ytick text").all_text_contents()
    assert ticks[0] == "0.403" and ticks[-1] == "2.56" and len(ticks) == 4
    page.get_by_role("button", name="Back to the wider map").click()
    page.wait_for_function(f"document.querySelector('{PLOT} .ytick text').textContent === '0.01'")


def test_it_comes_back_after_a_reload(trained):
    before = letters(trained)
    trained.reload()
    trained.wait_for_function(f"document.querySelectorAll('{POINTS}').length === 12", timeout=60_000)
    assert letters(trained) == before
