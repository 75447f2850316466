"""Makes text from outside (an address, a file, a name) safe to show."""

from __future__ import annotations

import re

LONGEST = 400  # characters of a message; a longer one is cut
LONG_WORD = re.compile(r"\S{80,}")  # no real word is so long
#: Characters with a meaning in Markdown: links, pictures, emphasis, code, formulas, entities, and, at the start,
#: lists and headings. A backslash before a character removes its meaning.
SPECIAL = re.compile(
    r"[\\`*\[\]<>~$|&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+\-=]|(?<=^\d)[.)]",
)
#: Streamlit replaces these after it has read the Markdown, even with backslashes: addresses (as links), icons, emoji,
#: arrows and dashes. A character without width after the first part prevents this.
REPLACED = re.compile(r":(?=\S)|@(?=\S)|www(?=\.)|-(?=[->])|<(?=[-=])|[>~!=](?==)", re.IGNORECASE)
JOINER = "\u2060"  # a word joiner: invisible, and no line breaks at it


def plain(text: str) -> str:
    """Markdown that shows exactly this text: no link, no picture, no formula, on one line, and not too long."""
    text = " ".join(text.split())
    text = LONG_WORD.sub(lambda word: f"{word[0][:79]}…", text)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return SPECIAL.sub(r"\\\g<0>", REPLACED.sub(rf"\g<0>{JOINER}", text))
