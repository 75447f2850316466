"""The settings' widgets and their state: each widget's key is the name of its field."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlpviz.catalog import default_dataset
from mlpviz.page import memory
from mlpviz.page.controls import begin
from mlpviz.settings import SettingError, Settings, parse, spell

ARTICLE = Settings()
#: What the page calls each setting.
LABELS = {
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "epochs": "Epochs",
    "init_std": "Init std",
    "hidden_sizes": "Hidden layers",
    "activation": "Activation",
    "init": "Initialisation",
    "seed": "Seed",
    "optimizer": "Optimizer",
    "momentum": "Momentum",
    "nesterov": "Nesterov",
    "weight_decay": "Weight decay",
    "dataset": "Dataset",
    "train_size": "Training images",
    "device": "Device",
}


def prepare(latest: Settings | None = None) -> None:
    """At the first script run, fill the widgets: with those of the latest run, if the visitor comes back to one; else
    from the address, over what its lesson sets."""
    if memory.SETTINGS.known():
        _restore()
        return
    lesson, problems = begin()
    if latest is not None:
        settings = latest
    else:
        settings, more = best_settings({"dataset": default_dataset()} | lesson | st.query_params.to_dict())
        problems += more
    if problems:
        memory.PROBLEM.set(f"Part of the address can’t be used. {' '.join(problems)} The rest of it is used.")
    fill(settings)


def _restore() -> None:
    """What Streamlit has dropped because its widget was hidden in between."""
    settings: Settings = memory.SETTINGS.get()
    for name, value in _values(settings).items():
        st.session_state.setdefault(name, value)


def best_settings(params: dict[str, str]) -> tuple[Settings, list[str]]:
    """The settings that the address asks for, but for those that can’t be, and what is wrong with these."""
    taken: dict[str, str] = {}
    left = dict(params)
    while True:
        problems = []
        for name, text in list(left.items()):
            try:
                Settings.from_params(taken | {name: text})
            except ValueError as error:
                problems.append(in_words(error))
            else:
                taken[name] = left.pop(name)
                break  # it may make another one possible
        else:
            return Settings.from_params({"dataset": default_dataset()} | taken), problems


def fill(settings: Settings) -> None:
    """Set every widget to what `settings` say."""
    values = _values(settings)
    before = {name: st.session_state.get(name) for name in values}
    memory.FILLED.set((filled() + 1, before))
    memory.SETTINGS.set(settings)
    for name, value in values.items():
        st.session_state[name] = value


def filled() -> int:
    """How often the widgets have been filled."""
    return memory.FILLED.get()[0]


def keep_filled(known: int) -> None:
    """A callback, for a message that the browser has sent by itself. With it come the values of all widgets. If the
    browser knows only of the first `known` times that they were filled, some are old: fill these again."""
    times, before = memory.FILLED.get()
    if known >= times:
        return
    for name, value in _values(memory.SETTINGS.get()).items():
        if st.session_state.get(name) == before[name]:
            st.session_state[name] = value


def _values(settings: Settings) -> dict[str, Any]:
    """For each widget, the value that says these settings."""
    return settings.to_dict() | {"hidden_sizes": spell(settings.hidden_sizes)}


def read() -> Settings:
    """The settings that the widgets say. Where these can't be, the last valid ones, and `problem_at` says why."""
    memory.FIELD_PROBLEM.set(None)
    values = {name: st.session_state[name] for name in ARTICLE.to_dict()}
    try:
        values["hidden_sizes"] = parse("hidden_sizes", values["hidden_sizes"])
        if values["optimizer"] != "sgd":
            values["momentum"] = 0.0
        if not values["momentum"]:
            values["nesterov"] = False
        memory.SETTINGS.set(Settings(**values))
    except SettingError as error:
        memory.FIELD_PROBLEM.set(
            (error.field, f"{in_words(error)} Until you change it, the last valid settings are used.")
        )
    settings: Settings = memory.SETTINGS.get()
    return settings


def in_words(error: ValueError) -> str:
    """The error, with the setting called as the page calls it."""
    if not isinstance(error, SettingError):
        return str(error)
    return f"{LABELS[error.field]}: {error.value} can’t be used. It must be {error.allowed}."


def problem_at(name: str) -> str:
    """What is wrong with the value in the widget of that setting; nothing if all is well."""
    problem = memory.FIELD_PROBLEM.get()
    return problem[1] if problem is not None and problem[0] == name else ""
