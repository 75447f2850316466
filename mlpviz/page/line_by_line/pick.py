"""What the reader looks at: an image, a parameter, one number of it. The choice outlasts the panel."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mlpviz.line_by_line.walk import Walk


def pick_image(walk: Walk) -> int:
    """Which of the mini-batch's images, from 0."""
    count = len(walk.images)
    if count == 1:
        return 0
    state = st.session_state
    state.image = min(state.get("image", 1), count)
    help = f"The first {count} of the mini-batch’s {len(walk.labels):,} images can be looked at."
    return int(st.slider("Image", 1, count, key="image", help=help, persist_state="session")) - 1


def pick_parameter(walk: Walk) -> str:
    """W1, b1, W2, …"""
    names = [parameter.name for parameter in walk.parameters]
    if st.session_state.get("parameter") not in names:
        st.session_state.parameter = names[0]
    name = st.segmented_control("Parameter", names, key="parameter", required=True, persist_state="session")
    return str(name)


def pick_place(walk: Walk, name: str) -> tuple[int, ...]:
    """One number of that parameter, counted from 0; at first the one with the largest gradient."""
    gradient = walk.parameter(name).gradient
    largest = np.unravel_index(int(np.abs(np.nan_to_num(gradient)).argmax()), gradient.shape)
    place = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for axis, size in enumerate(gradient.shape):
            label = "Row" if axis == 0 else "Column"
            key = f"place_{name}_{axis}"
            state = st.session_state
            state[key] = min(state.get(key, int(largest[axis])), size - 1)
            place.append(int(st.number_input(label, 0, size - 1, key=key, persist_state="session", width=130)))
        st.button("Largest gradient", key=f"largest_{name}", on_click=_take, args=(name, [int(i) for i in largest]))
    return tuple(place)


def _take(name: str, place: list[int]) -> None:
    for axis, index in enumerate(place):
        st.session_state[f"place_{name}_{axis}"] = index
