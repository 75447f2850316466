import asyncio
import base64
import gc
import gzip
import heapq
import io
import json
import math
import threading
import zlib
from dataclasses import replace

import numpy as np
import plotly
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient

from mlpviz import Settings
from mlpviz.backend import parts as parts_module
from mlpviz.backend.commands import Change, OneStep
from mlpviz.backend.local import LocalBackend
from mlpviz.backend.parts import ARRAYS, HEAD, RUN_PARTS, Encoder, Newest, Part, deflated
from mlpviz.classroom.school import School
from mlpviz.diagnosis import Diagnosis, Kind, Severity, Vitals
from mlpviz.figures import charts
from mlpviz.live import routes
from mlpviz.live.answer import accepts_gzip, gzipped, plain
from mlpviz.live.pulse import Pulse
from mlpviz.live.sprite import sprite
from mlpviz.runs.engine import Engine
from mlpviz.runs.run import Run
from mlpviz.snapshot import Status, TaskSnapshot
from tests.figures.test_figures import snapshot_after
from tests.waiting import awaited, until

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100, epochs=2)
ALL = frozenset()


@pytest.fixture
def engine(monkeypatch):
    engine = Engine(threads=1)
    backend = LocalBackend(engine)
    school = School(backend, "a secret")
    monkeypatch.setattr(routes, "get_backend", lambda: backend)
    monkeypatch.setattr(routes, "get_school", lambda: school)
    yield engine
    school.close()
    engine.close()


@pytest.fixture
def client():
    return TestClient(Starlette(routes=routes.ROUTES))


@pytest.fixture
def run(engine, tiny):
    """A run that is ready at step 0."""
    run = engine.add(Run(SMALL, tiny))
    until(lambda: run.snapshot is not None and run.state.status == "paused" and run.snapshot.line_shares is not None)
    return run


def address(engine, run, query=""):
    return f"live/{engine.find(run.id, '').token}{query}"


def step(engine, run):
    engine.tell(run.id, "", OneStep().carry_out).result(5)
    until(lambda: run.snapshot.step == run.step and run.state.status == "paused")


def decode(array):
    return np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"])


def have(body):
    return f"?have={body['run']}.{body['version']}"


def test_the_newest_snapshot_and_nothing_if_the_browser_has_it_already(engine, client, run):
    first = client.get(address(engine, run))
    assert first.status_code == 200 and first.headers["cache-control"] == "no-store"
    body = first.json()
    assert (body["parts"][HEAD]["status"], body["parts"][HEAD]["step"]) == ("paused", 0)
    assert client.get(address(engine, run, have(body))).status_code == 204
    step(engine, run)
    second = client.get(address(engine, run, have(body)))
    assert second.status_code == 200 and second.json()["parts"][HEAD]["step"] == 1


def test_a_browser_gets_only_the_parts_that_have_changed(engine, client, run):
    whole = client.get(address(engine, run)).json()
    assert {HEAD, "tiles", "Loss", "Weights", "Dead units"} <= set(whole["parts"])
    engine.tell(run.id, "", Change(SMALL.replace(epochs=5)).carry_out).result(5)
    until(lambda: run.snapshot.total_steps == 50)
    news = client.get(address(engine, run, have(whole))).json()
    assert list(news["parts"]) == [HEAD], "the figures don't depend on the number of epochs"
    step(engine, run)
    news = client.get(address(engine, run, have(whole))).json()
    assert {"Loss", HEAD} <= set(news["parts"])
    everything = client.get(address(engine, run)).json()
    assert whole["parts"] | news["parts"] == everything["parts"], "put together, they are the newest snapshot"


def test_another_run_is_sent_whole(engine, client, run, tiny):
    other = engine.add(Run(SMALL, tiny))
    until(lambda: other.snapshot is not None and other.state.status == "paused")
    known = client.get(address(engine, run)).json()
    assert set(client.get(address(engine, other, have(known))).json()["parts"]) == set(known["parts"])


@pytest.mark.parametrize(
    "query", ["?have=nonsense", "?have=.", "?have=a.-1", "?have=" + "9" * 5000, "?only=", "?have=x.1e9"]
)
def test_odd_queries_are_answered_in_full(engine, client, run, query):
    assert "tiles" in client.get(address(engine, run, query)).json()["parts"]


def test_a_fetch_keeps_the_run_going(engine, client, run, monkeypatch):
    looks = []
    monkeypatch.setattr(run, "look", looks.append)
    client.get(address(engine, run))
    client.get(address(engine, run) + "?hidden=1")
    assert looks == [10, 90], "in a hidden tab, a browser allows only one request a minute"


