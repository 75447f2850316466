"""A cookie that identifies a browser, so that only the browser that started a run can control it."""

from __future__ import annotations

import hashlib
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mlpviz_visitor"
THIRTY_DAYS = 30 * 24 * 3600
VALUE = re.compile(r"[\w-]{16,64}")  # any other value is replaced


class VisitorCookie:
    """Middleware: sends each browser a random cookie together with the page, and renews it at each visit.

    The cookie is HttpOnly, so no script can read it. Over HTTPS it also works if the page is in a frame on another site
    (SameSite=None; Partitioned: a different cookie for each such site). Browsers allow this only over HTTPS. Without
    HTTPS it is SameSite=Lax. It is not Strict: then a visitor who follows a link from another site would arrive without
    the cookie, would get a new one, and would lose access to their run.
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
                if is_page(asked, answered, message["status"]):
                    answered.append("set-cookie", _cookie(visitor_of(asked), _is_secure(scope, asked)))
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def visitor_of(headers: Headers) -> str:
    """The value of the cookie in a request; empty if there is none."""
    value = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return value if VALUE.fullmatch(value) else ""


def owner_of(cookie: str) -> str:
    """A visitor's name on this server, made from the cookie. The cookie itself is written nowhere."""
    return hashlib.sha256(cookie.encode()).hexdigest()[:32]


def is_page(asked: Headers, answered: Headers, status: int) -> bool:
    """Whether the answer is the page itself. “Not modified” (304) has no type, so the request decides."""
    if status == 304:
        return "text/html" in asked.get("accept", "")
    return answered.get("content-type", "").startswith("text/html")


def _is_secure(scope: Scope, asked: Headers) -> bool:
    """Whether the browser used HTTPS, to this server or to the first proxy before it."""
    first, *_ = asked.get("x-forwarded-proto", "").split(",")
    return scope["scheme"] == "https" or first.strip() == "https"


def _cookie(value: str, secure: bool) -> str:
    places = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
    return f"{COOKIE}={value or secrets.token_urlsafe(24)}; Path=/; Max-Age={THIRTY_DAYS}; HttpOnly; {places}"
