"""No error replaces the page, and no text from outside can change how the page looks."""

from __future__ import annotations

import re

import pytest

from mlpviz import datasets
from mlpviz.page import lessons, player
from mlpviz.page.words import JOINER, LONGEST, plain
from tests.page.driver import page, press, run_of, texts, view_images

PICTURE = "![p](http://host/x.png) [log in](http://host/login)"


def explode(*args, **named):
    raise IndexError("out of range")


@pytest.mark.caught
def test_a_failing_callback_shows_its_error_and_the_page_stays(monkeypatch):
    app = page()
    run = run_of(app)
    monkeypatch.setattr(player, "replace_run", explode)
    app.run()
    press(app, "Reset")
    assert not app.exception and "did not work (IndexError: out of range)" in texts(app)
    assert run_of(app) is run


@pytest.mark.caught
def test_a_failing_part_shows_its_error_and_the_others_are_shown(monkeypatch):
    monkeypatch.setattr(lessons, "current_lesson", explode)
    app = page()
    assert not app.exception and "This part of the page failed (IndexError" in texts(app)
    assert run_of(app).settings.batch_size == 256 and app.button(key="start")


@pytest.mark.parametrize("number", [2000, 1_000_000, 2**53 - 1])
def test_an_image_number_out_of_range_is_reported(number):
    app = view_images("The images")
    app.number_input(key="filter_index").set_value(number)
    app.run()
    assert not app.exception and not app.error
    said = " ".join(info.value for info in app.info)
    assert f"no test image {number:,}" in said and "1,999" in said


@pytest.mark.inside
def test_a_damaged_data_file_of_mlpviz_gives_a_clear_message(monkeypatch, tmp_path):
    damaged = tmp_path / "mini.npz"
    damaged.write_bytes(datasets.MINI_FILE.read_bytes()[:1000])
    monkeypatch.setattr(datasets, "MINI_FILE", damaged)
    app = page()
    assert not app.exception and "mini.npz, a part of mlpviz, can't be read" in texts(app)
    assert "Install mlpviz again" in texts(app) and str(tmp_path) not in texts(app)


# text from outside


@pytest.mark.parametrize(
    "text",
    [
        PICTURE,
        "**bold** _emphasis_ `code` ~~struck~~ $x^2$ :red[red] :material/home: :+1: <b>html</b> &lt; a|b",
        "www.host.org https://host.org me@host.org",
        "# heading",
        "1. list",
        "- list",
        "a \\[b](c)",
    ],
)
def test_text_from_outside_is_shown_unchanged(text):
    """The same characters, without any Markdown meaning. How a browser shows them is tested in tests/browser."""
    escaped = plain(text)
    assert re.sub(r"\\(.)", r"\1", escaped.replace(JOINER, "")) == text
    bare = re.sub(r"\\.", "", escaped)  # what is left without the escaped characters
    assert not re.search(r"[*\[\]`<$~|]|:[^\s\u2060]|@[^\u2060]|www\.|\b_|_\b", bare) and not re.match(
        r"[#\-+]|\d[.)]", bare
    )


def test_long_text_is_shortened():
    assert len(plain("word " * 1000)) <= LONGEST
    assert plain("x" * 5000) == "x" * 79 + "…"
    assert plain("a\n\n# b") == "a # b", "one line cannot contain a heading in the middle"


@pytest.mark.parametrize(
    "name", ["lesson", "hide", "lock", "dataset", "hidden_sizes", "seed", "images_kind", "activation"]
)
def test_an_address_cannot_put_links_on_the_page(name):
    app = page(**{name: PICTURE})
    assert not app.exception
    said = [element.value for kind in ("error", "warning", "info", "markdown", "caption") for element in app.get(kind)]
    assert not any(re.search(r"(?<!\\)\]\(http", text) for text in said)
    assert app.error, "the page says that this is not possible"


def test_a_link_with_a_mistake_locks_the_rest():
    app = page(lock="all,bananas")
    assert "asks to lock 'bananas', but there is no such control" in texts(app)
    assert app.select_slider(key="learning_rate").disabled and app.query_params["lock"] == "all"
