"""What the reader looks at: an image, a parameter, one number of it. The choice is kept when the panel changes."""

from __future__ import annotations

import streamlit as st

from mlpviz.answers import Walk
from mlpviz.page import memory
from mlpviz.page.guard import safely


def pick_image(walk: Walk) -> int:
    """The index of the image in the mini-batch, from 0."""
    count = len(walk.images)
    if count == 1:
        return 0
    state = st.session_state
    state[memory.IMAGE] = min(state.get(memory.IMAGE, 1), count)
    shown = f"You can look at the first {count} of the mini-batch’s {len(walk.labels):,} images."
    return int(st.slider("Image", 1, count, key=memory.IMAGE, help=shown, persist_state="session")) - 1


def pick_parameter(walk: Walk) -> str:
    """The name of the parameter: W1, b1, W2, …"""
    names = [parameter.name for parameter in walk.parameters]
    if st.session_state.get(memory.PARAMETER) not in names:
        st.session_state[memory.PARAMETER] = names[0]
    name = st.segmented_control("Parameter", names, key=memory.PARAMETER, required=True, persist_state="session")
    return str(name)


def pick_place(walk: Walk, name: str) -> tuple[int, ...]:
    """The place of one number in that parameter, from 0. At first, the one with the largest gradient."""
    shape, largest = walk.parameter(name).shape, walk.parameter(name).largest
    place = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for axis, size in enumerate(shape):
            label = "Row" if axis == 0 else "Column"
            key = f"place_{name}_{axis}"
            state = st.session_state
            state[key] = min(state.get(key, largest[axis]), size - 1)
            place.append(int(st.number_input(label, 0, size - 1, key=key, persist_state="session", width=130)))
        st.button("Largest gradient", key=f"largest_{name}", on_click=safely(_take), args=(name, largest))
    return tuple(place)


def _take(name: str, place: tuple[int, ...]) -> None:
    for axis, index in enumerate(place):
        st.session_state[f"place_{name}_{axis}"] = index
