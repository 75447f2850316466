"""The images of a dataset in one PNG: all of them for the gallery, which needs one download, or some to save."""

from __future__ import annotations

import functools
import io
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mlpviz.datasets import load_dataset

COLUMNS = 100  # tiles in a row
TAKEN_ALONG = 12  # tiles in a row in a picture to download
BORDER = 1  # pixels around each tile in it


@functools.lru_cache(maxsize=4)
def sprite(name: str) -> bytes:
    """All test images of the dataset `name` as a PNG, in rows of 100 tiles of 28 × 28 pixels."""
    return _png(_sheet(load_dataset(name).test.images.numpy(), COLUMNS), compress_level=3)


@functools.lru_cache(maxsize=4)
def fingerprint(name: str) -> str:
    """A checksum of the images. It is part of the sprite's address, so that browsers may keep the sprite."""
    return f"{zlib.crc32(load_dataset(name).test.images.numpy().tobytes()):08x}"


def sprite_url(name: str) -> str:
    """The address of the sprite."""
    return f"live/sprite/{name}-{fingerprint(name)}.png"


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


def _png(pixels: np.ndarray, compress_level: int = 6) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=compress_level)
    return file.getvalue()
