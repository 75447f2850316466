"""The live board: a component that fetches and draws by itself, without a script run of the page."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from mlpviz.figures.help import HELP
from mlpviz.figures.palette import FOR_BROWSER
from mlpviz.line_by_line.script import five_lines
from mlpviz.live.routes import BOARD, PLOTLY_URL
from mlpviz.page import memory
from mlpviz.page.component import loader
from mlpviz.page.controls import current_lesson
from mlpviz.page.examples import asked
from mlpviz.page.fields import filled, keep_filled
from mlpviz.page.guard import safely
from mlpviz.page.keys import keys_on
from mlpviz.page.present import presenting
from mlpviz.page.speed import choices, choose_speed
from mlpviz.state import RunState, TaskState

STYLES = ("board", "narrow", "present", "classroom", "print")


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "mlpviz_board",
        html=(BOARD / "board.html").read_text(encoding="utf-8"),
        css="\n".join((BOARD / f"{name}.css").read_text(encoding="utf-8") for name in STYLES),
        js=loader("board/board.js"),
        isolate_styles=False,
    )


@dataclass(frozen=True)
class Overlay:
    """Another run to draw into the same figures: a pinned run, or a twin in training."""

    token: str
    label: str
    about: str = ""  # what is different in it, in a few words
    twin: bool = False


@dataclass(frozen=True)
class Action:
    """Something that the reader can do about what is wrong.

    Attributes:
        label: on its button. help: what it does. act: a callback.
    """

    name: str
    label: str
    help: str
    act: Callable[[RunState], object]


@dataclass(frozen=True)
class Points:
    """What the reader can choose in the figures, with the mouse or the keys.

    Attributes:
        columns: how many points are in a row. chosen: takes x and y of a point of the last trace.
        now: x and y of the point that is chosen now.
        zoomed: takes the ends of both axes after the reader has zoomed: x from and to, y from and to; nothing if all is
            in sight again.
    """

    columns: int
    chosen: Callable[[float, float], object]
    zoomed: Callable[..., object]
    now: tuple[float, float] | None = None


def board(
    task: TaskState,
    key: str = "board",
    strip_only: bool = False,
    evaluations: int | None = None,
    overlays: Sequence[Overlay] = (),
    cards: Sequence[str] = (),
    controls: bool = True,
    actions: Sequence[Action] = (),
    tools: Sequence[Action] = (),
    points: Points | None = None,
    members: Callable[[str], object] | None = None,
) -> None:
    """Show a board for a run or another task. It triggers one script run when the task's status differs from the one
    that the page has drawn its buttons for. With `evaluations`, it also does so when the run's number of evaluations
    differs from this. With `cards`, it shows only these figures. Without `controls`, nobody can choose the speed or
    the examples here. The `actions` are offered beside what is wrong, the `tools` in the first figure of the curves.
    With `points`, the reader can choose a point or a rectangle of the figures. `members` takes the id of the student
    whose tile was chosen on the board of a class.
    """
    run = task if isinstance(task, RunState) and controls else None
    data = {
        "token": task.token,
        "status": task.status,
        "plotly": PLOTLY_URL,
        "stripOnly": strip_only,
        "inLesson": current_lesson() is not None,
        "presenting": presenting(),
        "evaluations": evaluations,
        "filled": filled(),
        "cards": list(cards),
        "columns": points.columns if points is not None else 0,
        "chosen": points.now if points is not None else None,
        "palette": FOR_BROWSER,
        "speed": choices(run) if run is not None else None,
        "code": five_lines(),
        "keys": keys_on(),
        "help": {name: texts._asdict() for name, texts in HELP.items()},
        "actions": [(action.name, action.label, action.help) for action in actions],
        "tools": [(tool.name, tool.label, tool.help) for tool in tools],
        "chooses": run is not None,
        "round": memory.CLASS_ROUND.get()[1] if run is not None and memory.CLASS_ROUND.get()[0] else None,
        "overlays": [asdict(overlay) for overlay in overlays],
    }
    act = functools.partial(_act, [*actions, *tools])
    _component()(
        key=key,
        data=data,
        on_status_change=safely(functools.partial(_announced, key, "status")),
        on_speed_change=safely(functools.partial(_told, run, key, "speed", choose_speed)),
        on_examples_change=safely(functools.partial(_told, run, key, "examples", asked)),
        on_action_change=safely(functools.partial(_told, run, key, "action", act)),
        on_class_change=safely(functools.partial(_announced, key, "class")),
        on_member_change=safely(functools.partial(_chosen_member, members, key)),
        on_chosen_change=safely(functools.partial(_pointed, points, key, "chosen")),
        on_zoomed_change=safely(functools.partial(_pointed, points, key, "zoomed")),
    )


def _announced(key: str, trigger: str) -> None:
    """The board has told of a change by itself, perhaps before the browser knew what the page had filled in."""
    value = st.session_state[key].get(trigger)
    if value:
        keep_filled(int(value.split()[0]))


def _act(actions: Sequence[Action], run: RunState, name: str) -> None:
    for action in actions:
        if action.name == name:
            action.act(run)


def _told(run: RunState | None, key: str, trigger: str, act: Callable[[RunState, str], None]) -> None:
    """The reader has used a control of the board."""
    value = st.session_state[key].get(trigger)
    if run is not None and value:
        act(run, value)


def _chosen_member(members: Callable[[str], object] | None, key: str) -> None:
    """The teacher has chosen a student."""
    value = st.session_state[key].get("member")
    if members is not None and value:
        members(value)


def _pointed(points: Points | None, key: str, trigger: str) -> None:
    """The reader has chosen a point or a rectangle."""
    value = st.session_state[key].get(trigger)
    if points is not None and value:
        (points.chosen if trigger == "chosen" else points.zoomed)(*map(float, json.loads(value)))
