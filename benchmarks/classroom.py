"""A class of many students: how fast the teacher's board and the students' pages are refreshed, how fast training still
is, how soon a command to all shows on all pages, and how long the pages' own scripts take.

`python -m benchmarks.classroom [seconds] [students]`. It takes about five minutes. The students' pages are simulated:
each fetches over its own connection, and each has a full Streamlit session. No browser draws anything.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.live import measure, until_up
from benchmarks.measure import percentile, table
from benchmarks.ports import free_port
from mlpviz.options import NO_STORE, STORE, TEACHER

SECRET = "the secret of the benchmark"
FOLLOW = 15.0  # seconds over which the pages of a large class follow, as in attendance.js
PATIENCE = 60.0
YOUNG = 20  # steps that do not count
LONGEST = 150.0  # seconds until all have made so many


@dataclass
class Page:
    """The requests of one page: a student's, or the teacher's board."""

    token: str
    cookie: str = ""  # of a student; a teacher's board needs none
    have: str = ""
    known: str = ""
    waits: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    steps: list[tuple[float, int]] = field(default_factory=list)
    notes: list[tuple[float, dict[str, object]]] = field(default_factory=list)
    statuses: list[tuple[float, str]] = field(default_factory=list)

    async def stay(self, port: int, over: asyncio.Event) -> None:
        """Fetch as often as the server says, until it is over."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        before = time.perf_counter()
        await asyncio.sleep(random.random())
        while not over.is_set():
            asked = time.perf_counter()
            address = f"/live/{self.token}?have={self.have}&after={1000 * (asked - before):.0f}"
            address += f"&class={self.known}" if self.cookie else ""
            before = asked
            headers = f"Host: localhost\r\nAccept-Encoding: gzip\r\nCookie: mlpviz_visitor={self.cookie}"
            writer.write(f"GET {address} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(found.group(1)) if (found := re.search(r"content-length: (\d+)", head)) else 0
            body = await reader.readexactly(length)
            self.waits.append(time.perf_counter() - asked)
            if body:
                self.take(body)
            period = int(found.group(1)) / 1e3 if (found := re.search(r"mlpviz-period: (\d+)", head)) else 0.2
            await asyncio.sleep(max(0.0, period - (time.perf_counter() - asked)))
        writer.close()

    def take(self, body: bytes) -> None:
        """Record an answer. A real browser unpacks it on another machine; here we read the beginning, and the end if
        there is news of the class."""
        now = time.perf_counter()
        self.sizes.append(len(body))
        start = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16).decompress(body, 700).decode("utf-8", "replace")
        version, run = re.search(r'"version": (\d+), "run": "([^"]+)"', start).groups()  # type: ignore[union-attr]
        self.have = f"{run}.{version}"
        if found := re.search(r'"status": "(\w+)", "step": (\d+)', start):
            self.statuses.append((now, found.group(1)))
            self.steps.append((now, int(found.group(2))))
        if self.cookie and b'{"version": "' in body:  # the class's part is sent without compression
            note = json.loads(zlib.decompress(body, zlib.MAX_WBITS + 16))["parts"]["class"]
            self.known = note["version"]
            self.notes.append((now, note))

    def speed(self) -> float:
        """Steps per second from the first snapshot to the last."""
        if len(self.steps) < 2:
            return 0.0
        (t0, s0), (t1, s1) = self.steps[0], self.steps[-1]
        return (s1 - s0) / (t1 - t0)


class Session:
    """A Streamlit session, as a browser has it. It sends no values of widgets."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.cookie = port, cookie
        self.runs: list[float] = []  # how long each run of the page's script took, in seconds
        self.buttons: dict[str, str] = {}  # the ids of the page's buttons, by label

    async def open(self) -> None:
        headers = {"Cookie": f"mlpviz_visitor={self.cookie}"}
        address = f"ws://localhost:{self.port}/_stcore/stream"
        origin = f"http://localhost:{self.port}"
        self.socket = await websockets.connect(
            address,
            additional_headers=headers,
            origin=origin,  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
        )

    async def run(self, query: str = "", pressed: str = "") -> None:
        """Run the page's script, with a button pressed or not, and wait for its end."""
        begun = time.perf_counter()
        message = BackMsg()
        message.rerun_script.query_string = query
        if pressed:
            message.rerun_script.widget_states.widgets.add(id=self.buttons[pressed], trigger_value=True)
        await self.socket.send(message.SerializeToString())
        while True:
            forward = ForwardMsg()
            forward.ParseFromString(await asyncio.wait_for(self.socket.recv(), PATIENCE))
            kind = forward.WhichOneof("type")
            if kind == "delta":
                button = forward.delta.new_element.button
                self.buttons |= {button.label: button.id} if button.label else {}
            if kind == "script_finished":
                break
        self.runs.append(time.perf_counter() - begun)

    async def close(self) -> None:
        await self.socket.close()


