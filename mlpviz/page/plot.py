"""Figures that stand still, and pictures."""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from mlpviz.figures import Chart
from mlpviz.figures.encoding import plain
from mlpviz.figures.palette import NEGATIVE, POSITIVE, VERMILLION, ZERO_DARK, ZERO_LIGHT, rgb
from mlpviz.live.routes import PLOTLY_URL
from mlpviz.page.component import loader
from mlpviz.page.guard import safely

SILENT = np.array(rgb(VERMILLION))


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "mlpviz_figure",
        html='<div class="board-frame"><div class="board alone"><div class="cards"></div>'
        '<p class="failed"></p></div></div>',
        js=loader("board/figure.js"),
        isolate_styles=False,
    )


def plot(
    chart: Chart,
    key: str,
    height: int = 260,
    choose: Callable[[float, float], None] | None = None,
    columns: int = 1,
) -> None:
    """A chart under its name and its sentence. With `choose`, the reader can choose a point of its last trace, with the
    mouse or with the keys; `columns` says how many points are in a row, for the arrow keys.

    The board's own code draws it. Streamlit's `plotly_chart` would load a second Plotly, of 4.7 MB.
    """
    layout = {"hovermode": "closest"} | chart.layout
    layout |= {name: {"automargin": True} | axis for name, axis in layout.items() if name[1:5] == "axis"}
    data = {
        "chart": plain(dataclasses.replace(chart, layout=layout)),
        "plotly": PLOTLY_URL,
        "key": key,
        "height": height,
        "choosable": choose is not None,
        "columns": columns,
    }

    def chosen() -> None:
        point = st.session_state[key].get("chosen")
        if point and choose is not None:
            choose(*point)

    _component()(key=key, data=data, on_chosen_change=safely(chosen))


def picture(pixels: np.ndarray, alt: str, caption: str = "", width: str = "100%") -> None:
    """An image, (height, width) grey or (height, width, 3), uint8, with its pixels kept sharp."""
    st.html(figure_html(pixels, alt, caption, width))


def figure_html(pixels: np.ndarray, alt: str, caption: str = "", width: str = "100%") -> str:
    """The same as HTML."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    data = base64.b64encode(file.getvalue()).decode()
    style = f"width: {width}; image-rendering: pixelated; border-radius: 4px; display: block;"
    note = (
        f'<figcaption style="font-size: 0.85rem; opacity: 0.8;">{html.escape(caption)}</figcaption>' if caption else ""
    )
    image = f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" style="{style}">'
    return f'<figure style="margin: 0;">{image}{note}</figure>'


def grey(values: np.ndarray) -> np.ndarray:
    """Values from 0 to 1 as grey, black to white."""
    shades: np.ndarray = (np.nan_to_num(values).clip(0, 1) * 255).astype(np.uint8)
    return shades


def diverging(values: np.ndarray, scale: float = 0.0) -> np.ndarray:
    """Blue for negative, red for positive, the page's background for 0; (…, 3) uint8."""
    size = scale or float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    share = np.nan_to_num(np.clip(np.abs(values) / size, 0, 1))[..., None]
    middle = np.array(rgb(ZERO_DARK if st.context.theme.type == "dark" else ZERO_LIGHT))
    end = np.where((values < 0)[..., None], np.array(rgb(NEGATIVE)), np.array(rgb(POSITIVE)))
    colors: np.ndarray = np.round(middle + share * (end - middle)).astype(np.uint8)
    return colors


def mosaic(images: np.ndarray, columns: int) -> np.ndarray:
    """Images, (n, height, width), in rows, with a gap of one pixel between them, on one sheet."""
    n, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1), dtype=np.float32)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + 1), (i % columns) * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet


def numbers_html(image: np.ndarray, alt: str) -> str:
    """An image, (28, 28) from 0 to 1, as a table of its numbers in hundredths on their own grey."""
    cells = []
    for row in image:
        shades = ((round(float(value) * 255), round(float(value) * 100)) for value in row)
        cells.append("".join(f'<i style="--g:{shade}">{hundredths}</i>' for shade, hundredths in shades))
    rows = "".join(f"<div>{row}</div>" for row in cells)
    return f'<div class="mlpviz-numbers" role="img" aria-label="{html.escape(alt)}">{rows}</div>'
