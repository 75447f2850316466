"""The live board: a component that fetches and draws by itself while the page stands still."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from mlpviz.live.routes import BOARD, PLOTLY_URL
from mlpviz.task import Task

# A small script that stays the same and so is sent once; the board's own files are served and cached by their route.
SCRIPT = """
const loading = import(new URL("live/board/board.js", document.baseURI));
export default function (component) {
  let stop = null, gone = false;
  loading.then((module) => { if (!gone) stop = module.mount(component); });
  return () => { gone = true; if (stop) stop(); };
}
"""


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "mlpviz_board",
        html=(BOARD / "board.html").read_text(encoding="utf-8"),
        css=(BOARD / "board.css").read_text(encoding="utf-8"),
        js=SCRIPT,
        isolate_styles=False,
    )


def board(task: Task, status: str, key: str = "board", strip_only: bool = False) -> None:
    """Mount a board on a run or another task. It triggers one script run when the task's status is no longer `status`,
    with which the page drew its buttons."""
    data = {"token": task.token, "status": status, "plotly": PLOTLY_URL, "stripOnly": strip_only}
    _component()(key=key, data=data, on_status_change=lambda: None)
