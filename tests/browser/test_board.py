"""What lives: only a real browser shows it."""

import signal

import pytest

from benchmarks.browser import PROBE
from benchmarks.ports import free_port
from tests.browser.conftest import Board

BUTTONS = ("Start", "Step", "Epoch", "Reset")
FIGURES = (
    "Loss",
    "Accuracy",
    "Gradient norms",
    "Weights",
    "Update ratio",
    "Dead units",
    "First-layer weights",
)
LATE = """(() => {
  const add = WebSocket.prototype.addEventListener;
  WebSocket.prototype.addEventListener = function (kind, listener, ...more) {
    const later = (event) => setTimeout(() => listener.call(this, event), window.late ?? 0);
    return add.call(this, kind, kind === "message" ? later : listener, ...more);
  };
})()"""  # the page hears its server window.late milliseconds later


def test_the_idle_page_shows_step_0(url, board, page):
    board.open(url)
    assert board.step() == 0
    for name in BUTTONS:
        assert page.get_by_role("button", name=name, exact=True).is_visible()
    for name in FIGURES:
        figure = page.get_by_role("figure", name=name, exact=True)
        assert len(figure.locator("figcaption p").inner_text()) > 15
    assert "2.3" in page.get_by_role("figure", name="Loss", exact=True).locator("figcaption p").inner_text()
    assert page.locator(".board .tiles canvas").count() == 24


