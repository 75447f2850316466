"""The HTTP routes beside the page: a run's newest snapshot, and the files of the board."""

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

from mlpviz.datasets import DATASETS, DatasetError
from mlpviz.live.encode import encode, encode_strip
from mlpviz.live.engine import get_engine
from mlpviz.live.sprite import fingerprint, sprite
from mlpviz.snapshot import Snapshot

BOARD = Path(__file__).parent / "board"
GALLERY = Path(__file__).parent / "gallery"
CANVAS = Path(__file__).parent / "canvas"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PLOTLY_URL = f"live/plotly-{plotly.__version__}.js"


async def newest(request: Request) -> Response:
    """The newest snapshot of the task with that token: 200 with JSON, 204 if `have` names the version at hand, or 404.
    With `strip`, only what stands above the figures.

    Asking keeps the run going.
    """
    task = get_engine().watch(request.path_params["token"])
    headers = {"Cache-Control": "no-store"}
    if task is None:
        return Response(status_code=404, headers=headers)
    snapshot = task.snapshot
    if snapshot is None or request.query_params.get("have") == f"{snapshot.run}.{snapshot.version}":
        return Response(status_code=204, headers=headers)
    if "strip" in request.query_params and isinstance(snapshot, Snapshot):
        content = encode_strip(snapshot)
    else:
        content = encode(snapshot)
    return Response(content, media_type="application/json", headers=headers)


async def plotly_js(request: Request) -> Response:
    """The Plotly.js that the installed plotly package brings; its version is in the address, so it may be kept."""
    return FileResponse(PLOTLY, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def images(request: Request) -> Response:
    """All test images of a dataset as one PNG; 404 where this server doesn't have it. Runs in a thread of its own."""
    name, _, found = request.path_params["name"].rpartition("-")
    try:
        if name not in DATASETS or found != fingerprint(name):
            return Response(status_code=404)
        content = sprite(name)
    except DatasetError:
        return Response(status_code=404)
    return Response(content, media_type="image/png", headers={"Cache-Control": "public, max-age=31536000, immutable"})


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """The engine lives as long as the server."""
    engine = get_engine()
    gc.collect()
    gc.freeze()  # torch's many objects stay: without this, each full collection stops the server for 0.1 s and more
    yield
    engine.close()


ROUTES: list[BaseRoute] = [
    Route(f"/{PLOTLY_URL}", plotly_js),
    Route("/live/sprite/{name}.png", images),
    Mount("/live/board", StaticFiles(directory=BOARD)),
    Mount("/live/gallery", StaticFiles(directory=GALLERY)),
    Mount("/live/canvas", StaticFiles(directory=CANVAS)),
    Route("/live/{token}", newest),
]
