"""The codes of classes and the teacher's secret, and a limit for those who guess."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable

LETTERS = "ABCDEFGHJKMNPQRTUVWXYZ2346789"  # none that looks like another one
LENGTH = 6
MINUTE = 60.0  # seconds
MOST_WRONG = 20  # wrong codes in a minute from one address
MOST_WRONG_TOGETHER = 200  # from all addresses together: at this rate, all codes take five years


class RefusedError(Exception):
    """The request is not possible. The message is for the reader and says what to do."""


def new_code() -> str:
    """A random code of a class."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def read_code(text: str) -> str:
    """The code as somebody has typed it, without what people add: spaces, dashes, small letters."""
    return "".join(text.upper().replace("-", " ").split())[:40]


def spoken(code: str) -> str:
    """The code in two halves, which are easier to read and to type."""
    return f"{code[: LENGTH // 2]} {code[LENGTH // 2 :]}"


class Tries:
    """Counts wrong codes. After too many, nobody at this address can try for a while, and after very many, nobody can
    try at all. Otherwise a program could guess a code. Behind a proxy on the same machine, addresses are not known."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: deque[tuple[float, str]] = deque()  # when, and from where

    def check(self, address: str) -> None:
        """Raises RefusedError if there were too many wrong codes in the last minute."""
        while self._wrong and self._wrong[0][0] < self._now() - MINUTE:
            self._wrong.popleft()
        here = sum(where == address for _, where in self._wrong) if address else 0
        if here >= MOST_WRONG or len(self._wrong) >= MOST_WRONG_TOGETHER:
            raise RefusedError("There were too many wrong codes. Wait a minute, then try again.")

    def wrong(self, address: str) -> None:
        """Count a wrong code."""
        self._wrong.append((self._now(), address))
