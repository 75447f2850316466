"""The HTTP routes beside the page: a task's newest snapshot, and the files for the browser."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from mlpviz.backend.parts import Newest
from mlpviz.download import DOWNLOADS
from mlpviz.live.answer import accepts_gzip, gzipped, plain
from mlpviz.live.backend import get_backend
from mlpviz.live.pulse import Pulse

BOARD = Path(__file__).parent / "board"
GALLERY = Path(__file__).parent / "gallery"
CANVAS = Path(__file__).parent / "canvas"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PLOTLY_URL = f"live/plotly-{plotly.__version__}.js"
PULSE = Pulse()
FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


async def newest(request: Request) -> Response:
    """The newest snapshot of the task with this token, in parts: 200 with JSON, 204 if there is nothing new, or 404.

    Query parameters: `have` is the version that the browser has, as "run id.version"; parts that haven't changed since
    then are left out. `only` lists the wanted parts, separated by commas; `without`, those that are not wanted.
    `after` is how many milliseconds ago the page asked before.
    `hidden=1` means that the page is in a hidden tab, where the browser allows only one request a minute.

    The header `Mlpviz-Period` says after how many milliseconds to ask again.

    Each request also keeps the run going.
    """
    query = request.query_params
    only, without = (frozenset(query[key].split(",")) if query.get(key) else frozenset() for key in ("only", "without"))
    token, hidden = request.path_params["token"], query.get("hidden") == "1"
    answer = await get_backend().newest(token, _have(query.get("have", "")), only, hidden, without)
    period = PULSE.asked(_after(query.get("after", "")))
    headers = {"Cache-Control": "no-store", "Mlpviz-Period": f"{1000 * period:.0f}"}
    return _response(request, answer, headers)


async def moment(request: Request) -> Response:
    """An earlier moment of the run with this token, at a step of its film: 200 with JSON, or 404."""
    token, step = request.path_params["token"], request.path_params["step"]
    return _response(request, await get_backend().moment(token, step), {"Cache-Control": "no-store"})


def _response(request: Request, answer: Newest | None, headers: dict[str, str]) -> Response:
    """The parts, compressed if the browser allows it."""
    if answer is None:
        return Response(status_code=404, headers=headers)
    if not answer.parts:
        return Response(status_code=204, headers=headers)
    headers |= {"Vary": "Accept-Encoding"}
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(plain(answer), media_type="application/json", headers=headers)
    headers |= {"Content-Encoding": "gzip"}  # tells middleware not to compress it again
    return Response(gzipped(answer), media_type="application/json", headers=headers)


def _after(text: str) -> float:
    """The seconds since the page asked before."""
    return int(text) / 1000 if text.isdecimal() and len(text) < 9 else 0.0


def _have(text: str) -> tuple[str, int] | None:
    run, dot, version = text.rpartition(".")
    return (run, int(version)) if dot and version.isdecimal() and len(version) < 19 else None


async def plotly_js(request: Request) -> Response:
    """The Plotly.js of the installed plotly package. Its version is in the address, so browsers may keep it."""
    return FileResponse(PLOTLY, headers=FOR_GOOD)


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """Stop all downloads and runs when the server stops."""
    backend = get_backend()
    gc.collect()
    gc.freeze()  # torch has many objects: without this, a full garbage collection stops the server for 0.1 s or more
    yield
    DOWNLOADS.close()
    backend.close()


ROUTES: list[BaseRoute] = [
    Route(f"/{PLOTLY_URL}", plotly_js),
    Mount("/live/board", StaticFiles(directory=BOARD)),
    Mount("/live/gallery", StaticFiles(directory=GALLERY)),
    Mount("/live/canvas", StaticFiles(directory=CANVAS)),
    Route("/live/{token}", newest),
    Route("/live/{token}/at/{step:int}", moment),
]