def test_an_unknown_run_is_404_and_the_id_of_a_run_is_no_token(engine, client, run):
    assert client.get("live/nonsense").status_code == 404
    assert client.get(f"live/{run.id}").status_code == 404


def test_a_moment_of_the_film(engine, client, run):
    for _ in range(3):
        step(engine, run)
    whole = client.get(address(engine, run)).json()["parts"]
    steps = whole["film"]["steps"]
    assert steps == [0, 1, 2, 3]
    answer = client.get(address(engine, run, "/at/2"))
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["run"] == run.id and body["parts"][HEAD]["step"] == 2
    then, now = body["parts"]["Gradient norms"], whole["Gradient norms"]
    assert then["sentence"] != now["sentence"] and "data" not in then
    assert body["parts"]["Weights"]["data"] and body["parts"]["tiles"] != whole["tiles"]
    assert client.get(address(engine, run, "/at/7")).status_code == 404, "no such moment"
    assert client.get("live/nonsense/at/2").status_code == 404
    assert client.get(address(engine, run, "/at/-1")).status_code == 404
    assert client.get(address(engine, run, "/at/x")).status_code == 404


def test_the_token_allows_only_reading(engine, client, run):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, address(engine, run)).status_code == 405


def test_a_run_that_failed_before_its_first_snapshot_says_so(engine, client, run):
    run.snapshot = None
    run.fail(RuntimeError("no memory"))
    head = client.get(address(engine, run)).json()["parts"][HEAD]
    assert (head["status"], head["notice_kind"]) == ("failed", "alarm")
    assert head["notice"].startswith("An error stopped this run (RuntimeError: no memory).")


# bytes


def bodies(snapshot):
    newest = Encoder().newest(snapshot, None, ALL)
    return json.loads(plain(newest))["parts"]


def test_the_payload_is_the_snapshot_and_always_valid_json(tiny):
    snapshot = snapshot_after(tiny, 2)
    body = bodies(snapshot)
    assert np.array_equal(decode(body["Loss"]["data"][0]["y"]), snapshot.steps.column("loss"))
    assert len(decode(body["tiles"]["pixels"])) == 16 * 28 * 28
    steps = replace(snapshot.steps, mean=np.full_like(snapshot.steps.mean, math.nan))
    lost = Diagnosis(Kind.OVERFLOW, Severity.ALARM, Vitals(Settings(), not_finite_step=1))
    broken = replace(snapshot, steps=steps, evaluations=np.array([[0.0, math.inf, 0.1]]), diagnosis=lost)
    text = plain(Encoder().newest(broken, None, ALL)).decode()
    json.loads(text, parse_constant=pytest.fail)  # what is no JSON: NaN and Infinity outside of strings
    assert "not finite" in text


def test_parts_are_encoded_and_compressed_only_once_for_many_readers(tiny, monkeypatch):
    made = []
    compress = parts_module.deflated
    monkeypatch.setattr(parts_module, "deflated", lambda data: made.append(1) or compress(data))
    snapshot, encoder = snapshot_after(tiny), Encoder()
    first = encoder.newest(snapshot, None, ALL)
    count = len(made)
    assert count == len(first.parts)
    for _ in range(5):
        again = encoder.newest(snapshot, None, ALL)
        assert all(a is b for a, b in zip(first.parts, again.parts, strict=True))
    assert len(made) == count


def test_a_part_keeps_its_version_while_it_does_not_change(tiny):
    snapshot, encoder = snapshot_after(tiny), Encoder()
    first = {part.name: part for part in encoder.newest(snapshot, None, ALL).parts}
    later = replace(snapshot, version=snapshot.version + 1, message="something new")
    second = {part.name: part for part in encoder.newest(later, None, ALL).parts}
    assert second["Loss"] is first["Loss"] and second[HEAD].version == later.version
    news = encoder.newest(later, (snapshot.run, snapshot.version), ALL)
    assert [part.name for part in news.parts] == [HEAD]
    assert encoder.newest(later, (later.run, later.version), ALL).parts == ()


def test_a_board_that_shows_only_its_strip_gets_no_figures_and_none_are_made(tiny, monkeypatch):
    monkeypatch.setattr(parts_module, "_charts", None)
    (head,) = Encoder().newest(snapshot_after(tiny), None, frozenset({HEAD})).parts
    assert head.name == HEAD and len(head.plain) < 1500 and json.loads(head.plain)["evaluations"] == 2


