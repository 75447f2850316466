"""The view “Test images”, from top to bottom."""

from __future__ import annotations

import streamlit as st

from mlpviz.images.predictions import table
from mlpviz.page import memory
from mlpviz.page.board import board
from mlpviz.page.door import results_of
from mlpviz.page.images.doubt import doubtful
from mlpviz.page.images.gallery import gallery
from mlpviz.page.images.image import show_image
from mlpviz.page.images.overview import overview
from mlpviz.page.images.own import own_image
from mlpviz.page.images.units import hidden_units
from mlpviz.page.views import HIDDEN_UNITS, OWN_IMAGE, WHOLE
from mlpviz.results import Results
from mlpviz.state import RunState


def images(run: RunState) -> None:
    """Draw the results of the latest evaluation, and the test images."""
    strip = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        part = st.segmented_control(
            "Part",
            list(PARTS),
            default=WHOLE,
            required=True,
            key=memory.PART,
            label_visibility="collapsed",
            persist_state="session",
        )
        following = True
        if part == WHOLE:
            following = st.toggle("Follow the run", value=True, key=memory.FOLLOW, persist_state="session")
    results = _results(run, following)
    with strip:
        board(run, key="strip", strip_only=True, evaluations=_wanted(run, results, following and part == WHOLE))
    if results is None:
        st.info("The first evaluation is still running.")
        return
    PARTS[part](run, results)


def opened_image(run: RunState) -> None:
    """The dialog with the image that the reader has opened on the board."""
    if memory.OPEN_IMAGE.get() is not None and (results := results_of(run)) is not None:
        show_image(run, results)


def _whole(run: RunState, results: Results) -> None:
    frame = table(results.logits, results.labels)
    overview(run, results, frame)
    gallery(run, results, frame)
    doubtful(run, results, frame)
    show_image(run, results)


PARTS = {WHOLE: _whole, HIDDEN_UNITS: hidden_units, OWN_IMAGE: own_image}


def _results(run: RunState, following: bool) -> Results | None:
    """The results to show. If the reader does not follow the run, they stay the same."""
    held_run, held = memory.HELD.get() or ("", None)
    if following or held_run != run.id or held is None:
        held = results_of(run)
        memory.HELD.set((run.id, held))
    results: Results | None = held
    return results


def _wanted(run: RunState, results: Results | None, following: bool) -> int | None:
    """How many evaluations the page knows; None if it does not wait for new ones."""
    return run.evaluations if following or results is None else None
