"""The middleware: the cookie, security headers, and the limit on uploaded files."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from mlpviz.live import uploads as uploads_module
from mlpviz.live.security import Security
from mlpviz.live.serving import MIDDLEWARE
from mlpviz.live.uploads import MOST, UploadLimit
from mlpviz.live.visitor import COOKIE, VisitorCookie
from mlpviz.options import FRAMES

KEPT = "k" * 32
MONTH = 60 * 60 * 24 * 30


@pytest.fixture
def client():
    def index(request):
        if "if-none-match" in request.headers:
            return Response(status_code=304)
        return HTMLResponse("<p>the page</p>")

    async def other(request):
        return PlainTextResponse("something")

    names = ("/_stcore/metrics", "/_stcore/health", "/live/board/board.js")
    routes = [Route("/", index), *(Route(name, other) for name in names)]
    return TestClient(Starlette(routes=routes, middleware=MIDDLEWARE))


# the cookie


def cookie_of(answer):
    name, _, rest = answer.headers["set-cookie"].partition("=")
    value, *parts = rest.split("; ")
    assert name == COOKIE
    return value, parts


def test_each_browser_gets_its_own_cookie_which_no_script_can_read(client):
    value, parts = cookie_of(client.get("/"))
    assert set(parts) == {"Path=/", f"Max-Age={MONTH}", "HttpOnly", "SameSite=Lax"}
    client.cookies.clear()
    assert cookie_of(client.get("/"))[0] != value and len(value) >= 32


def test_each_visit_renews_the_cookie(client):
    answer = client.get("/", headers={"cookie": f"{COOKIE}={KEPT}"})
    assert cookie_of(answer) == (KEPT, ["Path=/", f"Max-Age={MONTH}", "HttpOnly", "SameSite=Lax"])


def test_a_page_in_the_browsers_cache_brings_the_cookie_too(client):
    """The answer to a reload is “not modified”. It has no content, and so it has no type."""
    asked = {"if-none-match": "x", "accept": "text/html,application/xhtml+xml"}
    client = TestClient(VisitorCookie(client.app.router))  # the server itself does without: see `FirstPaint`
    assert client.get("/", headers=asked).status_code == 304
    assert len(cookie_of(client.get("/", headers=asked))[0]) >= 32
    assert "set-cookie" not in client.get("/", headers=asked | {"accept": "image/png"}).headers


@pytest.mark.parametrize("others", ['theme={"a":1}; ', "a b=c; ", "x; "])
def test_another_sites_cookies_do_not_hide_ours(client, others):
    assert cookie_of(client.get("/", headers={"cookie": f"{others}{COOKIE}={KEPT}"}))[0] == KEPT


@pytest.mark.parametrize("value", ["", "short", "a" * 65, "no spaces please here", "<script>alert(1)</script>"])
def test_a_value_that_is_not_ours_is_replaced(client, value):
    found = cookie_of(client.get("/", headers={"cookie": f"{COOKIE}={value}"}))[0]
    assert found != value and re.fullmatch(r"[\w-]{32}", found)


@pytest.mark.parametrize("headers", [{}, {"x-forwarded-proto": "https"}, {"x-forwarded-proto": "https, http"}])
def test_over_https_the_cookie_works_in_a_frame_on_another_site(client, headers):
    address = "http://testserver/" if headers else "https://testserver/"
    _, parts = cookie_of(client.get(address, headers=headers))
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(parts)


def test_the_cookie_comes_only_with_the_page(client):
    assert "set-cookie" not in client.get("/live/board/board.js").headers


# security


def test_each_answer_has_security_headers(client):
    for address in ("/", "/live/board/board.js", "/nothing"):
        headers = client.get(address).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-frame-options"] == "SAMEORIGIN"


def test_a_setting_lets_a_course_page_show_it_in_a_frame(monkeypatch):
    monkeypatch.setenv(FRAMES, "https://course.example.org, https://*.school.example")
    client = TestClient(Starlette(middleware=[Middleware(Security)]))
    headers = client.get("/").headers
    expected = "frame-ancestors 'self' https://course.example.org https://*.school.example"
    assert headers["content-security-policy"] == expected and "x-frame-options" not in headers


@pytest.mark.parametrize("address", ["/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"])
def test_the_servers_statistics_are_private(client, address):
    assert client.get(address).status_code == 404
    assert client.get("/_stcore/health").status_code == 200


# uploads


@pytest.fixture
def uploads():
    """A server with the limit that keeps files like Streamlit. Returns a function to send, and the kept files."""
    kept = []

    async def file(request):
        path = request.url.path
        if request.headers["x-xsrftoken"] != "t":
            return Response(status_code=403)
        await request.body()
        if request.method == "PUT":
            if int(request.headers["content-length"]) > 100:
                return Response(status_code=413)
            kept.append(path)
        else:
            kept.remove(path)
        return Response(status_code=204)

    routes = [Route("/_stcore/upload_file/{session}/{file}", file, methods=["PUT", "DELETE"])]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(UploadLimit)]))

    def send(method, session, name, cookie="", size=10, token="t"):
        headers = {"x-xsrftoken": token} | ({"cookie": f"{COOKIE}={cookie}"} if cookie else {})
        return client.request(method, f"/_stcore/upload_file/{session}/{name}", content=b"x" * size, headers=headers)

    return send, kept


def names(kept):
    return [path.rsplit("/", 1)[1] for path in kept]


def test_a_visitors_oldest_file_is_deleted_when_there_are_too_many(uploads):
    send, kept = uploads
    for i in range(10):
        assert send("PUT", f"session {i}", str(i), KEPT).status_code == 204
    assert names(kept) == [str(i) for i in range(10 - MOST, 10)]
    send("PUT", "another", "other", "o" * 32)
    assert len(kept) == MOST + 1, "another visitor's files count separately"


def test_without_a_cookie_the_session_counts(uploads):
    send, kept = uploads
    for session in ("one", "two"):
        for i in range(MOST + 2):
            send("PUT", session, f"{session}{i}")
    assert len(kept) == 2 * MOST


def test_what_the_page_removes_itself_is_not_removed_again(uploads):
    send, kept = uploads
    for i in range(20):
        send("PUT", "session", str(i), KEPT)
        send("DELETE", "session", str(i), KEPT)
    assert kept == []


def test_a_refused_upload_does_not_count(uploads):
    send, kept = uploads
    send("PUT", "session", "first", KEPT)
    for i in range(10):
        assert send("PUT", "session", str(i), KEPT, size=200).status_code == 413
    assert names(kept) == ["first"]


def test_a_refused_delete_changes_nothing(uploads):
    send, kept = uploads
    for i in range(20):
        send("PUT", "session", str(i), KEPT)
        assert send("DELETE", "session", str(i), KEPT, token="wrong").status_code == 403
    assert len(kept) == MOST


def test_if_all_files_are_too_large_the_visitor_with_most_bytes_loses_the_oldest(uploads, monkeypatch):
    """The pictures of a class stay, even if somebody else uploads many files with invented cookies."""
    send, kept = uploads
    monkeypatch.setattr(uploads_module, "MOST_BYTES", 1500)
    for i in range(100):
        send("PUT", "class", f"student{i}", f"{i:032}", size=10)
    for i in range(50):
        send("PUT", "session", f"large{i}", f"x{i:031}", size=90)
    assert sum(name.startswith("student") for name in names(kept)) == 100
    assert sum(name.startswith("large") for name in names(kept)) == 5
