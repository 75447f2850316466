import base64
import gc
import io
import json
import math
from dataclasses import replace

import numpy as np
import plotly
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mlpviz import Settings
from mlpviz.diagnosis import Diagnosis, Vitals
from mlpviz.engine import Engine
from mlpviz.live import routes
from mlpviz.live.encode import encode
from mlpviz.live.sprite import sprite_url
from mlpviz.live.visitor import COOKIE, VisitorCookie
from tests.test_engine import until
from tests.test_figures import snapshot_after

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=2)


@pytest.fixture
def engine(monkeypatch):
    engine = Engine(threads=1)
    monkeypatch.setattr(routes, "get_engine", lambda: engine)
    yield engine
    engine.close()


@pytest.fixture
def client():
    return TestClient(Starlette(routes=routes.ROUTES))


def decode(array):
    return np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"])


def test_the_newest_snapshot_and_nothing_when_it_is_at_hand(engine, client, tiny):
    run = engine.create(SMALL, tiny)
    until(lambda: run.snapshot is not None and run.snapshot.status == "paused")
    first = client.get(f"live/{run.token}")
    assert first.status_code == 200 and first.headers["cache-control"] == "no-store"
    body = first.json()
    have = f"{body['run']}.{body['version']}"
    assert (body["status"], body["step"]) == ("paused", 0)
    assert client.get(f"live/{run.token}", params={"have": have}).status_code == 204
    engine.step(run).wait(5)
    until(lambda: run.snapshot.step == 1)
    second = client.get(f"live/{run.token}", params={"have": have})
    assert second.status_code == 200 and second.json()["step"] == 1


def test_a_fetch_keeps_the_run_going(engine, client, tiny):
    run = engine.create(SMALL, tiny)
    run._leased_until = 0.0
    client.get(f"live/{run.token}")
    assert run.watched()


def test_no_such_run_is_404_and_its_id_opens_nothing(engine, client, tiny):
    run = engine.create(SMALL, tiny)
    assert client.get("live/nonsense").status_code == 404
    assert client.get(f"live/{run.id}").status_code == 404


def test_the_token_reads_only(engine, client, tiny):
    run = engine.create(SMALL, tiny)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, f"live/{run.token}").status_code == 405


def test_the_payload_is_the_snapshot_and_valid_json_whatever_happened(tiny):
    snapshot = snapshot_after(tiny, 2)
    body = json.loads(encode(snapshot))
    charts = {chart["name"]: chart for chart in body["charts"]}
    assert np.array_equal(decode(charts["Loss"]["data"][0]["y"]), snapshot.steps.mean[:, 0])
    assert len(decode(body["tiles"]["pixels"])) == 16 * 28 * 28
    steps = replace(snapshot.steps, mean=np.full_like(snapshot.steps.mean, math.nan))
    lost = Diagnosis("overflow", "alarm", Vitals(Settings(), not_finite_step=1))
    broken = replace(snapshot, steps=steps, evaluations=np.array([[0.0, math.inf, 0.1]]), diagnosis=lost)
    text = encode(broken).decode()
    assert "NaN" not in text.replace("NaN (not a number)", "") and "Infinity" not in text
    assert "not finite" in text


def test_bytes_are_made_once(tiny):
    snapshot = snapshot_after(tiny)
    assert encode(snapshot) is encode(snapshot)
    assert encode(replace(snapshot, version=99)) is not encode(snapshot)


def test_plotly_is_the_installed_one_and_may_be_kept(client):
    answer = client.get(routes.PLOTLY_URL)
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert plotly.__version__ in routes.PLOTLY_URL
    for name in ("board.js", "cards.js", "strip.js", "tiles.js"):
        assert client.get(f"live/board/{name}").status_code == 200
    assert client.get("live/board/%2e%2e/routes.py").status_code == 404


@pytest.fixture
def page():
    return TestClient(
        Starlette(
            routes=[Route("/", lambda request: HTMLResponse("page")), *routes.ROUTES],
            middleware=[Middleware(VisitorCookie)],
        )
    )


def test_each_browser_gets_a_cookie_of_its_own_once_and_no_script_reads_it(page):
    header = page.get("/").headers["set-cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header and "Secure" not in header
    assert "set-cookie" not in page.get("/").headers, "the browser has it now"
    value = page.cookies[COOKIE]
    page.cookies.clear()
    page.get("/")
    assert page.cookies[COOKIE] != value and len(value) >= 32


@pytest.mark.parametrize("others", ['theme={"a":1}; ', "a b=c; ", "x; "])
def test_another_sites_cookies_do_not_hide_ours(page, others):
    assert "set-cookie" not in page.get("/", headers={"cookie": f"{others}{COOKIE}=abc"}).headers
    assert "set-cookie" in page.get("/", headers={"cookie": f"{others}{COOKIE}="}).headers


def test_the_cookie_is_secure_over_https_and_comes_with_the_page_alone(page):
    assert "Secure" in page.get("https://testserver/").headers["set-cookie"]
    page.cookies.clear()
    assert "set-cookie" not in page.get("live/board/board.js").headers


def test_the_cookie_holds_for_the_whole_site_and_for_a_month(page):
    parts = page.get("/").headers["set-cookie"].split("; ")
    assert "Path=/" in parts and f"Max-Age={60 * 60 * 24 * 30}" in parts


def test_the_engine_ends_with_the_server_and_what_stays_is_frozen(engine):
    with TestClient(Starlette(routes=routes.ROUTES, lifespan=routes.lifespan)):
        frozen = gc.get_freeze_count()
    gc.unfreeze()
    assert frozen > 10_000 and not engine._thread.is_alive()


def test_the_sprite_holds_every_test_image_in_its_place(client, mini):
    address = sprite_url("fashion-mnist-mini")
    answer = client.get(f"/{address}")
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    sheet = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert sheet.shape == (20 * 28, 100 * 28)
    for index in (0, 99, 100, 1999):
        row, column = divmod(index, 100)
        tile = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.array_equal(tile, mini.test_images[index].numpy())


@pytest.mark.parametrize("name", ["fashion-mnist-mini-00000000", "imagenet-12345678", "x"])
def test_no_other_picture_is_served(client, name):
    assert client.get(f"/live/sprite/{name}.png").status_code == 404


def test_a_board_that_shows_its_strip_alone_gets_no_figures(client, engine, tiny):
    run = engine.create(SMALL, tiny)
    until(lambda: run.snapshot is not None and len(run.snapshot.evaluations))
    whole, strip = (client.get(f"/live/{run.token}{query}") for query in ("", "?have=&strip"))
    assert "charts" in whole.json() and "charts" not in strip.json()
    assert strip.json()["headline"] == whole.json()["headline"] and strip.json()["evaluations"] == 1
    assert len(strip.content) < 1500 < len(whole.content)
