"""A cookie that tells one browser from another, so that a run obeys the browser that began it and no other."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mlpviz_visitor"
THIRTY_DAYS = 30 * 24 * 3600
VALUE = re.compile(r"[\w-]{16,64}")  # any other is replaced


class VisitorCookie:
    """Middleware: gives each browser a random cookie with the page itself, and renews it at each visit.

    HttpOnly, so that no script reads it. Over HTTPS it is also kept where the page stands in a frame on another site
    (SameSite=None; Partitioned: for each such site, another cookie). Without HTTPS no browser allows that. There it is
    SameSite=Lax, not Strict: with Strict, a link followed from another site would arrive without the cookie, and the
    new one would cut the visitor off from their run.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                if _is_page(asked, answered, message["status"]):
                    answered.append("set-cookie", _cookie(visitor_of(asked), _is_secure(scope, asked)))
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def visitor_of(headers: Headers) -> str:
    """The value of a request's cookie; nothing where there is none."""
    value = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return value if VALUE.fullmatch(value) else ""


def _is_page(asked: Headers, answered: Headers, status: int) -> bool:
    """Whether this is the page itself; “not modified” says so with no content and no type."""
    if status == 304:
        return "text/html" in asked.get("accept", "")
    return answered.get("content-type", "").startswith("text/html")


def _is_secure(scope: Scope, asked: Headers) -> bool:
    """Whether the browser came over HTTPS, to this server or to the first of the proxies before it."""
    first, *_ = asked.get("x-forwarded-proto", "").split(",")
    return scope["scheme"] == "https" or first.strip() == "https"


def _cookie(value: str, secure: bool) -> str:
    places = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
    return f"{COOKIE}={value or secrets.token_urlsafe(24)}; Path=/; Max-Age={THIRTY_DAYS}; HttpOnly; {places}"
