"""The newest snapshots of one worker's tasks, for all who watch them. One question to the worker brings the news of all
tasks, because each question costs much more than its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from mlpviz.backend.parts import Newest, Part
from mlpviz.workers.worker import Answered, Asked

PATIENCE = 0.015  # seconds to wait for the worker, if an older answer is known
PERIOD = 0.1  # seconds for which an answer counts as new
WATCHED = 1.0  # seconds for which a task is asked about, after somebody wanted it

Ask = Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]]
Key = tuple[str, frozenset[str]]  # a token, and the only parts that are wanted


@dataclass
class Shown:
    """A task as the worker showed it last.

    Attributes:
        newest: without its parts; None if there is no such task. parts: all of them, by name.
        error: what came in place of the newest answer.
        asked_at: when the worker was asked. changed_at: when there was something new.
        wanted_at: when somebody wanted it. hidden: whether somebody in a hidden tab has wanted it since then.
    """

    newest: Newest | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    error: Exception | None = None
    asked_at: float = 0.0
    changed_at: float = 0.0
    wanted_at: float = 0.0
    hidden: bool = False

    def take(self, answer: Answered, now: float) -> None:
        """What the worker has answered to a question at `now`: the parts that are new."""
        self.asked_at = now
        self.error = answer if isinstance(answer, Exception) else None
        if isinstance(answer, Exception):
            return
        if answer is None or self.newest is None or answer.run != self.newest.run:
            self.parts = {}
        if answer is not None and answer.parts:
            self.parts = self.parts | {part.name: part for part in answer.parts}
            self.changed_at = now
        self.newest = answer

    def have(self) -> tuple[str, int] | None:
        """The run and the version, as the worker wants to know them."""
        return (self.newest.run, self.newest.version) if self.newest is not None and self.parts else None

    def answer(self, have: tuple[str, int] | None, without: frozenset[str]) -> Newest | None:
        """What somebody gets who has the version `have`."""
        if self.error is not None:
            raise self.error
        if self.newest is None:
            return None
        run, version = self.newest.run, self.newest.version
        known = have[1] if have is not None and have[0] == run else -1
        wanted = (part for name, part in self.parts.items() if name not in without and part.version > known)
        return Newest(run, version, tuple(wanted))


class Desk:
    """Answers as `Backend.newest` does, from what the worker has shown in the last tenth of a second, or a little
    before that if the worker is slow. All its methods are called in one event loop.

    Args:
        ask: asks the worker about several tasks.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._shown: dict[Key, Shown] = {}
        self._asking: asyncio.Task[None] | None = None

    async def newest(
        self,
        token: str,
        have: tuple[str, int] | None,
        only: frozenset[str],
        hidden: bool = False,
        without: frozenset[str] = frozenset(),
    ) -> Newest | None:
        """As in `Backend`. An error of the worker comes to all who wait for it."""
        key = (token, only)
        shown = Shown()
        now = time.monotonic()
        oldest = now if hidden else now - PERIOD  # the worker must know of a hidden tab, which can't ask again soon
        while (shown := self._want(key, shown)).asked_at < oldest:
            shown.hidden |= hidden
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask_for_all())
                self._asking.add_done_callback(_look_at)
            known = shown.newest is not None and now - shown.asked_at < WATCHED and not hidden
            await asyncio.wait({self._asking}, timeout=PATIENCE if known else None)
            if not self._asking.done():
                break  # what is known is new enough; the news comes with the next answer
            self._asking.result()
        return shown.answer(have, without if not only else frozenset())

    def _want(self, key: Key, otherwise: Shown) -> Shown:
        """Note that somebody wants this now."""
        shown = self._shown.setdefault(key, otherwise)
        shown.wanted_at = time.monotonic()
        return shown

    async def _ask_for_all(self) -> None:
        """Ask about every task that somebody wanted lately; those without news for the longest time come first."""
        now = time.monotonic()
        self._shown = {key: shown for key, shown in self._shown.items() if now - shown.wanted_at < WATCHED}
        keys = sorted(self._shown, key=lambda key: self._shown[key].changed_at)
        asked = [
            Asked(token, self._shown[token, only].have(), only, self._shown[token, only].hidden) for token, only in keys
        ]
        for shown in self._shown.values():
            shown.hidden = False
        answers = await self._ask(asked)
        for key, answer in zip(keys, answers, strict=True):
            self._shown[key].take(answer, now)


def _look_at(asking: asyncio.Task[None]) -> None:
    """Perhaps nobody waits for its error any more."""
    if not asking.cancelled():
        asking.exception()
