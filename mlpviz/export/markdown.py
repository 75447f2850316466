"""Markdown as HTML for a page that has no server: formulas become MathML, which browsers draw by themselves."""

from __future__ import annotations

import functools
import html
from xml.etree.ElementTree import tostring

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin


@functools.cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    return reader.use(dollarmath_plugin, renderer=_formula, double_inline=True)


def _formula(latex: str, options: dict[str, bool]) -> str:
    try:
        formula = convert_to_element(latex, display="block" if options.get("display_mode") else "inline")
    except Exception:  # of many kinds; a lesson shows such a formula as it is written
        return f"<code>{html.escape(latex)}</code>"
    for element in formula.iter():  # their texts are written for HTML, and `tostring` would escape them again
        element.text = html.unescape(element.text or "")
    return tostring(formula, encoding="unicode")


def as_html(markdown: str) -> str:
    """The text as HTML. HTML in it is shown as text."""
    text: str = _reader().render(markdown)
    return text
