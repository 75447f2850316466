"""The page in a frame on another site, as on a course page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.ports import free_port
from tests.waiting import until


@pytest.fixture
def course() -> Iterator[ThreadingHTTPServer]:
    """A site of its own, 127.0.0.1 and not localhost, with a page whose frame shows `course.shows`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{self.server.shows}" width="1300" height="800"></iframe>'.encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_reload_of_the_course_page_keeps_the_run(start_server, course, context, page):
    """The frame forgets its address, so the cookie has to find the run. A proxy says that it speaks HTTPS."""
    address, port = f"http://127.0.0.1:{course.server_port}/", free_port()
    start_server(port, MLPVIZ_FRAMES=address.rstrip("/"))
    course.shows = f"http://localhost:{port}/?embed=true"
    context.set_extra_http_headers({"x-forwarded-proto": "https"})
    page.goto(address)
    board = page.frame_locator("iframe").locator(".board")
    board.locator(".main-svg").first.wait_for(timeout=60_000)
    page.frame_locator("iframe").get_by_role("button", name="Step", exact=True).click()
    until(lambda: page.wait_for_timeout(100) or board.get_attribute("data-step") == "1")
    page.reload()
    board.locator(".main-svg").first.wait_for(timeout=60_000)
    until(lambda: page.wait_for_timeout(100) or board.get_attribute("data-step") == "1")
    (cookie,) = [each for each in context.cookies(course.shows) if each["name"] == "mlpviz_visitor"]
    assert cookie["secure"] and cookie["sameSite"] == "None" and cookie["partitionKey"]


def test_no_other_site_may_show_it(url, course, page, complaints):
    course.shows = url
    page.goto(f"http://127.0.0.1:{course.server_port}/")
    until(lambda: page.wait_for_timeout(100) or any("frame-ancestors" in text for text in complaints))
    assert page.frame_locator("iframe").locator(".board").count() == 0
    complaints.clear()
