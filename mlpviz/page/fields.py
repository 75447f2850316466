"""The settings' widgets and their state: each widget's key is the name of its field."""

from __future__ import annotations

import streamlit as st

from mlpviz.datasets import default_dataset
from mlpviz.settings import Settings, parse, spell

ARTICLE = Settings()


def prepare() -> None:
    """At the first script run, fill the widgets from the address."""
    if "settings" in st.session_state:
        return
    params = {"dataset": default_dataset()} | st.query_params.to_dict()
    try:
        settings = Settings.from_params(params)
    except ValueError as error:
        st.session_state.problem = (
            f"The address holds a setting that can’t be: {error} The article’s settings are used."
        )
        settings = Settings(dataset=default_dataset())
    fill(settings)


def fill(settings: Settings) -> None:
    """Set every widget to what `settings` say."""
    st.session_state.settings = settings
    for name, value in settings.to_dict().items():
        st.session_state[name] = value
    st.session_state.hidden_sizes = spell(settings.hidden_sizes)


def read() -> Settings:
    """The settings that the widgets say; the last good ones, with `problem` set, where they can't be."""
    values = {name: st.session_state[name] for name in ARTICLE.to_dict()}
    try:
        values["hidden_sizes"] = parse("hidden_sizes", values["hidden_sizes"])
        if values["optimizer"] != "sgd":
            values["momentum"] = 0.0
        if not values["momentum"]:
            values["nesterov"] = False
        st.session_state.settings = Settings(**values)
    except ValueError as error:
        st.session_state.problem = f"{error} Until then the last good settings hold."
    settings: Settings = st.session_state.settings
    return settings
