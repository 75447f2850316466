"""The view “Line by line” in a real browser."""

import json
import re

import pytest

VIEW = "?view=line-by-line&dataset=fashion-mnist-mini&batch_size=100"


@pytest.fixture
def lines(url, page, board):
    """The view, at step 0, on the walk's first part."""
    page.goto(url + VIEW)
    page.wait_for_selector(".board[data-step='0']", timeout=60_000)
    page.get_by_role("button", name="Forward", exact=True).wait_for()
    board.root = page.locator(".st-key-strip .board")  # a comparison has a board of its own
    return board


def test_a_walk_through_one_update(lines, page):
    assert page.locator(".mlpviz-batch img").count() == 24
    assert page.locator(".mlpviz-batch img").first.evaluate("e => e.naturalWidth") == 28
    lines.press("Forward")
    numbers = page.get_by_role("img", name="The pixels of image 1", exact=False)
    numbers.wait_for()
    assert numbers.locator("i").count() == 784
    lines.press("Forward")
    page.locator(".katex", has_text="log").first.wait_for()
    assert page.locator(".katex-error").count() == 0
    lines.press("Forward")
    page.get_by_text("nothing to clear").wait_for()
    lines.press("Forward")
    page.get_by_text("Check it yourself").wait_for()
    for name in ("W1", "b2"):
        page.locator(".st-key-parameter").get_by_text(name, exact=True).click()
        drawn = page.locator(f".board.alone [aria-label='Gradient of {name}'] .main-svg .subplot")
        drawn.first.wait_for(state="attached")
        assert page.get_by_role("figure", name=re.compile("Gradient of")).count() == 1
    assert lines.step() == 0
    lines.press("Forward")
    page.get_by_text("bit for bit, what was computed here before").wait_for()
    lines.until(lambda: lines.step() == 1)
    lines.press("Next batch")
    page.get_by_text("Update 2 of").wait_for()
    page.get_by_text("of update 2.").wait_for()


def test_the_keys_walk_too(lines, page):
    page.keyboard.press("n")
    page.get_by_role("radio", name="logits = net(X)", exact=False).wait_for()
    page.wait_for_function("document.querySelector('.st-key-line_widget input:checked')?.value === '9'")
    page.keyboard.press("b")
    page.wait_for_function("document.querySelector('.st-key-line_widget input:checked')?.value === '8'")


def test_training_goes_on_in_this_view_and_pausing_gives_the_walk_back(lines, page):
    page.get_by_label("Epochs", exact=True).fill("900")
    page.keyboard.press("Enter")
    page.get_by_text("Update 1 of 90,000").wait_for()
    lines.press("Start")
    page.get_by_text("This run is training").wait_for()
    lines.until(lambda: lines.step() > 50)
    lines.press("Pause and take the next update apart")
    page.locator(".mlpviz-batch img").first.wait_for()
    step = lines.step()
    page.wait_for_timeout(1200)
    lines.until(lambda: lines.status() == "paused")
    assert f"Update {lines.step() + 1:,} of" in page.inner_text("body") and lines.step() >= step


def test_every_line_opens_with_its_formulas_rendered(lines, page):
    options = page.locator(".st-key-line_widget label[data-testid=stRadioOption]")
    assert options.count() == 16
    for i in range(16):
        options.nth(i).click()
        page.wait_for_function(f"document.querySelector('.st-key-line_widget input:checked')?.value === '{i}'")
        page.wait_for_timeout(400)
        assert page.locator(".katex-error").count() == 0
        assert "redacted" not in page.inner_text("body")


def test_predict_run_and_compare_live(lines, page):
    page.get_by_text("What if a line were gone?").first.click()
    page.get_by_text("+ instead of − in the update").click()
    page.get_by_text("maximize=True").first.wait_for()
    page.get_by_text("NaN", exact=True).first.click()
    lines.press("Run both")
    comparison = page.locator(".st-key-comparison_board .board")
    comparison.locator(".card .main-svg").first.wait_for()
    for name in ("Losses compared", "Accuracies compared"):
        assert page.get_by_role("figure", name=name, exact=True).is_visible()
    page.get_by_text("You were right.").wait_for(timeout=60_000)
    assert comparison.get_attribute("data-status") == "finished"
    assert "not finite from step" in comparison.inner_text()
    assert lines.step() == 0, "the run itself is left alone"


def test_step_zero_and_the_sweep(lines, page):
    page.get_by_text("Step 0", exact=True).first.click()
    page.get_by_role("figure", name="Initial loss").wait_for()
    page.locator(".js-plotly-plot").nth(3).wait_for()
    page.get_by_role("button", name="Train 13 networks for one epoch each").click()
    sweep = page.locator(".st-key-sweep_board .board")
    sweep.locator(".card .main-svg").first.wait_for()
    lines.until(lambda: sweep.get_attribute("data-status") == "finished", 90)
    sweep.locator(".card .plot").first.scroll_into_view_if_needed()  # a figure is drawn when somebody sees it
    lines.until(lambda: re.search(r"Best so far: \d\d\.\d % at init std", sweep.inner_text()) is not None)


def test_the_downloads_are_whole_files(lines, page):
    page.get_by_text("Take it with you").click()
    with page.expect_download() as script:
        lines.press("Download script")
    code = script.value.path().read_text()
    assert script.value.suggested_filename == "train.py"
    compile(code, "train.py", "exec")
    assert "first_of_each_class" in code and "batch_size=100" in code
    with page.expect_download() as notebook:
        lines.press("Download notebook")
    assert json.loads(notebook.value.path().read_text())["nbformat"] == 4


def test_nothing_overflows(lines, page):
    for width, height in ((1440, 900), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        for section in ("One step, taken apart", "What if a line were gone?", "Step 0", "Take it with you"):
            page.get_by_text(section, exact=True).first.click()
            page.wait_for_timeout(800)
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, (section, width)


def test_the_views_share_one_run(lines, page):
    lines.press("Step")
    lines.until(lambda: lines.step() == 1)
    page.get_by_text("Watch", exact=True).click()
    page.wait_for_selector(".board[data-step='1'] .card .main-svg")
    assert "view=" not in page.url
    page.get_by_text("Line by line", exact=True).click()
    page.get_by_text("Update 2 of 1,000: not done yet").wait_for()
    page.wait_for_function("location.search.includes('view=line-by-line')")
