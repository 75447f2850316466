"""A cookie that tells one browser from another, so that a run obeys the browser that began it and no other."""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mlpviz_visitor"
THIRTY_DAYS = 30 * 24 * 3600


class VisitorCookie:
    """Middleware: gives each browser without one a random cookie, with the page itself.

    HttpOnly, so that no script reads it. SameSite=Lax, not Strict: with Strict, a link followed from another site would
    arrive without the cookie, and the new one would cut the visitor off from their run.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _has_cookie(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    secure = "; Secure" if scope["scheme"] == "https" else ""
                    cookie = f"{COOKIE}={secrets.token_urlsafe(24)}; Path=/; Max-Age={THIRTY_DAYS}"
                    headers.append("set-cookie", f"{cookie}; HttpOnly; SameSite=Lax{secure}")
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _has_cookie(headers: Headers) -> bool:
    return bool(cookie_parser(headers.get("cookie", "")).get(COOKIE))