class Class:
    """A server with a class, its pages, and what is measured there."""

    def __init__(self, students: int) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "benchmarks.classroom_server", str(self.port), str(students)]
        variables = os.environ | {STORE: NO_STORE, TEACHER: SECRET}
        self.server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=variables
        )
        assert self.server.stdout is not None
        told = next(line for line in self.server.stdout if line.startswith("{"))
        self.told = json.loads(told)
        self.pages = [Page(*each) for each in zip(self.told["tokens"], self.told["cookies"], strict=True)]
        self.board = Page(self.told["class"])
        self.over = asyncio.Event()

    async def measure(self, seconds: float) -> None:
        """Let all pages fetch for so long, when every run has made some steps. What was before does not count: the
        first steps of a run are looked at closely."""
        end = time.perf_counter() + LONGEST
        while not all(page.steps and page.steps[-1][1] >= YOUNG for page in self.pages) and time.perf_counter() < end:
            await asyncio.sleep(1)
        for page in (*self.pages, self.board):
            page.waits, page.sizes, page.steps = [], [], []
        await asyncio.sleep(seconds)

    def row(self, what: str, alone: float, seconds: float) -> list[object]:
        pages = [1e3 * wait for page in self.pages for wait in page.waits]
        board = [1e3 * wait for wait in self.board.waits]
        return [
            what,
            f"{len(pages) / seconds:.0f}",
            " / ".join(f"{percentile(pages, share):.0f}" for share in (0.5, 0.95)),
            " / ".join(f"{percentile(board, share):.0f}" for share in (0.5, 0.95)),
            f"{sum(self.board.sizes) / max(1, len(self.board.sizes)) / 1e3:.1f}",
            f"{100 * sum(page.speed() for page in self.pages) / alone:.0f} %",
        ]

    async def reach(self, begun: float, there: object) -> float:
        """How long it takes until all pages show something, in seconds since `begun`."""
        while not all(there(page) for page in self.pages):  # type: ignore[operator]
            if time.perf_counter() - begun > PATIENCE:
                return float("inf")
            await asyncio.sleep(0.02)
        return time.perf_counter() - begun


async def work(seconds: float, students: int, alone: float) -> None:
    here = Class(students)
    try:
        await until_up(here.port)
        staying = [asyncio.create_task(page.stay(here.port, here.over)) for page in (*here.pages, here.board)]
        await here.measure(seconds)
        rows = [here.row("live pages and the board", alone, seconds)]

        sessions = [Session(here.port, cookie) for cookie in here.told["cookies"]]
        begun = time.perf_counter()
        for batch in range(0, students, 4):  # they come one after another, as in a room
            await asyncio.gather(*(_come(session) for session in sessions[batch : batch + 4]))
        came = time.perf_counter() - begun
        first = [1e3 * session.runs[0] for session in sessions]
        await here.measure(seconds)
        rows.append(here.row("and their Streamlit sessions", alone, seconds))
        names = ["what is there", "fetches/s", "students: p50 / p95 ms", "board: p50 / p95 ms", "board, kB"]
        table([*names, "training, relative to one run"], rows)

        teacher = Session(here.port, here.told["teacher"])
        await teacher.open()
        await teacher.run("view=class")
        shown = []
        for button, status in (("Pause all", "paused"), ("Start all", "training"), ("Pause all", "paused")):
            begun = time.perf_counter()
            await teacher.run("view=class", button)
            shown.append((button, await here.reach(begun, lambda page, s=status: _last(page.statuses) == s)))
        begun = time.perf_counter()
        await teacher.run("view=class", "Show it on all screens")
        shown.append(("Eyes here", await here.reach(begun, lambda page: bool(_note(page).get("sentence")))))
        begun = time.perf_counter()
        await teacher.run("view=class", "Let go")
        shown.append(("Let go", await here.reach(begun, lambda page: not _note(page).get("sentence"))))
        begun = time.perf_counter()
        deal = "Deal to everybody"
        asked = asyncio.create_task(teacher.run("view=class", deal))
        rounds = {page.token: _note(page).get("round", 0) for page in here.pages}
        dealt = await here.reach(begun, lambda page: _note(page).get("round", 0) != rounds[page.token])
        shown.append((f"Deal (a new run for each of {students})", dealt))
        await asked
        table(["command", "seconds until it shows on all pages"], [[name, f"{took:.1f}"] for name, took in shown])

        for page in here.pages:
            page.waits = []
        begun = time.perf_counter()
        await asyncio.gather(*(_follow(session) for session in sessions))
        follows = time.perf_counter() - begun
        waits = [1e3 * wait for page in here.pages for wait in page.waits]
        again = [1e3 * session.runs[-1] for session in sessions]
        came_row = [f"{students} open the page, four at a time", f"{came:.0f}", _two(first), "–"]
        slow = f"{percentile(waits, 0.95):.0f}"
        followed = [f"{students} follow within {FOLLOW:.0f} s", f"{follows:.0f}", _two(again), slow]
        names = ["all are through after, s", "one script: p50 / p95 ms", "fetches meanwhile: p95 ms"]
        table(["the pages' own scripts", *names], [came_row, followed])
        here.over.set()
        await asyncio.gather(*staying, return_exceptions=True)
        for session in (*sessions, teacher):
            await session.close()
    finally:
        here.server.terminate()
        here.server.wait()


def _two(values: list[float]) -> str:
    return f"{percentile(values, 0.5):.0f} / {percentile(values, 0.95):.0f}"


def _last(statuses: list[tuple[float, str]]) -> str:
    return statuses[-1][1] if statuses else ""


def _note(page: Page) -> dict[str, object]:
    return page.notes[-1][1] if page.notes else {}


async def _come(session: Session) -> None:
    await session.open()
    await session.run()


async def _follow(session: Session) -> None:
    await asyncio.sleep(FOLLOW * random.random())
    await session.run()


def main(seconds: float = 20, students: int = 200) -> None:
    alone = measure(1, 1, seconds)[0].speed()
    asyncio.run(work(seconds, students, alone))
    again = measure(1, 1, seconds)[0].speed()
    print(f"One run alone makes {alone:.0f} steps/s; again at the end (A/A): {100 * again / alone:.0f} %.")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 200)
