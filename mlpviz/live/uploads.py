"""Uploaded files: how many files the server keeps."""

from __future__ import annotations

from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlpviz.live.visitor import visitor_of

ADDRESS = "/_stcore/upload_file/"  # where Streamlit receives files: /_stcore/upload_file/<session>/<file>
MOST = 3  # files for each visitor; the page needs one
MOST_BYTES = 512 * 2**20  # for all files together


class UploadLimit:
    """Middleware: deletes an old file when a visitor has too many, or when all files together are too large.

    Streamlit accepts any number of files, and keeps each one in memory until its session ends. To delete a file, this
    sends the same request that Streamlit's page sends when somebody removes a file.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: dict[str, Upload] = {}  # by address, oldest first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or ADDRESS not in scope["path"]:
            await self.app(scope, receive, send)
            return
        status, size = 0, 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, counted, watched)
        if scope["method"] == "DELETE" and status < 300:
            self._kept.pop(scope["path"], None)
        elif scope["method"] == "PUT" and status < 300:
            self._kept.pop(scope["path"], None)
            self._kept[scope["path"]] = Upload(_visitor(scope), size, scope)
            while (path := self._one_too_many(_visitor(scope))) is not None:
                request = self._kept.pop(path).request
                await self.app(dict(request) | {"method": "DELETE"}, _nothing, _ignore)

    def _one_too_many(self, visitor: str) -> str | None:
        """The file to delete, or None.

        It is the visitor's oldest file if this visitor has too many. If all files together are too large, it is the
        oldest file of the visitor with the most bytes. So nobody loses a file because of another visitor's large files.
        """
        own = [path for path, upload in self._kept.items() if upload.visitor == visitor]
        if len(own) > MOST:
            return own[0]
        sizes: dict[str, int] = {}
        for upload in self._kept.values():
            sizes[upload.visitor] = sizes.get(upload.visitor, 0) + upload.size
        if sum(sizes.values()) <= MOST_BYTES:
            return None
        largest = max(sizes, key=sizes.__getitem__)
        return next(path for path, upload in self._kept.items() if upload.visitor == largest)


class Upload(NamedTuple):
    """A file that is kept: its visitor, its size in bytes, and the request that uploaded it."""

    visitor: str
    size: int
    request: Scope


def _visitor(scope: Scope) -> str:
    """The value of the cookie. Without a cookie, the session."""
    return visitor_of(Headers(scope=scope)) or scope["path"].rsplit("/", 2)[-2]


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(message: Message) -> None:
    return None
