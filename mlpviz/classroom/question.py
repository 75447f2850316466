"""A question to a class: what will happen? The answers stay hidden until the teacher shows them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlpviz.classroom.codes import RefusedError
from mlpviz.classroom.names import clean_name

LONGEST = 300  # characters of a question
LONGEST_OPTION = 80
MOST_OPTIONS = 6


@dataclass
class Question:
    """A question, and what became of it.

    Attributes:
        options: the predictions to choose from. right: the option that a lesson says; None if nobody knows.
        shown: whether the answers are shown. Then nobody can answer any more.
        outcome: the option that came true. over: whether the teacher has closed the question.
    """

    text: str
    options: list[str]
    right: int | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    shown: bool = False
    outcome: int | None = None
    over: bool = False


def new_question(text: str, options: Sequence[str], right: int | None = None) -> Question:
    """A question with two to six different options.

    Raises:
        RefusedError: it has no text, or too few or too many options.
    """
    text = " ".join(text.split())[:LONGEST]
    cleaned = [" ".join(option.split())[:LONGEST_OPTION] for option in options]
    known = list(dict.fromkeys(option for option in cleaned if clean_name(option)))
    if not text:
        raise RefusedError("Write a question.")
    if not 2 <= len(known) <= MOST_OPTIONS or (right is not None and len(known) != len(cleaned)):
        raise RefusedError(f"Give 2 to {MOST_OPTIONS} different answers to choose from, one on each line.")
    return Question(text, known, right)
