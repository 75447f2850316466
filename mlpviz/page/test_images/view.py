"""The view, from top to bottom."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlpviz.page.board import board
from mlpviz.page.test_images.doubt import doubtful
from mlpviz.page.test_images.gallery import gallery
from mlpviz.page.test_images.image import show_image
from mlpviz.page.test_images.overview import overview
from mlpviz.page.test_images.own import own_image
from mlpviz.page.test_images.units import hidden_units
from mlpviz.run import Run
from mlpviz.snapshot import Results


def test_images(run: Run, status: str) -> None:
    """What the latest evaluation says of the test set, and the images themselves."""
    strip = st.container()
    choice = st.container(horizontal=True, vertical_alignment="center")
    results, following = _results(run, choice)
    known = results.evaluations if results is not None else 0
    with strip:
        board(run, status, key="strip", strip_only=True, evaluations=known if following else None)
    if results is None:
        st.info("The first evaluation is under way.")
        return
    with choice:
        section = st.segmented_control(
            "Part",
            list(PARTS),
            default="The whole test set",
            required=True,
            key="part",
            label_visibility="collapsed",
            persist_state="session",
        )
    PARTS[section](run, results)


def _whole(run: Run, results: Results) -> None:
    overview(run, results)
    gallery(run, results)
    doubtful(run, results)
    show_image(run, results)


PARTS = {"The whole test set": _whole, "Hidden units": hidden_units, "Your own image": own_image}


def _results(run: Run, place: DeltaGenerator) -> tuple[Results | None, bool]:
    """What to show, and whether it follows the run; held still, it is the evaluation at which it was stopped."""
    state = st.session_state
    with place:
        following = st.toggle("Follow the run", value=True, key="follow", persist_state="session")
    if following or state.get("held_run") != run.id:
        state.held, state.held_run = run.results, run.id
    results: Results | None = state.held
    return results, following
