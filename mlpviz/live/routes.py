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

from mlpviz.live.encode import encode
from mlpviz.live.engine import get_engine

BOARD = Path(__file__).parent / "board"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PLOTLY_URL = f"live/plotly-{plotly.__version__}.js"


async def newest(request: Request) -> Response:
    """The newest snapshot of the run with that token: 200 with JSON, 204 if `have` names the version at hand, or 404.

    Asking keeps the run going.
    """
    run = get_engine().watch(request.path_params["token"])
    headers = {"Cache-Control": "no-store"}
    if run is None:
        return Response(status_code=404, headers=headers)
    snapshot = run.snapshot
    if snapshot is None or request.query_params.get("have") == f"{snapshot.run}.{snapshot.version}":
        return Response(status_code=204, headers=headers)
    return Response(encode(snapshot), media_type="application/json", headers=headers)


async def plotly_js(request: Request) -> Response:
    """The Plotly.js that the installed plotly package brings; its version is in the address, so it may be kept."""
    return FileResponse(PLOTLY, headers={"Cache-Control": "public, max-age=31536000, immutable"})


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
    Mount("/live/board", StaticFiles(directory=BOARD)),
    Route("/live/{token}", newest),
]
