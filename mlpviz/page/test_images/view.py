"""The view, from top to bottom."""

from __future__ import annotations

import streamlit as st

from mlpviz.page.board import board
from mlpviz.page.test_images.doubt import doubtful
from mlpviz.page.test_images.gallery import gallery
from mlpviz.page.test_images.image import show_image
from mlpviz.page.test_images.overview import overview
from mlpviz.page.test_images.own import own_image
from mlpviz.page.test_images.units import hidden_units
from mlpviz.predictions import table
from mlpviz.run import Run
from mlpviz.snapshot import Results


def test_images(run: Run, status: str) -> None:
    """What the latest evaluation says of the test set, and the images themselves."""
    strip = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        part = st.segmented_control(
            "Part",
            list(PARTS),
            default=WHOLE,
            required=True,
            key="part",
            label_visibility="collapsed",
            persist_state="session",
        )
        following = True
        if part == WHOLE:
            following = st.toggle("Follow the run", value=True, key="follow", persist_state="session")
    results = _results(run, following)
    with strip:
        board(run, status, key="strip", strip_only=True, evaluations=_wanted(results, following and part == WHOLE))
    if results is None:
        st.info("The first evaluation is under way.")
        return
    PARTS[part](run, results)


def _whole(run: Run, results: Results) -> None:
    frame = table(results.logits, results.labels)
    overview(run, results, frame)
    gallery(run, results, frame)
    doubtful(run, results, frame)
    show_image(run, results)


WHOLE = "The whole test set"
PARTS = {WHOLE: _whole, "Hidden units": hidden_units, "Your own image": own_image}


def _results(run: Run, following: bool) -> Results | None:
    """What to show; held still, it is the evaluation at which it was stopped."""
    state = st.session_state
    if following or state.get("held_run") != run.id or state.held is None:
        state.held, state.held_run = run.results, run.id
    results: Results | None = state.held
    return results


def _wanted(results: Results | None, following: bool) -> int | None:
    """The number of evaluations that the page knows, if it wants to hear of others."""
    if results is None:
        return 0
    return results.evaluations if following else None
