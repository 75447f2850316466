"""The images that the board shows answers for: which ones, and what a click on them or on the network opens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from mlpviz.backend.commands import ShowExamples
from mlpviz.examples import HARDEST, MOST, Examples
from mlpviz.images.predictions import table
from mlpviz.page import door, memory
from mlpviz.page.views import HIDDEN_UNITS, OWN_IMAGE, TEST_IMAGES, WATCH
from mlpviz.snapshot import Status
from mlpviz.state import RunState


def fit_examples(run: RunState) -> RunState:
    """Let a new run show the images that the reader has chosen, once. Another tab may choose others for it later."""
    if memory.EXAMPLES_OF.get() == run.id or run.status == Status.FAILED:
        return run
    memory.EXAMPLES_OF.set(run.id)
    dataset, wanted = memory.EXAMPLES.get()
    if wanted is None or dataset != run.settings.dataset:
        memory.EXAMPLES.set((run.settings.dataset, run.examples))  # after a reload, those of the run
        return run
    return door.tell(run, ShowExamples(wanted))


def show_examples(run: RunState, examples: Examples) -> None:
    """Show these images from now on, in this run and in the next ones."""
    door.tell(run, ShowExamples(examples))
    if not memory.PROBLEM.get():  # otherwise the run has refused them
        memory.EXAMPLES.set((run.settings.dataset, examples))


def asked(run: RunState, what: str) -> None:
    """A callback: do what the reader asks for on the board: "focus 3", "kind hardest", "explain", "unit 0 87"."""
    verb, *words = what.split()
    now = door.now(run)
    if verb == "focus":
        show_examples(now, replace(now.examples, focus=int(words[0])))
    elif verb == "kind":
        _choose(now, words[0])
    elif verb == "explain":
        _explain(now)
    elif verb == "unit":
        layer, unit = int(words[0]), int(words[1])
        memory.OPEN_UNIT.set((run.id, layer, unit))
        st.session_state[memory.UNIT_LAYER] = layer + 1
        _open_part(HIDDEN_UNITS)


def watch_own(run: RunState, image: np.ndarray) -> None:
    """A callback: add the reader's own picture, (28, 28) uint8, to the images on the board, and go there."""
    now = door.now(run)
    show_examples(now, replace(now.examples, own=image.tobytes(), focus=0))
    st.session_state[memory.VIEW] = WATCH


def _choose(run: RunState, kind: str) -> None:
    examples = run.examples
    if kind == HARDEST:
        _show_hardest(run)
    elif kind != "own":
        show_examples(run, Examples(own=examples.own))
    elif examples.own:
        show_examples(run, replace(examples, own=b"", focus=max(0, examples.focus - 1)))
    else:
        _open_part(OWN_IMAGE)


def _show_hardest(run: RunState) -> None:
    """Show the test images with the largest loss in the latest evaluation."""
    results = door.results_of(run)
    if results is None:
        memory.PROBLEM.set("The first test is still running. Choose the hardest images when it is over.")
        return
    losses = table(results.logits, results.labels)["loss"].to_numpy()
    order = np.argsort(-np.nan_to_num(losses, nan=np.inf), kind="stable")[:MOST]
    indices = tuple(order.tolist())
    show_examples(run, Examples(HARDEST, indices, own=run.examples.own, run=run.id, step=results.step))


def _explain(run: RunState) -> None:
    """Open the image in the focus."""
    index = run.examples.image_at(run.examples.focus)
    if index is None:
        _open_part(OWN_IMAGE)
    elif door.results_of(run) is None:
        memory.PROBLEM.set("The first test is still running. Open the image when it is over.")
    else:
        memory.OPEN_IMAGE.set(index)


def _open_part(part: str) -> None:
    """Go to a part of “Test images”."""
    st.session_state[memory.VIEW] = TEST_IMAGES
    st.session_state[memory.PART] = part
