"""The view “Test images” in a real browser."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

VIEW = "?view=test-images&dataset=fashion-mnist-mini&batch_size=100&init=kaiming"


@pytest.fixture
def images(url, page, board):
    """The view after one epoch."""
    page.goto(url + VIEW)
    page.wait_for_selector(".board[data-step='0']", timeout=60_000)
    board.root = page.locator(".st-key-strip .board")
    board.press("Epoch")
    page.get_by_text("Evaluation after step 100.").wait_for()
    page.locator(".gallery button").first.wait_for()
    return board


def test_at_step_0_the_first_evaluation_appears_by_itself(url, page):
    page.goto(url + VIEW)
    page.get_by_text("Evaluation after step 0.").wait_for()
    page.locator(".gallery button").first.wait_for()


def test_the_tiles_are_cut_from_one_picture(images, page):
    tiles = page.locator(".gallery button")
    assert tiles.count() == 48
    pictures = tiles.locator("i").evaluate_all("all => all.map((e) => getComputedStyle(e).backgroundImage)")
    assert len(set(pictures)) == 1 and pictures[0].startswith('url("data:image/png;base64,')
    label = tiles.first.get_attribute("aria-label")
    assert re.fullmatch(r".+, predicted as .+, confidence \d+ %", label)


def test_a_tile_shows_the_image_of_its_number(images, page, mini):
    """A screenshot of a tile against the dataset's own pixels."""
    tile = page.locator(".gallery button").first
    index = int(tile.get_attribute("data-index"))
    style = "e.style.cssText += 'width: 28px; height: 28px; border: 0; border-radius: 0'"
    tile.locator("i").evaluate(f"(e) => {{ {style} }}")
    shot = Image.open(io.BytesIO(tile.locator("i").screenshot())).convert("L").resize((28, 28))
    found = np.asarray(shot, dtype=float)
    expected = mini.test.images[index].numpy().astype(float)
    others = [np.abs(found - other).mean() for other in mini.test.images[:200].numpy().astype(float)]
    assert np.abs(found - expected).mean() <= min(others) + 1e-9


TILES = "[...document.querySelectorAll('.gallery button')]"


def all_are(page, name: str) -> None:
    """Wait until all tiles are of these classes, and the gallery is on the screen."""
    page.wait_for_function(f"{TILES}.every((e) => e.getAttribute('aria-label').startsWith('{name}'))")
    page.wait_for_function("document.querySelector('.gallery').getBoundingClientRect().top < innerHeight - 100")


def test_a_click_on_a_cell_says_what_it_found_and_brings_the_gallery(images, page):
    page.locator(".st-key-confusion .points path").first.wait_for(state="attached")
    page.locator(".st-key-confusion .plot").scroll_into_view_if_needed()
    assert page.locator(".st-key-confusion .plot").bounding_box()["height"] == 470, "each cell is large enough"
    page.wait_for_timeout(1500)  # until the page stands still
    box = page.locator(".st-key-confusion .points path").nth(6 * 10).bounding_box()  # Shirt, predicted as T-shirt/top
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("location.search.includes('images_true=6')")
    assert "images_predicted=0" in page.url
    all_are(page, "Shirt, predicted as T-shirt")
    found = page.get_by_text(re.compile(r"images? of Shirt, predicted as T-shirt/top; page 1"))
    assert (
        int(re.match(r"[\d,]+", found.inner_text()).group().replace(",", "")) >= page.locator(".gallery button").count()
    )
    y = found.bounding_box()["y"]
    assert 0 <= y < 900, "the sentence can be seen"


