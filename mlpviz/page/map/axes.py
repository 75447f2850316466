"""Which settings a new map has on its axes, with which values."""

from __future__ import annotations

import streamlit as st

from mlpviz.grid import LOG, NAMES, Axis, Grid, SweepError, read_axis, read_value, spread
from mlpviz.page import memory
from mlpviz.page.fields import LABELS
from mlpviz.page.words import plain
from mlpviz.settings import BOUNDS, CHOICES, Settings

SETTINGS = tuple(name for name in NAMES if name != "dataset")
ACROSS, UP = "batch_size", "learning_rate"  # at first
#: At first: the ends of the range, and how many values.
RANGES = {
    "learning_rate": ("0.01", "2.56", 9),
    "batch_size": ("16", "512", 6),
    "init_std": ("0.001", "1", 7),
    "momentum": ("0", "0.9", 4),
    "weight_decay": ("0.0001", "0.1", 4),
    "train_size": ("1000", "5000", 5),
    "seed": ("0", "5", 6),
}
NETWORKS = "none, 32, 256, 64-64"
STEPS, FEWEST_STEPS, MOST_STEPS = 300, 200, 5_000  # the diagnosis needs 200
MOST_VALUES = 30  # of an axis

Fields = tuple[str, list[str], int]  # of an axis: the setting, the texts of its values or of their ends, how many


def choose_grid(settings: Settings) -> Grid | None:
    """The controls of a map, filled in sensibly. Returns the map that they describe; None if it is impossible, with the
    reason on the page. The settings that are on no axis are those of the sidebar."""
    right, upwards = _choose_axes(memory.MAP_ACROSS, memory.MAP_UP)
    steps = st.number_input(
        "Steps of each run",
        FEWEST_STEPS,
        MOST_STEPS,
        STEPS,
        step=50,
        key="map_steps",
        persist_state="session",
        width=200,
        help="After 200 steps there is enough to tell whether a run is ill. A run whose loss is not a number stops at "
        "once. Other problems stop a run if they last for 100 steps.",
    )
    return _grid(settings, right, upwards, int(steps))


def choose_deal(settings: Settings) -> Grid | None:
    """The same for cells that are dealt to a class, whose runs last as many epochs as the sidebar says."""
    return _grid(settings, *_choose_axes(memory.DEAL_ACROSS, memory.DEAL_UP), steps=1)


def _choose_axes(across_key: str, up_key: str) -> tuple[Fields, Fields]:
    across, up = st.columns(2, gap="medium")
    with across:
        right = _fields("Across", ACROSS, across_key)
    with up:
        upwards = _fields("Up", UP, up_key)
    return right, upwards


def _grid(settings: Settings, right: Fields, upwards: Fields, steps: int) -> Grid | None:
    """The cells that the controls describe; None if that is impossible, with the reason on the page."""
    try:
        x, y = _axis(*right), _axis(*upwards)
        base = settings.replace(**{axis.name: axis.values[0] for axis in (x, y)})
        grid = Grid(base, steps, x, y)
    except ValueError as error:
        st.error(plain(str(error)))
        return None
    if "init_std" in (x.name, y.name) and base.init != "normal":
        st.warning("Init std has no effect here, because the sidebar has another initialisation.")
    return grid


def _fields(label: str, name: str, key: str) -> Fields:
    """The controls of an axis."""
    name = st.selectbox(
        label, SETTINGS, SETTINGS.index(name), format_func=LABELS.__getitem__, key=key, persist_state="session"
    )
    if name == "hidden_sizes":
        text = st.text_input("Values", NETWORKS, key=f"{key}_{name}", persist_state="session")
        return name, text.split(","), 0
    if name in CHOICES:
        options = CHOICES[name]
        return name, st.multiselect("Values", options, options, key=f"{key}_{name}", persist_state="session"), 0
    low, high, count = RANGES[name]
    with st.container(horizontal=True):
        first = st.text_input("From", low, key=f"{key}_from_{name}", persist_state="session", width=120)
        last = st.text_input("To", high, key=f"{key}_to_{name}", persist_state="session", width=120)
        values = st.number_input(
            "How many", 2, MOST_VALUES, count, key=f"{key}_count_{name}", persist_state="session", width=120
        )
    return name, [first, last], int(values)


def _axis(name: str, texts: list[str], count: int) -> Axis:
    """The axis that the controls describe.

    Raises:
        SweepError: it is impossible.
    """
    label = LABELS[name]
    if name not in BOUNDS:
        if not all(text.strip() for text in texts) or not 1 <= len(texts) <= MOST_VALUES:
            raise SweepError(f"{label}: give one value or more, at most {MOST_VALUES}.")
        return read_axis(f"{name}={','.join(texts)}")
    low, high = (read_value(name, text) for text in texts)
    if low is None or high is None or low == high:
        raise SweepError(f"{label}: give two different numbers.")
    low, high = sorted((low, high))
    return Axis(name, spread(name, low, high, count, name in LOG and low > 0))
