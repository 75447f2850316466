"""Some images of a dataset in one PNG: for a page of the gallery, or to save."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mlpviz.datasets import load_dataset

COLUMNS = 24  # tiles in a row
TAKEN_ALONG = 12  # tiles in a row in a picture to download
BORDER = 1  # pixels around each tile in it


@functools.lru_cache(maxsize=64)
def sprite(name: str, indices: tuple[int, ...]) -> str:
    """These test images of the dataset `name` as a PNG in a `data:` address, in rows of 24 tiles of 28 × 28 pixels;
    empty for no image."""
    if not indices:
        return ""
    images = load_dataset(name).test.images[list(indices)].numpy()
    return f"data:image/png;base64,{base64.b64encode(_png(_sheet(images, COLUMNS))).decode()}"


def tiles_png(name: str, indices: Sequence[int]) -> bytes:
    """The chosen test images as a PNG, twelve in a row, at twice their size."""
    images = load_dataset(name).test.images[list(indices)].numpy()
    framed = np.pad(images, ((0, 0), (BORDER, BORDER), (BORDER, BORDER)))
    return _png(_sheet(framed, TAKEN_ALONG).repeat(2, axis=0).repeat(2, axis=1))


def _sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Put images, (n, height, width), in rows on one sheet."""
    n, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * columns, height, width), dtype=np.uint8)
    sheet[:n] = images
    joined = sheet.reshape(rows, columns, height, width).swapaxes(1, 2)
    return joined.reshape(rows * height, columns * width)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()