def test_the_keyboard_reaches_the_cells_of_the_matrix(images, page):
    plot = page.locator(".st-key-confusion .plot")
    plot.focus()
    for key in ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"]:
        page.keyboard.press(key)
    spoken = page.locator(".st-key-confusion .spoken").inner_text()
    assert re.fullmatch(r"Pullover, predicted as Pullover: [\d,]+ of 200", spoken)
    page.keyboard.press("Enter")
    page.wait_for_function("location.search.includes('images_true=2')")
    assert "images_predicted=2" in page.url and "images_kind=right" in page.url
    all_are(page, "Pullover, predicted correctly")
    frame = page.locator(".st-key-confusion .shapelayer path")
    images.until(lambda: frame.count() == 11)  # ten on the diagonal, and the chosen one


def test_no_second_plotly_is_loaded_and_no_picture_of_all_images(images, page):
    loaded = page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)")
    assert any("live/plotly-" in name for name in loaded)
    assert not [name for name in loaded if re.search("PlotlyChart|SyntaxHighlighter|sprite", name)]
    picture = page.evaluate("getComputedStyle(document.querySelector('.gallery i')).backgroundImage")
    assert len(picture) < 60_000, "a page of the gallery"


def test_the_keyboard_reaches_every_tile_and_opens_one(images, page):
    page.locator(".gallery button").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    at = page.evaluate("[...document.querySelectorAll('.gallery button')].indexOf(document.activeElement)")
    assert at > 5
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    for tab, part in (
        ("History", "The probability of the true class"),
        ("Contributions", "The bars add up"),
        ("Flip the prediction", "the gradient"),
    ):
        dialog.get_by_text(tab, exact=True).click()
        dialog.get_by_text(part).first.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_it_follows_the_run_and_can_be_held_still(images, page):
    images.press("Epoch")
    page.get_by_text("Evaluation after step 200.").wait_for()
    page.get_by_text("Follow the run").click()
    page.wait_for_timeout(500)
    images.press("Epoch")
    images.until(lambda: images.step() == 300)
    page.wait_for_timeout(1500)
    assert page.get_by_text("Evaluation after step 200.").is_visible()


def test_a_unit_can_be_switched_off(images, page):
    page.get_by_text("Hidden units", exact=True).first.click()
    page.get_by_text("units of hidden layer 1").wait_for()
    page.get_by_text("Switch this unit off").click()
    page.get_by_text("Accuracy with this unit").wait_for()


def test_a_drawing_and_an_upload(images, page, tmp_path):
    page.get_by_text("Your own image").click()
    canvas = page.locator(".drawing canvas")
    canvas.wait_for()
    page.wait_for_timeout(1000)  # until the page stands still
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 220, steps=8)
    page.mouse.up()
    page.get_by_text("the network predicts").wait_for()
    page.locator(".drawing button[name=clear]").click()
    page.get_by_text("Draw a garment").wait_for()
    page.locator(".drawing button[name=undo]").click()
    page.get_by_text("the network predicts").wait_for()
    page.locator(".drawing button[name=clear]").click()
    page.get_by_text("Draw a garment").wait_for()
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert not page.get_by_text("the network predicts").count(), "without Shift, the pen only moves"
    for key in ["Shift+ArrowDown", "Shift+ArrowDown", "Space"]:
        page.keyboard.press(key)
    page.get_by_text("the network predicts").wait_for()
    page.get_by_text("Upload", exact=True).click()
    picture = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(picture).rectangle([200, 100, 400, 400], fill=(40, 40, 60))
    picture.save(tmp_path / "coat.jpg")
    page.locator("input[type=file]").set_input_files(tmp_path / "coat.jpg")
    page.get_by_text("what the network sees").wait_for()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    page.locator("input[type=file]").set_input_files(tmp_path / "broken.png")
    page.get_by_text("can’t be read as a PNG or JPEG").wait_for()


def test_the_table_can_be_taken_along(images, page):
    with page.expect_download() as table:
        images.press("Download the table (CSV)")
    assert table.value.path().read_text().startswith("index,true,predicted")


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_nothing_overflows(images, page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for part in ("The whole test set", "Hidden units", "Your own image"):
        page.get_by_text(part, exact=True).first.click()
        page.wait_for_timeout(1200)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
