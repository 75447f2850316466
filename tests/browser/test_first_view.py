"""What is learnt, on the first view: the answers, the network, and figures that can be enlarged and saved."""

import csv
import io
import re

import pytest

from tests.browser.conftest import Board

SMALL = "?dataset=fashion-mnist-mini"


@pytest.fixture
def first(url, board: Board) -> Board:
    return board.open(url + SMALL)


def trained(board: Board, steps=60) -> Board:
    board.press("Start")
    board.until(lambda: board.step() >= steps)
    board.press("Pause")
    board.page.get_by_role("button", name="Start", exact=True).wait_for()
    board.until(lambda: board.status() == "paused")
    return board


def answers(board: Board) -> list[str]:
    return board.page.locator(".examples li").all_inner_texts()


def network(board: Board):
    return board.page.get_by_role("figure", name="Network")


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (2560, 1440)], ids=str)
def test_images_network_and_loss_are_on_the_screen_without_scrolling(first, page, size):
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(500)
    for part in (".board .examples", ".board .network", ".board .card[aria-label=Loss]", ".card[aria-label=Accuracy]"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= height and box["x"] + box["width"] <= width, part
    assert page.locator(".board .units canvas").first.bounding_box()["width"] >= 16
    large = page.locator(".card[aria-label=Loss] .plot").bounding_box()
    small = page.locator(".card[aria-label='Dead units'] .plot").bounding_box()
    assert large["width"] * large["height"] > 1.3 * small["width"] * small["height"]
    tile = page.locator(".board .tiles canvas").first.bounding_box()
    assert tile["width"] >= 60, "large enough to see a garment in it"


def test_on_a_phone_nothing_is_wider_than_the_screen(first, page):
    page.set_viewport_size({"width": 375, "height": 812})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    for part in (".examples li", ".network .classes li", ".network .units button"):
        for box in [each.bounding_box() for each in page.locator(part).all()]:
            assert box["x"] >= 0 and box["x"] + box["width"] <= 375, part


def test_the_answers_and_the_network_move_with_the_run(first, page):
    assert page.locator(".examples .title p").inner_text().endswith("before training.")
    before, pictures = answers(first), page.locator(".units canvas").first.evaluate("e => e.toDataURL()")
    edges = page.locator(".edges path").evaluate_all("all => all.map((e) => e.getAttribute('d'))")
    trained(first)
    assert answers(first) != before
    assert page.locator(".examples .title p").inner_text().endswith(f"right after step {first.step()}.")
    assert page.locator(".units canvas").first.evaluate("e => e.toDataURL()") != pictures
    assert page.locator(".edges path").evaluate_all("all => all.map((e) => e.getAttribute('d'))") != edges


def test_right_and_wrong_can_be_told_without_colours(first, page):
    trained(first)
    for tile in page.locator(".examples li").all():
        name = tile.locator("canvas").get_attribute("aria-label")
        said, truth = tile.locator(".answer").inner_text(), tile.locator(".truth").inner_text()
        right, wrong = (f"✓ {name}", ""), ("✗", f"is {name}")
        assert (said, truth) == right or (said[0], truth) == wrong
        assert re.fullmatch(r"\d+ %", tile.locator(".sure").inner_text())


def test_a_click_on_an_image_draws_it_and_explain_opens_it(first, page):
    tile = page.locator(".examples li").nth(8)
    label = tile.locator("canvas").get_attribute("aria-label")
    tile.locator("button").click()
    first.until(lambda: network(first).locator(".image").get_attribute("aria-label") == label)
    assert tile.locator("button").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="explain").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(label, exact=False).first.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert first.root.is_visible()


def test_the_hardest_images_can_be_chosen_and_stay_after_reset(first, page):
    trained(first)
    page.get_by_role("button", name="the hardest").click()
    sentence = page.locator(".examples .title p")
    first.until(lambda: re.search(r"the largest loss in the test at step [1-9]", sentence.inner_text()) is not None)
    shown = page.locator(".examples canvas").evaluate_all("all => all.map((e) => e.toDataURL())")
    first.press("Reset")
    first.until(lambda: first.step() == 0)
    pictures = page.locator(".examples canvas")
    first.until(lambda: pictures.evaluate_all("all => all.map((e) => e.toDataURL())") == shown)
    assert page.get_by_role("button", name="the hardest").get_attribute("aria-pressed") == "true"


def test_a_click_on_a_hidden_unit_opens_its_card(first, page):
    trained(first)
    unit = page.locator(".units button").nth(2)
    number = re.match(r"unit (\d+) of hidden layer 1", unit.get_attribute("aria-label")).group(1)
    unit.click()
    page.get_by_text(f"Unit {number}, after step", exact=False).wait_for()


def test_the_error_goes_back_and_both_directions_are_told_in_words(first, page):
    trained(first)
    edges, sentence = page.locator(".edges"), network(first).locator("figcaption p")
    forward, spoken = sentence.inner_text(), edges.get_attribute("aria-label")
    assert forward.startswith("Answer: ") and spoken.startswith(forward) and "The largest parts: unit" in spoken
    page.get_by_role("button", name="error back").click()
    assert "The error starts at the classes" in sentence.inner_text()
    assert edges.get_attribute("aria-label") != spoken
    page.get_by_role("button", name="error back").click()
    assert sentence.inner_text() == forward


