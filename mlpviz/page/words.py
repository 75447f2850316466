"""Words that came from outside (an address, a file, a name), made safe to show."""

from __future__ import annotations

import re

LONGEST = 400  # characters of a message; what is longer is cut
LONG_WORD = re.compile(r"\S{80,}")  # no word of a language is so long
#: Whatever means something in Streamlit's Markdown where it stands: links, pictures, emphasis, code, formulas, colours,
#: icons, entities, addresses that become links by themselves, and lists and headings at the beginning.
SPECIAL = re.compile(
    r"[\\`*\[\]<>~$|&@]|:(?=\S)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=www)\.|^[#+\-=]|(?<=^\d)[.)]", re.IGNORECASE
)


def plain(text: str) -> str:
    """The text as Markdown that shows it as it is: no link, no picture, no formula, on one line, and not very long."""
    text = " ".join(text.split())
    text = LONG_WORD.sub(lambda word: f"{word[0][:79]}…", text)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return SPECIAL.sub(r"\\\g<0>", text)
