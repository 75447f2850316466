"""Uploaded files: how many of them a visitor may leave on the server."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlpviz.live.visitor import visitor_of

ADDRESS = "/_stcore/upload_file/"  # where Streamlit takes files: /_stcore/upload_file/<session>/<file>
MOST = 3  # files of one visitor; the page needs one
MOST_TOGETHER = 32


class UploadLimit:
    """Middleware: lets the oldest file go when a visitor uploads more than a few, or all together many.

    Streamlit keeps each file in memory until its session ends, and takes any number of them. This has it delete one,
    with the request that its own page sends when somebody removes a file.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: dict[str, tuple[str, Scope]] = {}  # by address, oldest first: the visitor, and the request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or ADDRESS not in scope["path"]:
            await self.app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receive, watched)
        if scope["method"] == "DELETE":
            self._kept.pop(scope["path"], None)
        elif scope["method"] == "PUT" and status < 300:
            await self._keep(scope)

    async def _keep(self, scope: Scope) -> None:
        self._kept.pop(scope["path"], None)
        self._kept[scope["path"]] = _visitor(scope), scope
        visitors = [path for path, (visitor, _) in self._kept.items() if visitor == _visitor(scope)]
        for path in {*visitors[:-MOST], *list(self._kept)[:-MOST_TOGETHER]}:
            _, request = self._kept.pop(path)
            await self.app(dict(request) | {"method": "DELETE"}, _nothing, _ignore)


def _visitor(scope: Scope) -> str:
    """The cookie; without one, the session."""
    return visitor_of(Headers(scope=scope)) or scope["path"].rsplit("/", 2)[-2]


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(message: Message) -> None:
    return None
