"""The film of a run: on the page at rest, in one file without a server, and as a video."""

import re

import numpy as np
import pytest
from PIL import Image

from mlpviz.export.html import film_page
from mlpviz.runs.publishing import take_film
from mlpviz.runs.run import Run
from tests.browser.conftest import Board
from tests.browser.test_accessible import violations
from tests.runs.working import SMALL, work_off

ADDRESS = "?dataset=fashion-mnist-mini&epochs=3"


@pytest.fixture
def finished(board, url):
    board.open(url + ADDRESS)
    board.press("Start")
    board.until(lambda: board.status() == "finished")
    board.page.locator(".timeline.on").wait_for()
    return board


def slider(page):
    return page.get_by_role("slider", name="Moment of the run")


def sentence(page, figure):
    return page.get_by_role("figure", name=figure, exact=True).locator("figcaption p").inner_text()


def pictures(page):
    return page.locator(".tiles canvas, .network canvas").evaluate_all("all => all.map((e) => e.toDataURL())")


def later(page):
    """How many faint lines the figure of the loss has."""
    loss = page.get_by_role("figure", name="Loss", exact=True)
    return loss.locator(".plot").evaluate("plot => plot.data.filter((trace) => trace.meta === 'later').length")


def at(page):
    return slider(page).get_attribute("aria-valuetext")