def test_figures_that_were_left_out_come_with_the_next_request(tiny):
    first, encoder = snapshot_after(tiny), Encoder()
    whole = encoder.newest(first, None, ALL)
    second = replace(snapshot_after(tiny, 2), run=first.run, version=first.version + 1)
    encoder.newest(second, None, frozenset({HEAD}))
    news = encoder.newest(second, (whole.run, whole.version), ALL)
    assert "Loss" in [part.name for part in news.parts]


def test_an_array_that_several_lines_share_is_sent_once(tiny):
    snapshot = snapshot_after(tiny, 5)
    parts = bodies(snapshot)
    steps = snapshot.steps.ends().astype(np.float32)
    names = {
        trace["x"]["array"] for name in ("Loss", "Accuracy", "Gradient norms") for trace in parts[name]["data"][:1]
    }
    (name,) = names
    assert np.array_equal(decode(parts[ARRAYS][name]), steps)
    whole = {chart.name: chart for chart in charts(snapshot)}
    for name, chart in whole.items():
        for trace, sent in zip(chart.data, parts[name]["data"], strict=True):
            for key in ("x", "y"):
                array = parts[ARRAYS][sent[key]["array"]] if "array" in sent[key] else sent[key]
                assert np.array_equal(decode(array), np.asarray(trace[key]), equal_nan=True)
    sent = [array["bdata"] for array in parts[ARRAYS].values()]
    assert len(sent) == len(set(sent)) > 0


def test_parts_that_nobody_sees_are_left_out_and_come_when_they_are_seen(engine, client, run):
    whole = client.get(address(engine, run)).json()
    step(engine, run)
    news = client.get(address(engine, run, have(whole) + "&without=Gradients,tiles")).json()
    assert {"Loss", "Weights"} <= set(news["parts"]) and not {"Gradients", "tiles"} & set(news["parts"])
    seen = client.get(address(engine, run, have(whole))).json()
    assert {"Gradients", "tiles"} <= set(seen["parts"]), "the browser says the version that it has of them"


def test_a_page_is_told_when_to_ask_again(engine, client, run):
    answer = client.get(address(engine, run))
    assert answer.headers["mlpviz-period"] == "200"
    again = client.get(address(engine, run, have(answer.json())) + "&after=200")
    assert again.status_code == 204 and again.headers["mlpviz-period"] == "200"
    assert client.get(address(engine, run) + "?after=x").status_code == 200


@pytest.mark.parametrize("late", [0.0, 0.7])
@pytest.mark.parametrize("pages, period", [(1, 0.2), (40, 0.2), (100, 0.5), (200, 1.0), (1000, 2.0)])
def test_many_pages_ask_less_often(pages, period, late):
    """Each page comes back after the time that it was told, or later, if the server or the browser is busy."""
    clock = [0.0]
    pulse = Pulse(lambda: clock[0])
    due = [(i * 0.2 / pages, i) for i in range(pages)]
    before = [at for at, _ in due]
    while clock[0] < 12:
        clock[0], i = heapq.heappop(due)
        heapq.heappush(due, (clock[0] + pulse.asked(clock[0] - before[i]) + late, i))
        before[i] = clock[0]
    assert pulse.period == pytest.approx(period, rel=0.25)


def test_gzip_is_the_same_as_plain_for_any_parts():
    """Python's gzip reads the joined pieces. It checks the length and the checksum."""
    rng = np.random.default_rng(0)
    contents = [b"", b"x", b'{"a": [1, 2, 3]}' * 1000, rng.bytes(70_000), "Überraschung".encode() * 50]
    for count in range(len(contents) + 1):
        parts = tuple(Part(f"part {i}", 1, data, deflated(data)) for i, data in enumerate(contents[:count]))
        newest = Newest("run", 3, parts)
        assert gzip.decompress(gzipped(newest)) == plain(newest)
    assert len(deflated(contents[2])) < len(contents[2]) / 20


def test_a_compressed_piece_does_not_depend_on_the_one_before():
    one, other = deflated(b"abcabcabc" * 10), deflated(b"abcabcabc" * 10)
    stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    assert stream.decompress(other + one + b"\x03\x00") == b"abcabcabc" * 20 and stream.eof


