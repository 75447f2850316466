"""Words from outside, as a browser shows them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.browser.conftest import Board


@pytest.mark.parametrize(
    "text",
    [
        "![p](http://evil.example/x.png) [log in](http://evil.example/login)",
        "http://evil.example/login HTTPS://evil.example/x www.evil.example me@evil.example",
        "**bold** _emphasis_ `code` $x^2$ :red[red] <b>html</b> &lt;",
        ":material/home: :smile: :streamlit: a -> b <= c -- d",
    ],
)
def test_nothing_in_an_address_becomes_more_than_words(url, board: Board, text):
    asked = []
    board.page.on("request", lambda request: asked.append(request.url) if "evil" in request.url.split("?")[0] else None)
    board.open(f"{url}?dataset=fashion-mnist-mini&lesson={quote(text)}")
    message = board.page.locator('[data-testid="stAlert"]', has_text="There is no lesson called")
    assert text in message.inner_text().replace("\u2060", "")
    for element in ("a", "img", "strong", "em", "code", "b", "span.katex", '[data-testid="stIconMaterial"]'):
        alert_icons = message.locator(f'[data-testid="stMarkdownContainer"] {element}')
        assert alert_icons.count() == 0, element
    assert asked == []
