"""Compressed files: each file that never changes is compressed once, for all visitors."""

from __future__ import annotations

import asyncio
import gzip
import posixpath

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mlpviz.live.answer import accepts_gzip
from mlpviz.live.held import Answer, held_back, without

SMALLEST = 1000  # bytes; smaller files gain nothing
LARGEST = 32_000_000  # bytes of compressed files that are kept
TEXT = ("application/javascript", "application/json", "text/", "image/svg")
FOLDERS = ("/static/", "/live/board/", "/live/gallery/", "/live/canvas/", "/live/plotly-")


class Compression:
    """Middleware: sends text files compressed with gzip, and keeps the compressed bytes.

    Starlette's own `GZipMiddleware` compresses each answer again. For this page's files, that takes 0.3 s a visitor, in
    which the server answers nobody else. The newest snapshots are compressed elsewhere, in parts.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: dict[str, Answer] = {}  # by path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _wants_it(scope):
            await self.app(scope, receive, send)
            return
        answer = self._kept.get(scope["path"])
        if answer is None:
            plain = without(scope, "accept-encoding")  # otherwise somebody inside compresses it
            answer = await held_back(self.app, plain, receive, send, _gains)
            if answer is None:
                return
            if answer.whole and len(answer.body) >= SMALLEST:
                await asyncio.to_thread(_compress, answer)
                self._keep(scope["path"], answer)
        await answer.give(send)

    def _keep(self, path: str, answer: Answer) -> None:
        kept = sum(len(each.body) for each in self._kept.values())
        if kept + len(answer.body) <= LARGEST and path == posixpath.normpath(path):  # one entry for each file
            self._kept[path] = answer


def _wants_it(scope: Scope) -> bool:
    """Whether this asks for a whole file that may be compressed."""
    headers = Headers(scope=scope)
    whole = not {"range", "if-none-match", "if-modified-since"} & set(headers)
    in_folder = any(folder in scope["path"] for folder in FOLDERS)
    return scope["method"] == "GET" and in_folder and whole and accepts_gzip(headers.get("accept-encoding", ""))


def _gains(status: int, headers: Headers) -> bool:
    """Whether compressing this answer makes it smaller, and everybody gets the same."""
    text = headers.get("content-type", "").startswith(TEXT) and "content-encoding" not in headers
    return status == 200 and text and "set-cookie" not in headers


def _compress(answer: Answer) -> None:
    answer.body = gzip.compress(answer.body, 9, mtime=0)
    answer.headers["content-encoding"] = "gzip"
    answer.headers.add_vary_header("Accept-Encoding")
    del answer.headers["accept-ranges"]  # a part of the compressed file is of no use
    if "etag" in answer.headers:
        answer.headers["etag"] = f"W/{answer.headers['etag'].removeprefix('W/')}"  # the same content in other bytes
