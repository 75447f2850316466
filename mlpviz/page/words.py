"""Words that came from outside (an address, a file, a name), made safe to show."""

from __future__ import annotations

import re

LONGEST = 400  # characters of a message; what is longer is cut
LONG_WORD = re.compile(r"\S{80,}")  # no word of a language is so long
#: Whatever means something in Markdown where it stands: links, pictures, emphasis, code, formulas, entities, and lists
#: and headings at the beginning. A backslash before it takes the meaning away.
SPECIAL = re.compile(
    r"[\\`*\[\]<>~$|&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+\-=]|(?<=^\d)[.)]",
)
#: What Streamlit replaces in a text when it has read the Markdown, backslashes or not: addresses that become links by
#: themselves, icons, emoji, arrows and dashes. A character of no width behind the first part keeps it from that.
REPLACED = re.compile(r":(?=\S)|@(?=\S)|www(?=\.)|-(?=[->])|<(?=[-=])|[>~!=](?==)", re.IGNORECASE)
JOINER = "\u2060"  # a word joiner: invisible, and no line breaks at it


def plain(text: str) -> str:
    """The text as Markdown that shows it as it is: no link, no picture, no formula, on one line, and not very long."""
    text = " ".join(text.split())
    text = LONG_WORD.sub(lambda word: f"{word[0][:79]}…", text)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return SPECIAL.sub(r"\\\g<0>", REPLACED.sub(rf"\g<0>{JOINER}", text))
