"""Markdown as HTML for a page that has no server: formulas become MathML, which browsers draw by themselves."""

from __future__ import annotations

import functools

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin


@functools.cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    return reader.use(dollarmath_plugin, renderer=_formula, double_inline=True)


def _formula(latex: str, options: dict[str, bool]) -> str:
    formula: str = convert(latex, display="block" if options.get("display_mode") else "inline")
    return formula


def as_html(markdown: str) -> str:
    """The text as HTML. HTML in it is shown as text."""
    text: str = _reader().render(markdown)
    return text