def test_nothing_is_wider_than_the_window_and_no_figure_is_tiny(url, board, page):
    board.open(url)
    for width, height in ((1440, 900), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(500)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0
        sizes = page.locator(".board .plot").evaluate_all("all => all.map((e) => [e.clientWidth, e.clientHeight])")
        assert min(w for w, _ in sizes) >= 200 and min(h for _, h in sizes) >= 150


def test_start_lowers_the_loss_on_real_data_and_pause_holds_it_still(url, board, page):
    board.open(url)
    board.press("Step")
    board.until(lambda: board.step() == 1)
    first = board.loss()
    board.press("Start")
    board.until(lambda: board.step() >= 60)
    board.press("Pause")
    page.get_by_role("button", name="Start", exact=True).wait_for()
    board.until(lambda: board.status() == "paused")
    assert board.loss() < 0.7 * first
    step = board.step()
    page.wait_for_timeout(1500)
    assert board.step() == step and board.status() == "paused"


def test_step_adds_exactly_one_by_button_and_by_key(url, board, page):
    board.open(url)
    for expected in (1, 2):
        board.press("Step")
        board.until(lambda e=expected: board.step() == e)
    page.keyboard.press("s")
    board.until(lambda: board.step() == 3)
    page.wait_for_timeout(1000)
    assert board.step() == 3


def test_a_finished_epoch_brings_the_start_button_back_by_itself(url, board, page):
    board.open(url + "?dataset=fashion-mnist-mini&epochs=1")
    page.keyboard.press("p")
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    page.get_by_role("button", name="1 more epoch").wait_for()
    board.until(lambda: board.status() == "finished")
    assert board.step() == 40
    page.get_by_role("button", name="1 more epoch").click()
    board.until(lambda: board.step() == 80)


def test_a_page_that_has_not_heard_of_new_epochs_does_not_set_back_the_old_ones(url, board, page):
    page.add_init_script(LATE)
    board.open(url + "?dataset=fashion-mnist-mini&epochs=10")
    board.press("Start")
    page.get_by_role("button", name="10 more epochs").wait_for()
    page.wait_for_timeout(1000)
    page.evaluate("window.late = 1500")
    page.get_by_role("button", name="10 more epochs").click()
    board.until(lambda: board.step() == 800)
    page.get_by_role("button", name="20 more epochs").wait_for()


def test_a_changed_learning_rate_shows_in_the_curves_and_the_address(url, board, page):
    board.open(url)
    board.press("Step")
    board.until(lambda: board.step() == 1)
    page.get_by_role("slider", name="Learning rate").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**learning_rate=0.15**")
    board.press("Step")
    board.until(lambda: board.step() == 2)
    marks = page.locator(".board .card .annotation-text")
    assert "learning rate 0.1 → 0.15" in marks.all_text_contents()


def test_nothing_is_remounted_and_zoom_legend_and_scale_survive(url, board, page):
    board.open(url + "?epochs=1000")
    loss = page.get_by_role("figure", name="Loss", exact=True)
    board.press("Start")
    board.until(lambda: board.step() > 30)
    page.evaluate(PROBE)
    loss.get_by_role("button", name="log scale").click()
    loss.locator(".legendtoggle").nth(1).click()
    page.wait_for_timeout(600)  # Plotly waits for a second click first
    box = loss.locator(".nsewdrag").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.9 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_timeout(700)
    layout = """() => {
        const { xaxis, yaxis } = document.querySelector("[aria-label=Loss] .plot").layout;
        return [xaxis.range, yaxis.type];
    }"""
    before = page.evaluate(layout)
    refreshes = int(board.root.get_attribute("data-refreshes"))
    page.locator("summary", has_text="Network").click()
    page.get_by_role("slider", name="Learning rate").focus()
    page.keyboard.press("ArrowLeft")
    board.until(lambda: int(board.root.get_attribute("data-refreshes")) >= refreshes + 4)
    assert page.evaluate(layout) == before and before[1] == "log"
    hidden = "() => document.querySelector('[aria-label=Loss] .plot').calcdata.map((d) => d[0].trace.visible)"
    assert "legendonly" in page.evaluate(hidden)
    probe = page.evaluate("window.probe")
    assert probe["remounts"] == 0 and probe["missing"] == 0 and probe["frames"] > 20


def test_the_gradients_take_the_weights_place(url, board, page):
    board.open(url)
    board.press("Step")
    board.until(lambda: board.step() == 1)
    page.get_by_role("button", name="gradients", exact=True).click()
    page.get_by_role("figure", name="Gradients", exact=True).wait_for()
    page.get_by_role("button", name="gradients", exact=True).click()
    page.get_by_role("figure", name="Weights", exact=True).wait_for()


def test_a_reload_finds_its_run_and_somebody_elses_browser_does_not(url, board, page, browser, context):
    board.open(url + "?epochs=1000&learning_rate=0.05")
    board.press("Start")
    board.until(lambda: board.step() > 20)
    step = board.step()
    address = page.url
    board.open(address)
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    assert board.step() >= step and page.url == address
    cookie = next(c for c in context.cookies() if c["name"] == "mlpviz_visitor")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    stranger = browser.new_context()
    other = Board(stranger.new_page()).open(address)
    assert other.step() == 0
    other.page.get_by_role("button", name="Start", exact=True).wait_for()
    assert "learning_rate=0.05" in other.page.url and other.page.url != address
    stranger.close()


def test_an_audience_sees_the_run_and_no_controls(url, board, page, browser):
    board.open(url + "?epochs=1000")
    board.press("Start")
    page.locator("summary", has_text="Share").click()
    link = page.locator("code", has_text="watch=").inner_text()
    audience = browser.new_context()
    seat = Board(audience.new_page()).open(link)
    board.until(lambda: seat.step() > 20)
    assert seat.page.get_by_role("button", name="Pause", exact=True).count() == 0
    audience.close()


def test_divergence_is_named(url, board, page):
    board.open(
        url + "?dataset=fashion-mnist-mini&hidden_sizes=16-16-16&activation=leaky_relu&init_std=1&learning_rate=1"
    )
    board.press("Start")
    page.get_by_text("Overflow. At update").first.wait_for()
    page.get_by_role("button", name="Start", exact=True).wait_for()
    board.until(lambda: board.status() == "paused")


def test_a_lost_connection_says_so_and_comes_back_and_a_lost_run_says_so(
    start_server, board, page, context, complaints
):
    port = free_port()
    server = start_server(port)
    board.open(f"http://localhost:{port}/")
    server.send_signal(signal.SIGSTOP)  # a hung server: the connection stays, no answer comes
    page.get_by_text("Connection lost").wait_for(timeout=20_000)
    server.send_signal(signal.SIGCONT)
    page.get_by_text("Connection lost").wait_for(state="hidden", timeout=20_000)
    page.locator("summary", has_text="Share").click()
    seat = context.new_page()
    seat.goto(page.locator("code", has_text="watch=").inner_text())
    seat.wait_for_selector(".board[data-step]", timeout=60_000)
    server.terminate()
    server.wait(20)
    page.get_by_text("Connection lost").wait_for(timeout=20_000)
    start_server(port)
    seat.get_by_text("This run is no longer on the server").wait_for(timeout=30_000)
    board.until(lambda: board.step() == 0 and not page.get_by_text("Connection lost").is_visible(), 60)
    complaints.clear()  # the browser reports each refused fetch


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(url, browser, scheme):
    context = browser.new_context(color_scheme=scheme)
    board = Board(context.new_page()).open(url)
    color = board.root.evaluate("e => getComputedStyle(e).color")
    bright = sum(int(part) for part in color[4:-1].split(",")[:3]) > 380
    assert bright == (scheme == "dark")
    tick = board.page.locator(".board .xtick text").first.evaluate("e => getComputedStyle(e).fill")
    assert tick == color, "the figures' text has the page's colour"
    context.close()


def test_back_and_forward_walk_through_the_views_and_not_through_the_moves_of_a_slider(url, board, page):
    board.open(url + "?dataset=fashion-mnist-mini")
    chosen = page.locator("[role=radio][aria-checked=true], button[data-selected=true]").first

    def shows(view: str) -> bool:
        return chosen.inner_text() == view and (view == "Watch" or f"view={view.lower()}" in page.url)

    page.get_by_role("radio", name="Stability", exact=True).click()
    board.until(lambda: shows("Stability"))
    slider = page.get_by_role("slider", name="Learning rate")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(700)
    board.until(lambda: "learning_rate" in page.url)
    rate = slider.get_attribute("aria-valuetext")
    page.go_back()
    board.until(lambda: shows("Watch"))
    assert "mlpviz" in page.title() and slider.get_attribute("aria-valuetext") == rate, "the setting stays"
    page.go_forward()
    board.until(lambda: shows("Stability"))
