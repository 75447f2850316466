"""A door that pickles and unpickles everything that goes through it, as one to another process would."""

from __future__ import annotations

import pickle
from typing import Any

from mlpviz.backend.local import LocalBackend


def through(value: Any) -> Any:
    """What arrives on the other side."""
    return pickle.loads(pickle.dumps(value))


class PickledReply:
    """A reply whose answer, or error, comes from the other side."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply

    @property
    def progress(self) -> float:
        return through(self._reply.progress)

    def look(self) -> None:
        self._reply.look()

    def cancel(self) -> bool:
        return bool(self._reply.cancel())

    def result(self, timeout: float | None = None) -> Any:
        try:
            return through(self._reply.result(timeout))
        except Exception as error:
            raise through(error) from None


class PickledBackend:
    """`LocalBackend` behind such a door."""

    def __init__(self, inner: LocalBackend) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*args: Any, **named: Any) -> Any:
            args, named = through((args, named))
            try:
                result = method(*args, **named)
            except Exception as error:
                raise through(error) from None
            return PickledReply(result) if name in ("create", "tell", "ask") else through(result)

        return call

    @property
    def store(self) -> Any:
        """The saved runs stay on the page's side."""
        return self._inner.store

    async def newest(self, *args: Any) -> Any:
        return through(await self._inner.newest(*through(args)))

    async def glances(self, *args: Any) -> Any:
        return through(await self._inner.glances(*through(args)))
