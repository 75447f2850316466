"""Security headers, and private addresses of the server."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlpviz.options import sites_with_frames

PRIVATE = ("/_stcore/metrics",)  # shows how many visitors there are and what they use


class Security:
    """Middleware: adds security headers to each answer, and hides the server's own statistics.

    By default, no other site may show the page in a frame.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        sites = sites_with_frames()
        self._headers = {
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "content-security-policy": " ".join(("frame-ancestors 'self'", *sites)),
        }
        if not sites:
            self._headers["x-frame-options"] = "SAMEORIGIN"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        if scope["path"].rstrip("/").endswith(PRIVATE):
            await PlainTextResponse("Not Found", status_code=404)(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)
