"""The HTTP routes beside the page: a task's newest snapshot, and the files for the browser."""

from __future__ import annotations

import dataclasses
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from mlpviz.backend.parts import Newest, Part
from mlpviz.classroom.codes import RefusedError
from mlpviz.download import DOWNLOADS
from mlpviz.live.answer import accepts_gzip, gzipped, plain
from mlpviz.live.backend import get_backend
from mlpviz.live.pulse import Pulse
from mlpviz.live.school import get_school
from mlpviz.live.visitor import owner_of, visitor_of

BOARD = Path(__file__).parent / "board"
GALLERY = Path(__file__).parent / "gallery"
CANVAS = Path(__file__).parent / "canvas"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PLOTLY_URL = f"live/plotly-{plotly.__version__}.js"
CLASS = "class"  # the part of an answer that comes from a student's class
MOST_BYTES = 1000  # of a student's answer to a question
PULSE = Pulse()
FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


async def newest(request: Request) -> Response:
    """The newest snapshot of the task with this token, in parts: 200 with JSON, 204 if there is nothing new, or 404.

    Query parameters: `have` is the version that the browser has, as "run id.version"; parts that haven't changed since
    then are left out. `only` lists the wanted parts, separated by commas; `without`, those that are not wanted.
    `after` is how many milliseconds ago the page asked before.
    `hidden=1` means that the page is in a hidden tab, where the browser allows only one request a minute.
    `class` is sent by the page of a student: the version of what it shows of its class. If there is news of the class,
    the answer has a part "class"; it is null if the student is no longer in the class.

    The header `Mlpviz-Period` says after how many milliseconds to ask again.

    Each request also keeps the run going.
    """
    query = request.query_params
    only, without = (frozenset(query[key].split(",")) if query.get(key) else frozenset() for key in ("only", "without"))
    token, hidden = request.path_params["token"], query.get("hidden") == "1"
    have = _have(query.get("have", ""))
    answer = await get_school().board(token, have, only, without)
    if answer is None:
        answer = await get_backend().newest(token, have, only, hidden, without)
    if CLASS in query:
        answer = _with_class(answer, get_school().attend(owner_of(visitor_of(request.headers)), query[CLASS], hidden))
    period = PULSE.asked(_after(query.get("after", "")))
    headers = {"Cache-Control": "no-store", "Mlpviz-Period": f"{1000 * period:.0f}"}
    return _response(request, answer, headers)


def _with_class(answer: Newest | None, note: bytes | None) -> Newest | None:
    """The answer, with what the class shows on this page; also if the run is gone."""
    if note is None:
        return answer
    known = answer or Newest("", 0, ())
    return dataclasses.replace(known, parts=(*known.parts, Part(CLASS, 0, note, b"")))


async def predict(request: Request) -> Response:
    """A student's answer to the question of their class, from the browser that has joined it: 204, or 4xx with the
    reason as text. The body is JSON: `{"question": id, "option": number}`."""
    owner = owner_of(visitor_of(request.headers))
    try:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                return Response(status_code=413)
        asked = json.loads(body)
        question, option = asked["question"], asked["option"]
        if not isinstance(question, str) or type(option) is not int:
            return Response(status_code=400)
    except (ValueError, TypeError, KeyError):
        return Response(status_code=400)
    found = get_school().of_member(owner)
    if found is None:
        return Response("You are not in this class, or your browser sends no cookies.", 403)
    try:
        found[0].answer(owner, question, option)
    except RefusedError as error:
        return Response(str(error), 409)
    return Response(status_code=204)


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
    school = get_school()
    yield
    DOWNLOADS.close()
    school.close()
    backend.close()


ROUTES: list[BaseRoute] = [
    Route(f"/{PLOTLY_URL}", plotly_js),
    Mount("/live/board", StaticFiles(directory=BOARD)),
    Mount("/live/gallery", StaticFiles(directory=GALLERY)),
    Mount("/live/canvas", StaticFiles(directory=CANVAS)),
    Route("/live/answer", predict, methods=["POST"]),
    Route("/live/{token}", newest),
    Route("/live/{token}/at/{step:int}", moment),
]
