"""Your own image: a drawing or a file."""

from __future__ import annotations

import base64
import binascii
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from mlpviz.backend.questions import Classify
from mlpviz.figures.update import probability_bars
from mlpviz.images.own_image import SIDE, prepare, read
from mlpviz.live.routes import CANVAS
from mlpviz.page import memory
from mlpviz.page.component import loader
from mlpviz.page.door import answer
from mlpviz.page.examples import watch_own
from mlpviz.page.guard import safely
from mlpviz.page.memory import computed
from mlpviz.page.plot import figure_html, plot
from mlpviz.page.words import plain
from mlpviz.results import Results
from mlpviz.state import RunState


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "mlpviz_canvas",
        html=(CANVAS / "canvas.html").read_text(encoding="utf-8"),
        css=(CANVAS / "canvas.css").read_text(encoding="utf-8"),
        js=loader("canvas/canvas.js"),
        isolate_styles=False,
    )


def own_image(run: RunState, results: Results) -> None:
    """The reader's own picture on the left, the prediction on the right."""
    left, right = st.columns([4, 6], gap="medium")
    with left:
        way = st.segmented_control(
            "Your picture", ["Draw", "Upload"], default="Draw", required=True, key="own_way", persist_state="session"
        )
        image = _drawn() if way == "Draw" else _uploaded(20 if run.settings.dataset == "mnist" else SIDE)
    with right:
        if image is None:
            thing = "garment" if run.settings.dataset.startswith("fashion") else "character"
            st.info(f"Draw a {thing}, or upload a photo of one. Then watch the ten bars.")
            return
        said = answer(run, Classify(image.tobytes()))
        st.markdown(f"After step {said.step:,}, the network predicts **{run.classes[said.best]}**.")
        plot(probability_bars(said.logits, None, run.classes), key="own_probabilities", height=330)
        watch = functools.partial(watch_own, run, image)
        st.button("Watch it while the network learns", on_click=safely(watch), icon=":material/visibility:")
        st.caption(
            "The network always chooses one of its ten classes. It cannot answer “none of these”. "
            "So a high bar does not prove that it is right."
        )


def _drawn() -> np.ndarray | None:
    result = _component()(key="canvas", data={"pixels": memory.OWN_PIXELS.get()}, on_pixels_change=lambda: None)
    st.caption("With the keyboard: arrow keys move the pen, Shift and arrow keys draw, the space bar makes a dot.")
    memory.OWN_PIXELS.set(result.pixels or memory.OWN_PIXELS.get())
    return decode(memory.OWN_PIXELS.get())


def decode(text: str | None) -> np.ndarray | None:
    """The pixels of the canvas, (28, 28) uint8; None if nothing is drawn."""
    try:
        values = np.frombuffer(base64.b64decode(text or "", validate=True), dtype=np.uint8)
    except (binascii.Error, ValueError):
        return None
    if len(values) != SIDE * SIDE or not values.any():
        return None
    return values.reshape(SIDE, SIDE)


def _uploaded(fit: int) -> np.ndarray | None:
    file = st.file_uploader("A PNG or JPEG file", type=["png", "jpg", "jpeg"], key="own_file", max_upload_size=20)
    if file is None:
        return None
    try:  # each file is read only once, and only what is shown is kept
        image, shown = computed("own_image", (file.file_id, fit), lambda: _prepared(file.getvalue(), fit))
    except ValueError as error:
        st.error(plain(str(error)))
        return None
    st.html(f'<div class="mlpviz-stages">{shown}</div>')
    return image


_one_at_a_time = threading.Lock()  # because an unpacked picture is large


def _prepared(data: bytes, fit: int) -> tuple[np.ndarray, str]:
    """What the network sees, and the steps of the preparation as HTML."""
    with _one_at_a_time:
        image, stages = prepare(read(data), fit)
    return image, "".join(figure_html(_thumbnail(stage.pixels), stage.name, stage.name) for stage in stages)


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """Leave out pixels, so that both sides have fewer than 400."""
    step = max(1, max(image.shape) // 200)
    return np.ascontiguousarray(image[::step, ::step])
