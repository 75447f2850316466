"""Driving the page in Streamlit's own test harness, and looking at what stands behind it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mlpviz.backend.commands import Command
from mlpviz.page.stability.what_happened import actions_after_alarm
from mlpviz.runs.engine import Engine
from mlpviz.runs.run import Run
from mlpviz.runs.task import Task
from mlpviz.state import RunState
from tests.waiting import until

PAGE = str(Path(__file__).parent.parent.parent / "mlpviz" / "page" / "main.py")
VISITOR = "ada"


def engine() -> Engine:
    """The engine behind the page; the fixture `backend` puts it here."""
    raise RuntimeError("there is no engine")


def page(**params: str) -> AppTest:
    """The page, opened with these parameters in its address. The dataset is always one of them: an address that names
    no settings shows the visitor's latest run."""
    params.setdefault("dataset", "fashion-mnist-mini")
    return open_page(**params)


def open_page(**params: str) -> AppTest:
    """The same, with nothing added."""
    app = AppTest.from_file(PAGE, default_timeout=30)
    for name, value in params.items():
        app.query_params[name] = value
    return app.run()


def run_of(app: AppTest) -> Run:
    """The run that the page shows, itself."""
    assert not app.exception
    run = engine().run(app.query_params["run"], VISITOR)
    until(lambda: run.look() is None and run.snapshot is not None)
    return run


def state_of(run: Run) -> RunState:
    """Where a run stands, as the page is told."""
    state = engine().find(run.id, run.owner)
    assert isinstance(state, RunState)
    return state


def task_of(app: AppTest, key: str) -> Task | None:
    """The task whose id the page remembers under that key."""
    return engine().task(app.session_state.tasks.get(key, ""), VISITOR)


def pins_of(app: AppTest) -> list[Task | None]:
    """The pins that the page remembers."""
    return [engine().task(pin, VISITOR) for pin in app.session_state.pins.values()]


def tell(run: Run, command: Command) -> None:
    """As the page does, from behind."""
    engine().tell(run.id, run.owner, command.carry_out).result(10)


def finished(task: Task, seconds: float = 60.0) -> Task:
    """The task, once it is through."""
    until(lambda: task.look() is None and task.snapshot is not None and task.snapshot.status == "finished", seconds)
    return task


def button(app, label):
    return next(b for b in app.button if b.label == label)


def labels(app):
    return [b.label for b in app.button]


def can_press(app, label):
    return not button(app, label).disabled


def press(app, label):
    button(app, label).click()
    return app.run()


class Remembered:
    """The session's state of an app, with all ways in which the page uses it, for callbacks outside a script run."""

    def __init__(self, app):
        self.__dict__["state"] = app.session_state

    def get(self, key, default=None):
        known = key in self.state  # it has no `get`
        return self.state[key] if known else default

    def pop(self, key, default=None):
        value = self.get(key, default)
        if key in self.state:
            del self.state[key]
        return value

    def __contains__(self, key):
        return key in self.state

    def __getitem__(self, key):
        return self.state[key]

    def __setitem__(self, key, value):
        self.state[key] = value

    __setattr__ = __setitem__


@contextmanager
def callbacks(app):
    """In this block, callbacks of the page can be called by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", Remembered(app))
        yield


def act(app, name):
    """Click a button beside the alarm. The board has drawn it in the browser, so its callback is called here."""
    run = state_of(run_of(app))
    with callbacks(app):
        (action,) = [action for action in actions_after_alarm(run) if action.name == name]
        action.act(run)
    app.run()
    return action.label


def at_rest(run, step):
    """Wait until the run rests at that step, as the page is told."""
    until(lambda: run.look() is None and run.state.step == step and run.state.status != "training")


def texts(app):
    figures = [f"{name}: {sentence}" for name, sentence in figures_of(app)]
    return " ".join([*(e.value for e in [*app.error, *app.markdown, *app.caption, *app.warning]), *figures])


def figures_of(app):
    """The name and the sentence of each figure that stands by itself."""
    components = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    charts = [each["chart"] for each in components if "chart" in each]
    return [(chart["name"], chart["sentence"]) for chart in charts]


def view_images(part: str = "The whole test set", **params: str) -> AppTest:
    """The view “Test images” on a run that has been through one epoch, of ten steps."""
    app = page(view="test-images", **{"batch_size": "1000", "hidden_sizes": "16", "init": "kaiming", **params})
    run = run_of(app)
    press(app, "Epoch")
    at_rest(run, 10)
    until(lambda: run.look() is None and run.recording.results is not None and run.recording.results.step == 10)
    app.session_state["part"] = part
    app.run()
    assert not app.exception
    return app
