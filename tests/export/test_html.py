"""The film as one HTML file: what is in it. `tests/browser/test_film.py` plays it."""

import base64
import html
import json
import re
import zlib

import pytest

from mlpviz.backend.frames import frame
from mlpviz.export import html as export
from mlpviz.export.html import MOST_BYTES, film_page, fitting
from mlpviz.export.markdown import as_html
from mlpviz.lessons import load_lessons
from mlpviz.live.answer import plain


def element(page, name):
    return re.search(rf'id="{name}">(.*?)</script>', page, re.S)[1]


def inflated(text):
    return json.loads(zlib.decompress(base64.b64decode(text)))


def test_it_holds_every_part_of_every_moment(roll):
    done = []
    page = film_page(roll, progress=done.append).decode()
    assert done == sorted(done) and done[0] == 0 and done[-1] == 1
    moments = json.loads(element(page, "moments"))
    assert list(map(int, moments)) == [moment.step for moment in roll.moments]
    for moment in roll.moments:
        assert inflated(moments[str(moment.step)]) == json.loads(plain(frame(roll.at(moment))))
    now = inflated(element(page, "run"))["now"]
    assert now["parts"]["film"]["steps"] == [moment.step for moment in roll.moments]
    assert now["parts"]["head"]["step"] == 40 and now["parts"]["Loss"]["data"]


def test_it_asks_nobody_for_anything(roll):
    page = film_page(roll).decode()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert "default-src 'none'" in policy and "http" not in policy
    assert not re.search(r'(src|href)="(?!data:|blob:)', re.sub(r">[^<]{1000,}<", "><", page))


def test_every_module_that_is_imported_is_inside(roll):
    imports = json.loads(re.search(r'importmap">(.*?)</script>', film_page(roll).decode(), re.S)[1])["imports"]
    assert {"mlpviz/player.js", "mlpviz/board.js"} <= set(imports)
    for address in imports.values():
        source = base64.b64decode(address.split(",")[1]).decode()
        wanted = re.findall(r'^\s*(?:import|export)\b[^;]*?from "([^"]+)"', source, re.M)
        assert set(wanted) <= set(imports)


def test_the_texts_of_the_run_are_below_the_board(roll):
    lesson = load_lessons()[0]["article"]
    page = film_page(roll, title="<b>My run</b>", lesson=lesson).decode()
    assert "<title>&lt;b&gt;My run&lt;/b&gt;</title>" in page and "<b>My run</b>" not in page
    for text in ("learning rate 0.1 → 0.03", "<td>0.03</td>", "Lesson: " + lesson.title, "<math"):
        assert text in page
    assert "Lesson:" not in film_page(roll).decode()


@pytest.mark.parametrize(("room", "steps"), [(100, range(10)), (50, range(0, 10, 2)), (35, (0, 4, 8)), (1, (0,))])
def test_the_film_is_thinned_to_fit(room, steps):
    assert list(fitting(list(range(10)), lambda moment: 10, room)) == list(steps)


def test_the_file_is_never_too_large(roll, monkeypatch):
    whole = film_page(roll)
    assert len(whole) < MOST_BYTES
    monkeypatch.setattr(export, "MOST_BYTES", len(whole) - 1000)
    less = film_page(roll)
    assert len(less) <= len(whole) - 1000 and len(json.loads(element(less.decode(), "moments"))) < len(roll.moments)


def test_markdown():
    text = as_html("The **rate** $2/\\eta$ <script>x</script>\n\n- a\n- b")
    assert "<strong>rate</strong>" in text and "<math" in text and "<mi>η</mi>" in text.replace("&#x003B7;", "η")
    assert "<script>" not in text and text.count("<li>") == 2
    assert "<script" not in as_html("$\\text{<script>alert(1)</script>}$")


@pytest.mark.parametrize("formula", ["x_", "\\frac{1}{", "\\left( x", "\\begin{matrix}", "<b>{"])
def test_a_formula_that_nobody_can_read_is_shown_as_it_is_written(formula):
    text = as_html(f"See ${formula}$.")
    assert f"<code>{html.escape(formula)}</code>" in text or "<math" in text
    assert "<b>" not in text
