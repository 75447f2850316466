"""What the server serves: the page, the routes beside it, and the middleware for both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.middleware import Middleware

from mlpviz import options
from mlpviz.live.backend import get_backend
from mlpviz.live.compression import Compression
from mlpviz.live.first_paint import FirstPaint
from mlpviz.live.routes import ROUTES, lifespan
from mlpviz.live.school import teacher_secret
from mlpviz.live.security import Security
from mlpviz.live.uploads import UploadLimit
from mlpviz.live.visitor import VisitorCookie

PAGE = Path(__file__).parent.parent / "page" / "main.py"
MIDDLEWARE = [Middleware(each) for each in (Compression, FirstPaint, Security, VisitorCookie, UploadLimit)]


def serving() -> dict[str, Any]:
    """The arguments for `streamlit.App(PAGE, **serving())`. A wrong option ends the program with a message."""
    try:
        options.check()
        if options.has_workers():
            get_backend()  # now, when there is a terminal to say what is wrong
    except options.OptionError as error:
        raise SystemExit(str(error)) from None
    if not options.teacher_secret():
        print(f"To open a class on the page, a teacher needs this secret: {teacher_secret()}", flush=True)
    return {"routes": ROUTES, "middleware": MIDDLEWARE, "lifespan": lifespan}
