"""The names of students: their own, or one like “Amber Fox”."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Collection

LONGEST = 24  # characters
COLORS = (
    "Amber Azure Blue Bronze Copper Coral Cream Crimson Golden Green Grey Indigo Ivory Jade Lemon Lilac Lime Mint "
    "Olive Orange Pearl Pink Plum Purple Red Rose Ruby Rust Sand Silver Sky Teal Violet White Yellow"
)
ANIMALS = (
    "Ant Badger Bat Bear Beaver Bee Bison Camel Cat Crab Crane Crow Deer Dolphin Dove Duck Eagle Falcon Finch Fox Frog "
    "Goat Goose Hare Hawk Heron Horse Koala Lark Lion Lizard Lynx Mole Moose Mouse Otter Owl Panda Parrot Puffin "
    "Rabbit Raven Robin Salmon Seal Sheep Snail Squid Stork Swan Tiger Toad Turtle Whale Wolf Wren Zebra"
)


def clean_name(text: str) -> str:
    """A name on one line, not too long, and without characters that can't be seen or that turn a line around."""
    shown = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    return " ".join(shown.split())[:LONGEST].strip()


def free_name(wanted: str, taken: Collection[str]) -> str:
    """The name that somebody wants; with a number if it is taken. Without a wish, one that nobody has."""
    wanted = clean_name(wanted)
    if not wanted:
        pairs = [f"{color} {animal}" for color in COLORS.split() for animal in ANIMALS.split()]
        wanted = random.choice([pair for pair in pairs if pair not in taken] or pairs)
    known = {name.casefold() for name in taken}
    if wanted.casefold() not in known:
        return wanted
    numbers = (f"{wanted[: LONGEST - 4]} {i}" for i in range(2, len(known) + 3))
    return next(name for name in numbers if name.casefold() not in known)