@pytest.mark.parametrize("way", ["click", "Enter"])
def test_a_figure_is_enlarged_and_goes_back_to_its_place(first, page, way):
    trained(first)
    figure = page.get_by_role("figure", name="Gradient norms", exact=True)
    figure.locator(".plot").focus()
    before = figure.bounding_box()
    if way == "click":
        figure.get_by_role("button", name="Enlarge").click()
    else:
        page.keyboard.press("Enter")
    first.until(lambda: figure.locator(".main-svg").first.bounding_box()["width"] > 1000)
    size = "() => parseFloat(getComputedStyle(document.querySelector(':popover-open .xtick text')).fontSize)"
    first.until(lambda: page.evaluate(size) >= 18)  # for the last row of a lecture hall
    page.keyboard.press("Escape")
    first.until(lambda: figure.bounding_box() == before)
    first.until(lambda: figure.locator(".main-svg").first.bounding_box()["width"] < 400)


def test_a_figure_is_saved_as_numbers_and_as_a_picture(first, page):
    trained(first)
    figure = page.get_by_role("figure", name="Loss", exact=True)
    figure.get_by_role("button", name="Enlarge").click()
    with page.expect_download() as saved:
        figure.get_by_role("button", name="Save the numbers as a table, CSV").click()
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text())))
    each = [float(row["loss"]) for row in rows if row["series"] == "each step"]
    assert len(each) == first.step() and all(0 < value < 5 for value in each)
    assert saved.value.suggested_filename == "mlpviz-loss.csv"
    for kind, begins in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as saved:
            figure.get_by_role("button", name=f"Save the figure as a picture, {kind}").click()
        assert saved.value.path().read_bytes().startswith(begins)


def test_each_figure_has_a_help_that_a_keyboard_can_open(first, page):
    assert page.locator(".board .ask").count() == 9
    ask = page.get_by_role("button", name="Help: Update ratio")
    ask.focus()
    page.keyboard.press("Enter")
    page.get_by_text("How far one step moves the weights, compared with their size.").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("How far one step moves the weights, compared with their size.").wait_for(state="hidden")


ALARM = "?lesson=too-high"


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768)], ids=str)
def test_the_loss_stays_on_the_screen_with_lesson_answer_and_alarm_and_does_not_move(url, board, page, size):
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    board.open(url + ALARM)
    loss = page.locator(".card[aria-label=Loss]")
    page.wait_for_timeout(500)
    before = loss.bounding_box()
    board.press("Start")
    page.get_by_role("button", name=re.compile("Back to step")).wait_for(timeout=60_000)
    page.get_by_text("It becomes NaN").click()
    page.get_by_text("Show the answer").click()
    page.get_by_text("It settles near 2.30 and looks harmless").wait_for()
    after = loss.bounding_box()
    assert after["y"] + after["height"] <= height
    assert abs(after["y"] - before["y"]) <= 4, "neither the alarm nor the answer moves it"


def test_an_alarm_moves_no_figure(url, board, page):
    board.open(url + SMALL + "&learning_rate=3.16")
    loss = page.locator(".card[aria-label=Loss]")
    before = loss.bounding_box()
    board.press("Start")
    page.get_by_role("button", name=re.compile("Back to step")).wait_for(timeout=60_000)
    assert page.locator(".board .banner").is_visible() and loss.bounding_box() == before
    page.get_by_role("button", name=re.compile("Back to step")).click()
    page.get_by_text("You are back at step").wait_for()
    page.locator(".board .banner").wait_for(state="hidden")
    assert loss.bounding_box() == before, "the message lies over the figures"


END = """() => {
  const plot = document.querySelector(".card[aria-label=Loss] .plot");
  const x = plot._fullData.find((trace) => trace.name === "train").x;
  return [x[x.length - 1]];
}"""


def test_the_curves_count_in_steps_epochs_or_images(first, page):
    trained(first)
    step, unit = first.step(), page.locator(".card[aria-label=Loss] .counts")
    assert unit.inner_text() == "step" and page.evaluate(END)[0] == step
    unit.click()
    first.until(lambda: page.evaluate(END)[0] == pytest.approx(step / 40))
    assert page.locator(".card[aria-label=Accuracy] .counts").inner_text() == "epoch"
    unit.click()
    seen = 10_000 * (step // 40) + 256 * (step % 40)  # 40 steps in an epoch of 10,000 images
    first.until(lambda: page.evaluate(END)[0] == seen)
    page.reload()
    first.until(lambda: page.locator(".card[aria-label=Loss] .counts").inner_text() == "images seen")
    page.locator(".card[aria-label=Loss] .counts").focus()
    page.keyboard.press("Enter")
    first.until(lambda: page.evaluate(END)[0] == step)


def test_the_legend_of_the_loss_names_a_pinned_run(first, page):
    trained(first)
    page.get_by_role("button", name="pin", exact=True).click()
    first.press("Reset")
    first.until(lambda: first.step() == 0)
    page.get_by_role("slider", name="Learning rate").focus()
    page.keyboard.press("ArrowRight")
    first.until(lambda: "learning_rate=0.15" in page.url)
    first.press("Step")
    legend = page.locator(".card[aria-label=Loss] .legendtext")
    first.until(lambda: sorted(legend.all_text_contents()) == ["A", "guessing", "test", "train"])
    sentence = page.locator(".card[aria-label=Loss] figcaption p").inner_text()
    assert sentence.endswith("A: learning rate 0.1.")
    page.get_by_role("figure", name="Loss", exact=True).get_by_role("button", name="Enlarge").click()
    first.until(lambda: "A: learning rate 0.1" in legend.all_text_contents())
    assert "A" not in page.locator(".card[aria-label=Accuracy] .legendtext").all_text_contents()