def go_back(board, times=1):
    for _ in range(times):
        slider(board.page).press("ArrowLeft")
    board.until(lambda: at(board.page).split(".")[0] == f"Step {board.step()}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_timeline_moves_the_whole_board_and_comes_back(finished, scheme):
    page = finished.page
    page.emulate_media(color_scheme=scheme)
    page.wait_for_timeout(1500)
    values = page.locator(".strip .values")
    now = values.inner_text(), sentence(page, "Loss"), sentence(page, "Weights"), pictures(page)
    top = page.locator(".cards").bounding_box()["y"]
    go_back(finished, 3)
    assert page.locator(".strip .status").inner_text() == f"At step {finished.step()}"
    then = values.inner_text(), sentence(page, "Loss"), sentence(page, "Weights"), pictures(page)
    assert all(a != b for a, b in zip(now, then, strict=True)), "everything is of another moment"
    assert later(page) > 0, "what comes later is faint"
    assert page.locator(".cards").bounding_box()["y"] == top, "nothing moves down"
    assert violations(page) == []
    page.get_by_role("button", name="Live", exact=True).click()
    finished.until(lambda: finished.step() == 120)
    assert (values.inner_text(), sentence(page, "Loss"), sentence(page, "Weights"), pictures(page)) == now
    assert later(page) == 0


def test_it_plays_to_the_end_and_the_keys_work(finished):
    page = finished.page
    page.keyboard.press("k")
    finished.until(lambda: finished.step() < 20)
    page.get_by_role("button", name="Stop the film").wait_for()
    finished.until(lambda: finished.step() == 120)
    page.get_by_role("button", name="Play the film").wait_for()
    page.keyboard.press("j")
    finished.until(lambda: finished.step() < 120)
    page.keyboard.press("l")
    finished.until(lambda: finished.step() == 120)
    assert at(page).startswith("Live, step 120")


def test_the_marks_say_what_happened(finished):
    titles = finished.page.locator(".marks .test").evaluate_all("all => all.map((e) => e.title)")
    assert [re.match(r"Step (\d+): test loss [\d.]+, accuracy [\d.]+ %", title)[1] for title in titles] == [
        "0",
        "40",
        "80",
        "120",
    ]


def test_a_run_that_goes_on_shows_the_present(finished):
    page = finished.page
    go_back(finished, 4)
    finished.press("3 more epochs")
    finished.until(lambda: finished.step() > 120)
    assert page.locator(".timeline.on").count() == 0 or finished.status() == "finished"
    finished.until(lambda: finished.status() == "finished")
    page.locator(".timeline.on").wait_for()
    assert at(page).startswith("Live, step 240")


def test_another_step_shows_the_present(board, url):
    board.open(url + ADDRESS + "&speed=20")
    board.press("Start")
    board.until(lambda: board.step() > 10)
    board.press("Pause")
    board.page.locator(".timeline.on").wait_for()
    board.until(lambda: at(board.page).startswith(f"Live, step {board.step()}"))
    step = board.step()
    go_back(board, 2)
    board.press("Step")
    board.until(lambda: board.step() == step + 1)
    assert at(board.page).startswith("Live")


def test_the_place_is_found_again_after_another_view(finished):
    page = finished.page
    go_back(finished, 3)
    step = finished.step()
    page.get_by_role("radio", name="Line by line").click()
    page.get_by_role("radio", name="Step 0").wait_for()
    page.get_by_role("radio", name="Watch").click()
    finished.until(lambda: finished.step() == step)
    assert page.locator(".strip .status").inner_text() == f"At step {step}"


def test_a_mark_leads_to_its_moment_and_tells_what_it_is(finished):
    page = finished.page
    page.locator(".marks .test").nth(1).click()
    finished.until(lambda: finished.step() == 43)
    assert at(page).startswith("Step 43. test loss") and at(page).endswith("at step 40")


def test_a_moment_that_can_not_be_fetched_is_told(finished, complaints):
    page = finished.page
    page.route("**/live/*/at/*", lambda route: route.fulfill(status=404))
    slider(page).press("ArrowLeft")
    page.get_by_text("That moment could not be fetched.").wait_for()
    page.wait_for_timeout(1500)
    assert page.get_by_text("That moment could not be fetched.").is_visible(), "the next answer of the run keeps it"
    assert finished.step() == 120 and at(page).startswith("Live")
    page.unroute("**/live/*/at/*")
    go_back(finished)
    page.get_by_text("That moment could not be fetched.").wait_for(state="hidden")
    complaints.clear()  # the browser complains of the request that failed


def test_a_figures_film_is_saved_as_a_video(finished):
    page = finished.page
    figure = page.get_by_role("figure", name="Loss", exact=True)
    figure.locator(".enlarge").click()
    with page.expect_download(timeout=60_000) as download:
        figure.get_by_role("button", name="Save the film of this figure as a video, Video").click()
    assert download.value.suggested_filename == "mlpviz-loss.webm"
    assert download.value.path().read_bytes()[:4] == b"\x1a\x45\xdf\xa3", "Matroska, which WebM is"


@pytest.mark.parametrize("name", ["Network", "First-layer weights"])
def test_a_drawing_is_saved_as_a_picture_and_its_film_as_a_video(finished, name):
    page = finished.page
    go_back(finished, 2)
    figure = page.get_by_role("figure", name=name, exact=True)
    if name == "Network":
        figure.locator(".enlarge").click()
    before = figure.locator("figcaption p").inner_text()
    with page.expect_download() as picture:
        figure.get_by_role("button", name="Save the figure as a picture, PNG").click()
    image = np.asarray(Image.open(picture.value.path()).convert("RGB"))
    assert image.shape == (676, 1200, 3) and tuple(image[-1, -1]) == (255, 255, 255)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 100, "there is something on it"
    with page.expect_download(timeout=60_000) as video:
        figure.get_by_role("button", name="Save the film of this figure as a video, Video").click()
    assert video.value.path().read_bytes()[:4] == b"\x1a\x45\xdf\xa3"
    assert figure.locator("figcaption p").inner_text() == before


def test_the_page_gives_the_film_as_one_file(finished):
    page = finished.page
    page.get_by_text("Share", exact=True).click()
    with page.expect_download(timeout=30_000) as download:
        page.get_by_role("button", name="Film", exact=True).click()
    text = download.value.path().read_text()
    assert text.startswith("<!DOCTYPE html>") and len(text) < 8_000_000 and '"104"' not in text


@pytest.fixture(scope="module")
def file(tmp_path_factory, mini):
    run = Run(SMALL.replace(dataset="fashion-mnist-mini", batch_size=256, epochs=3), mini)
    run.start()
    work_off(run)
    path = tmp_path_factory.mktemp("film") / "film.html"
    path.write_bytes(film_page(take_film(run)))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_file_plays_from_a_disk_and_asks_nobody(page, file, scheme):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    board = Board(page)
    page.wait_for_selector(".board[data-step] .card .main-svg", timeout=60_000)
    board.until(lambda: board.step() == 0)
    first = sentence(page, "Loss"), pictures(page)
    assert page.get_by_text("Loading…").count() == 0
    page.keyboard.press("k")
    board.until(lambda: board.step() == 120)
    now = sentence(page, "Loss"), pictures(page)
    assert now[0] != first[0] and now[1] != first[1]
    assert page.get_by_role("button", name="End", exact=True).get_attribute("aria-disabled") == "true"
    go_back(board, 3)
    assert page.locator(".strip .status").inner_text() == f"At step {board.step()}"
    page.get_by_role("button", name="End", exact=True).press("Enter")
    board.until(lambda: board.step() == 120)
    assert (sentence(page, "Loss"), pictures(page)) == now
    assert page.evaluate("document.activeElement.className") == "live", "the focus is not lost"
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert violations(page) == []
