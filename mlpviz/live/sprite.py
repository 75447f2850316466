"""A dataset's images as one picture, so that a thousand tiles cost one download."""

from __future__ import annotations

import functools
import io
import zlib

import numpy as np
from PIL import Image

from mlpviz.datasets import load_dataset

COLUMNS = 100  # tiles in a row


@functools.lru_cache(maxsize=4)
def sprite(name: str) -> bytes:
    """The test images of the dataset called `name` as a PNG, in rows of 100 tiles of 28 × 28."""
    images = load_dataset(name).test_images.numpy()
    n, height, width = images.shape
    rows = -(-n // COLUMNS)
    sheet = np.zeros((rows * COLUMNS, height, width), dtype=np.uint8)
    sheet[:n] = images
    sheet = sheet.reshape(rows, COLUMNS, height, width).swapaxes(1, 2).reshape(rows * height, COLUMNS * width)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, format="PNG", compress_level=3)
    return file.getvalue()


@functools.lru_cache(maxsize=4)
def fingerprint(name: str) -> str:
    """Another for other images; stands in the sprite's address, so that it may be kept for good."""
    return f"{zlib.crc32(load_dataset(name).test_images.numpy().tobytes()):08x}"


def sprite_url(name: str) -> str:
    return f"live/sprite/{name}-{fingerprint(name)}.png"
