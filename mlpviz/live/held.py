"""An answer of the server that is held back, so that middleware can change it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Answer:
    """An answer that nobody has got yet.

    Attributes:
        start: its first message. headers: they can be changed. body: what has come of it.
        whole: whether all of it has come. A browser that goes away ends an answer early.
    """

    def __init__(self, start: Message) -> None:
        self.start = start
        self.headers = MutableHeaders(raw=list(start["headers"]))
        self.body = b""
        self.whole = False

    def take(self, message: Message) -> None:
        """Add a part of the body."""
        self.body += message.get("body", b"")
        announced = int(self.headers.get("content-length", len(self.body)))
        self.whole = not message.get("more_body", False) and len(self.body) == announced

    async def give(self, send: Send) -> None:
        """Send it, as it is now."""
        self.headers["content-length"] = str(len(self.body))
        await send({**self.start, "headers": self.headers.raw})
        await send({"type": "http.response.body", "body": self.body})


async def held_back(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, wanted: Callable[[int, Headers], bool]
) -> Answer | None:
    """The answer of `app`, not compressed, if its status and headers are `wanted`. Any other answer goes on as it
    comes, and the result is None."""
    answer: Answer | None = None

    async def take(message: Message) -> None:
        nonlocal answer
        if message["type"] == "http.response.start" and wanted(message["status"], Headers(raw=message["headers"])):
            answer = Answer(message)
        elif answer is not None and message["type"] == "http.response.body":
            answer.take(message)
        else:
            await send(message)

    await app(scope, receive, take)
    return answer


def without(scope: Scope, *names: str) -> Scope:
    """The same request without these headers."""
    headers = [(name, value) for name, value in scope["headers"] if name.decode("latin-1") not in names]
    return {**scope, "headers": headers}
