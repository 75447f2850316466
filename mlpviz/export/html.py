"""A run as one HTML file that plays its film: the board, its parts for each moment, and Plotly are all inside.

The file asks no server for anything, so it opens from a disk, an e-mail or a course page.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import plotly

from mlpviz import __version__
from mlpviz.backend.frames import frame
from mlpviz.backend.parts import Encoder
from mlpviz.export.markdown import as_html
from mlpviz.figures.diagnosis import how_it_is_doing
from mlpviz.figures.headline import headline
from mlpviz.figures.help import HELP
from mlpviz.figures.palette import FOR_BROWSER, FOR_STYLES
from mlpviz.film import Moment, Roll
from mlpviz.lessons import Lesson
from mlpviz.line_by_line.script import five_lines
from mlpviz.live.answer import plain
from mlpviz.settings import spell
from mlpviz.snapshot import Snapshot, Status

MOST_BYTES = 8_000_000  # of the file
MOVING = (Status.PREPARING, Status.TRAINING, Status.EXAMINING)
LEVEL = 9  # of compression
LIVE = Path(__file__).parent.parent / "live"
BOARD, PLAYER = LIVE / "board", LIVE / "player"
STYLES = (PLAYER / "player.css", *(BOARD / f"{name}.css" for name in ("card", "board", "narrow", "print")))
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

HOW = (
    "Press the button ▶ below the status, or the key K, to play the film of this run. Drag the slider, or press J and "
    "L, to go to a moment. Everything then shows what was measured at that step. *End* goes to the last step."
)
WHAT = (
    "A real neural network learned to tell the ten classes of {dataset} apart. Everything here was measured while it "
    f"trained. mlpviz {__version__} made this file, which works without a network connection."
)


def film_page(
    roll: Roll, title: str = "", lesson: Lesson | None = None, progress: Callable[[float], None] = lambda done: None
) -> bytes:
    """The file.

    Args:
        roll: a run that rests, with its film.
        title: what the run is called; otherwise its settings are its title.
        lesson: whose text stands below the board.
        progress: called with the share that is done, 0 to 1.
    """
    around = _around(roll.now, title, lesson)
    encoded: dict[int, str] = {}
    for i, moment in enumerate(roll.moments):
        progress(i / len(roll.moments))
        encoded[moment.step] = _packed(plain(frame(roll.at(moment))))
    around["run"] = _now(roll.now, roll.moments)
    room = MOST_BYTES - sum(map(len, around.values()))
    moments = fitting(roll.moments, lambda moment: len(encoded[moment.step]) + 12, room)
    around["run"] = _now(roll.now, moments)
    around["moments"] = json.dumps({moment.step: encoded[moment.step] for moment in moments})
    progress(1.0)
    return _filled((PLAYER / "player.html").read_text(encoding="utf-8"), around).encode()


def fitting(moments: Sequence[Moment], size: Callable[[Moment], int], room: int) -> Sequence[Moment]:
    """The moments, or every second one, or every fourth, and so on: as many as there is room for."""
    while len(moments) > 1 and sum(map(size, moments)) > room:
        moments = moments[::2]
    return moments


def _around(now: Snapshot, title: str, lesson: Lesson | None) -> dict[str, str]:
    """Everything in the file but the film, by the names in `player.html`."""
    colors = " ".join(f"{name}: {color};" for name, color in FOR_STYLES.items())
    return {
        "title": html.escape(title or f"A network learns {now.dataset}"),
        "about": html.escape(str(headline(now)["brief"])),
        "styles": "\n".join([path.read_text(encoding="utf-8") for path in STYLES] + [f":root {{ {colors} }}"]),
        "board": (BOARD / "board.html").read_text(encoding="utf-8"),
        "texts": "\n".join(_texts(now, lesson)),
        "plotly": _packed(PLOTLY.read_bytes()),
        "modules": json.dumps({"imports": _modules()}),
        "run": "",
        "moments": "",
    }


def _texts(now: Snapshot, lesson: Lesson | None) -> list[str]:
    """The sections below the board."""
    rows = [(name.replace("_", " "), spell(value)) for name, value in vars(now.settings).items()]
    table = "".join(f"<tr><th scope='row'>{html.escape(n)}</th><td>{html.escape(v)}</td></tr>" for n, v in rows)
    changes = [f"- step {step:,}: {text}" for step, text in now.changes]
    sections = [
        ("How to play it", as_html(HOW) if now.film.steps else ""),
        ("How the run went", as_html(_escaped(how_it_is_doing(now.diagnosis)))),
        ("Settings", f"<table>{table}</table>"),
        ("Changed on the way", as_html(_escaped("\n".join(changes)))),
        ("What this is", as_html(WHAT.format(dataset=_escaped(now.dataset)))),
    ]
    if lesson is not None:
        sections.insert(1, (f"Lesson: {lesson.title}", as_html("\n\n".join((lesson.question, lesson.watch)))))
        sections.insert(2, ("The lesson’s answer", as_html(lesson.answer)))
    return [f"<section><h2>{html.escape(name)}</h2>{text}</section>" for name, text in sections if text]


def _escaped(text: str) -> str:
    """Plain text as Markdown: characters with a meaning there stay as they are. A list stays a list."""
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)


def _board() -> dict[str, object]:
    """What the page would give to the board, for one that nobody controls."""
    return {
        "status": Status.PAUSED,
        "end": "End",
        "plotly": "",
        "stripOnly": False,
        "inLesson": False,
        "presenting": False,
        "evaluations": None,
        "filled": 0,
        "cards": [],
        "overlays": [],
        "palette": FOR_BROWSER,
        "speed": None,
        "actions": [],
        "tools": [],
        "chooses": False,
        "round": None,
        "code": five_lines(),
        "keys": True,
        "help": {name: texts._asdict() for name, texts in HELP.items()},
    }


def _now(now: Snapshot, moments: Sequence[Moment]) -> str:
    """All parts of the run where it rests, with the moments that the file has; and what the board needs."""
    index = replace(now.film, steps=tuple(each.step for each in moments), bytes=sum(each.bytes for each in moments))
    rests = Status.PAUSED if now.status in MOVING else now.status
    parts = json.loads(plain(Encoder().newest(replace(now, film=index, status=rests), None, frozenset())))
    return _packed(json.dumps({"board": _board(), "now": parts}).encode())


def _modules() -> dict[str, str]:
    """The board's JavaScript modules as data, by the names under which they import each other here. A page from a disk
    can't import files."""
    modules = {}
    for path in (*sorted(BOARD.glob("*.js")), PLAYER / "player.js"):
        source = re.sub(r'from "[./\w]*?(\w+\.js)"', r'from "mlpviz/\1"', path.read_text(encoding="utf-8"))
        modules[f"mlpviz/{path.name}"] = f"data:text/javascript;base64,{base64.b64encode(source.encode()).decode()}"
    return modules


def _packed(data: bytes) -> str:
    """Deflated, as base64."""
    return base64.b64encode(zlib.compress(data, LEVEL)).decode()


def _filled(template: str, values: dict[str, str]) -> str:
    """The template with the values in place of their names. Values are not looked through again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], template)
