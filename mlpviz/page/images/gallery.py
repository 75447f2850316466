"""The gallery: test images as tiles."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from mlpviz.images.gallery import page_of, select
from mlpviz.live.routes import GALLERY
from mlpviz.live.sprite import COLUMNS, sprite, tiles_png
from mlpviz.page import memory
from mlpviz.page.component import loader
from mlpviz.page.images.filters import filter_widgets, pager
from mlpviz.results import Results
from mlpviz.state import RunState


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "mlpviz_gallery",
        html='<div class="gallery" role="group" aria-label="Test images"></div>',
        css=(GALLERY / "gallery.css").read_text(encoding="utf-8"),
        js=loader("gallery/gallery.js"),
        isolate_styles=False,
    )


def gallery(run: RunState, results: Results, frame: pd.DataFrame) -> None:
    """Draw the filter, the tiles and the download buttons."""
    st.header("The images")
    classes = run.classes
    wanted = filter_widgets(classes)
    chosen = select(frame, wanted, results.before)
    pager(len(chosen), wanted, classes)
    shown = page_of(chosen, wanted)
    tiles(run, frame, shown, key="gallery", stamp=f"{results.step} {wanted}")
    if wanted.index is not None and not len(shown):
        st.info(f"There is no test image {wanted.index:,}. The last one has the number {len(frame) - 1:,}.")
    elif not len(shown):
        st.info("No image matches this filter. Change the filter, or press “Clear the filter”.")
    with st.container(horizontal=True):
        st.download_button(
            "Download the table (CSV)",
            lambda: _csv(frame.loc[chosen], classes),
            "predictions.csv",
            "text/csv",
            on_click="ignore",
            disabled=not len(chosen),
        )
        st.download_button(
            "Download these images (PNG)",
            lambda: tiles_png(run.settings.dataset, shown.tolist()),
            "gallery.png",
            "image/png",
            on_click="ignore",
            disabled=not len(shown),
        )


def tiles(run: RunState, frame: pd.DataFrame, shown: np.ndarray, key: str, stamp: str = "") -> None:
    """Draw the images `shown`; a click opens one. Once drawn, the gallery carries `stamp`, for benchmarks."""
    columns = (frame[name].to_numpy()[shown] for name in ("true", "predicted", "confidence"))
    result = _component()(
        key=key,
        data={
            "tiles": [
                [int(index), int(true), int(predicted), None if np.isnan(confidence) else float(confidence)]
                for index, true, predicted, confidence in zip(shown, *columns, strict=True)
            ],
            "sprite": sprite(run.settings.dataset, tuple(map(int, shown))),
            "columns": COLUMNS,
            "classes": list(run.classes),
            "stamp": stamp,
            "brings": memory.BRINGS.get() if key == "gallery" else 0,
        },
        on_open_change=lambda: None,
    )
    if result.open is not None:
        memory.OPEN_IMAGE.set(int(result.open))


def _csv(frame: pd.DataFrame, classes: tuple[str, ...]) -> bytes:
    named = frame.assign(true=[classes[i] for i in frame["true"]], predicted=[classes[i] for i in frame["predicted"]])
    text: str = named.to_csv()
    return text.encode()
