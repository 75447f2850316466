"""Files are compressed once, and the page says at once that it is loading."""

import gzip
import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from mlpviz.live.compression import Compression
from mlpviz.live.first_paint import FIRST, MODULES, FirstPaint
from mlpviz.live.routes import BOARD, PLOTLY, PLOTLY_URL, ROUTES

PAGE = "<html><head><title>mlpviz</title></head><body></body></html>"
asked: list[str] = []


def script(request):
    asked.append(request.url.path)
    headers = {"Set-Cookie": "a=1"} if "cookie" in request.url.path else {}
    if "conditional" in request.url.path and "if-none-match" in request.headers:
        return Response(status_code=304)
    small = "short" in request.url.path
    return Response("let a = 1;" * (1 if small else 1000), media_type="text/javascript", headers=headers)


def page(request):
    if "if-none-match" in request.headers:
        return Response(status_code=304)
    return HTMLResponse(PAGE, headers={"ETag": "x"}) if "text" in request.url.path else JSONResponse({"page": PAGE})


@pytest.fixture
def client():
    asked.clear()
    routes = [
        Route("/static/{name}", script),
        Route("/live/{token}", script),
        Route("/text", page),
        Route("/json", page),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Compression), Middleware(FirstPaint)])
    return TestClient(app, headers={"Accept-Encoding": "gzip"})


def test_a_file_is_compressed_once_for_all(client):
    first, second = client.get("/static/a.js"), client.get("/static/a.js")
    for answer in (first, second):
        assert answer.text == "let a = 1;" * 1000
        assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "Accept-Encoding"
        assert int(answer.headers["content-length"]) < 200
    assert asked == ["/static/a.js"]


@pytest.mark.parametrize("path", ["/static/short.js", "/static/cookie.js", "/live/token"])
def test_what_is_small_or_personal_or_changes_is_left_alone(client, path):
    for _ in range(2):
        assert "content-encoding" not in client.get(path).headers
    assert asked == [path, path]


def test_nobody_gets_what_they_did_not_ask_for(client):
    client.get("/static/a.js")
    plain = client.get("/static/a.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == "let a = 1;" * 1000 and "content-encoding" not in plain.headers
    assert client.get("/static/conditional.js", headers={"If-None-Match": "x"}).status_code == 304
    assert client.head("/static/a.js").headers.get("content-encoding") is None


def test_plotly_arrives_compressed_and_whole():
    app = Starlette(routes=ROUTES, middleware=[Middleware(Compression)])
    answer = TestClient(app).get(f"/{PLOTLY_URL}")
    assert answer.content == PLOTLY.read_bytes()
    assert int(answer.headers["content-length"]) <= 1.05 * len(gzip.compress(PLOTLY.read_bytes(), 9))


def test_the_page_says_that_it_is_loading_and_what_it_needs(client):
    answer = client.get("/text", headers={"Accept": "text/html"})
    assert answer.content == PAGE.encode().replace(b"</head>", FIRST + b"</head>")
    assert int(answer.headers["content-length"]) == len(answer.content)
    data = client.get("/json", headers={"Accept": "text/html"})
    assert data.json() == {"page": PAGE}
    assert client.get("/text", headers={"Accept": "*/*"}).text == PAGE


def test_all_that_is_preloaded_is_needed_and_exists():
    needed, new = {"board.js"}, ["board.js"]
    while new:
        source = (BOARD / new.pop()).read_text()
        found = set(re.findall(r'^import .* from "\./([\w.]+)";', source, re.MULTILINE)) - needed
        needed, new = needed | found, [*new, *found]
    assert set(MODULES) == needed


def test_a_browser_that_goes_away_leaves_no_half_file():
    """Then Starlette's file answer ends quietly, before all of the file was sent."""
    content, parts = b"let a = 1;" * 1000, [[b"let a = 1;" * 500], [b"let a = 1;" * 500] * 2]

    async def file(scope, receive, send):
        headers = [(b"content-type", b"text/javascript"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in parts.pop(0):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    app = Compression(file)
    TestClient(app).get("/static/a.js")
    assert TestClient(app).get("/static/a.js").content == content


def test_a_part_of_a_file_is_never_a_part_of_the_compressed_one():
    app = Starlette(routes=ROUTES, middleware=[Middleware(Compression)])
    whole = TestClient(app).get(f"/{PLOTLY_URL}")
    assert "accept-ranges" not in whole.headers and whole.headers["etag"].startswith("W/")
    rest = TestClient(app).get(f"/{PLOTLY_URL}", headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 200 and rest.content == PLOTLY.read_bytes()


def test_other_names_of_a_file_fill_no_memory():
    compression = Compression(Starlette(routes=ROUTES))
    for path in ("/live/board/board.js", "/live/board//board.js", "/live/board/./board.js"):
        assert TestClient(compression).get(path).status_code == 200
    assert list(compression._kept) == ["/live/board/board.js"]


def test_the_page_is_never_taken_from_an_old_visit(client):
    answer = client.get("/text", headers={"Accept": "text/html", "If-None-Match": "x"})
    assert answer.status_code == 200 and FIRST.decode() in answer.text and "etag" not in answer.headers