def test_a_browser_that_accepts_gzip_gets_it_and_others_get_plain(engine, client, run):
    packed = client.get(address(engine, run), headers={"accept-encoding": "gzip, deflate, br"})
    raw = client.get(address(engine, run), headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in raw.headers
    assert packed.json() == raw.json() and int(packed.headers["content-length"]) < len(raw.content)
    assert packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("header", "takes"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_reading_an_accept_encoding_header(header, takes):
    assert accepts_gzip(header) == takes


def test_a_middleware_that_compresses_does_not_change_the_live_route(engine, run):
    client = TestClient(Starlette(routes=routes.ROUTES, middleware=[Middleware(GZipMiddleware, minimum_size=1)]))
    answer = client.get(address(engine, run))
    assert answer.headers["content-encoding"] == "gzip" and answer.json()["parts"][HEAD]["step"] == 0


def test_a_part_is_encoded_only_once_for_many_requests(engine, run):
    backend = LocalBackend(engine)
    token = engine.find(run.id, "").token

    async def many():
        return await asyncio.gather(*(backend.newest(token, None, ALL) for _ in range(50)))

    answers = awaited(many())
    assert len({id(part) for answer in answers for part in answer.parts}) == len(answers[0].parts)


def test_a_snapshot_of_an_unknown_kind_shows_its_strip():
    snapshot = TaskSnapshot(1, "run", Status.FAILED, "no memory", 0, 10)
    assert bodies(snapshot) == {HEAD: bodies(snapshot)[HEAD]} | dict.fromkeys(RUN_PARTS)
    assert bodies(snapshot)[HEAD]["headline"]["status"] == "Stopped by an error"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("headline", "mlpviz can’t show the line above the figures now (KeyError: 'gone')"),
        ("charts", "This figure can’t be drawn now (KeyError: 'gone')"),
        *[(name, "") for name in RUN_PARTS],
    ],
)
def test_an_error_in_drawing_is_shown_in_its_place_and_the_rest_is_sent(tiny, monkeypatch, broken, told):
    """Earlier, the answer was a 500, and the page reported a lost connection."""
    snapshot = snapshot_after(tiny)
    whole = bodies(snapshot)

    def explode(snapshot):
        raise KeyError("gone")

    for function in (parts_module._headline, parts_module._charts):
        if function.registry[type(snapshot)].__name__ == broken:
            monkeypatch.setattr(parts_module, function.__name__, explode)
    if broken in RUN_PARTS:
        monkeypatch.setitem(RUN_PARTS, broken, explode)
    found = bodies(snapshot)
    assert told in json.dumps(found, ensure_ascii=False)
    same = {name for name in whole if found.get(name) == whole[name]}
    charts = set(whole) - {HEAD, *RUN_PARTS}
    gone = {"headline": {HEAD}, "charts": charts}.get(broken, {broken})
    assert same == set(whole) - gone


def test_a_figure_with_a_number_that_json_cannot_have_is_reported_and_the_rest_is_sent(tiny, monkeypatch):
    from mlpviz.figures import FIGURES

    def infinite(snapshot):
        chart = FIGURES[1].draw(snapshot)
        return replace(chart, layout={"xaxis": {"range": [0, math.inf]}})

    snapshot = snapshot_after(tiny)
    whole = bodies(snapshot)
    monkeypatch.setattr("mlpviz.figures.FIGURES", (FIGURES[0], FIGURES[1]._replace(draw=infinite), *FIGURES[2:]))
    found = bodies(snapshot)
    assert "can’t be drawn now (ValueError" in found["Accuracy"]["sentence"]
    assert {name for name in whole if found[name] != whole[name]} == {"Accuracy"}


def test_plotly_is_the_installed_one_and_browsers_may_keep_it(client):
    answer = client.get(routes.PLOTLY_URL)
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert plotly.__version__ in routes.PLOTLY_URL
    for name in ("board.js", "cards.js", "strip.js", "tiles.js"):
        assert client.get(f"live/board/{name}").status_code == 200
    assert client.get("live/board/%2e%2e/routes.py").status_code == 404


def test_the_engine_ends_with_the_server_and_lasting_objects_are_frozen(engine):
    with TestClient(Starlette(routes=routes.ROUTES, lifespan=routes.lifespan)):
        frozen = gc.get_freeze_count()
    gc.unfreeze()
    names = {thread.name for thread in threading.enumerate()}
    assert frozen > 10_000 and "mlpviz-engine" not in names


@pytest.mark.parametrize("indices", [(7,), (0, 99, 100, 1999), tuple(range(0, 2000, 40))], ids=len)
def test_the_sprite_holds_the_images_of_a_page_in_their_places(mini, indices):
    kind, content = sprite("fashion-mnist-mini", indices).split(",")
    assert kind == "data:image/png;base64"
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert sheet.shape == (-(-len(indices) // 24) * 28, 24 * 28)
    for place, index in enumerate(indices):
        row, column = divmod(place, 24)
        tile = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.array_equal(tile, mini.test.images[index].numpy())
