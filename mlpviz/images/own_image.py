"""A reader's own picture, made into what the network was trained on: 28 × 28, bright on black."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

MOST_BYTES = 20 * 2**20
MOST_PIXELS = 64_000_000
LONGEST = 1024  # pixels to which a larger picture is reduced as it is read
SIDE = 28
FAINT = 0.12  # of the largest brightness; what is fainter counts as background


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of the preparation.

    Attributes:
        name: what was done.
        pixels: (height, width) uint8, as it looks afterwards.
    """

    name: str
    pixels: np.ndarray


def read(data: bytes) -> np.ndarray:
    """A PNG or JPEG as grey values, (height, width) uint8; transparent parts become white.

    Raises:
        ValueError: it is too large, or no such picture; the message says what to do.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"This file has {len(data) / 2**20:.0f} MB; at most {MOST_BYTES // 2**20} MB can be taken.")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            width, height = image.size  # from the header, before anything is unpacked
            small = _grey(image) if width * height <= MOST_PIXELS else None
    except Exception:  # Pillow raises many kinds on malformed files
        raise ValueError(
            "This file can’t be read as a PNG or JPEG. Open it in an image program and save it anew."
        ) from None
    if small is None:
        raise ValueError(
            f"This picture has {width:,} × {height:,} pixels; at most {MOST_PIXELS // 10**6} million can be read."
        )
    return small


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):  # 16 bits
        return (np.asarray(image).astype(np.float64) / 257).clip(0, 255).astype(np.uint8)
    if image.mode == "P":
        image = image.convert("RGBA")
    image.thumbnail((LONGEST, LONGEST), reducing_gap=2.0)
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    values = np.asarray(upright)
    alpha, seen = values[..., 3], values[values[..., 3] > 127]
    if alpha.min() < 128 and len(seen) and np.ptp(seen[:, :3], axis=0).max() < 10:
        return 255 - alpha  # one colour on nothing: its shape is what counts
    white = Image.new("RGBA", upright.size, "white")
    return np.asarray(Image.alpha_composite(white, upright).convert("L"))


def prepare(picture: np.ndarray, fit: int = SIDE) -> tuple[np.ndarray, list[Stage]]:
    """Make a picture, (height, width) uint8, like the training images: inverted if its border is bright, cut to what it
    shows, scaled to `fit` pixels, which is 28 for garments and 20 for MNIST's digits, centred on black.

    Returns:
        (28, 28) uint8, and the stages on the way, the first of them the picture itself.

    Raises:
        ValueError: the picture shows nothing.
    """
    stages = [Stage("As it came, in grey", picture)]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    if np.median(border) > 127:
        picture = 255 - picture
        stages.append(Stage("Inverted: its border is bright", picture))
    seen = picture > FAINT * max(1, int(picture.max()))
    if not picture.any() or int(picture.max()) - int(picture.min()) < 10 or not seen.any():
        raise ValueError("This picture is all of one shade. Take one with something bright on dark, or dark on bright.")
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    picture = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    stages.append(Stage("Cut to what it shows", picture))
    height, width = picture.shape
    scale = fit / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(
        Image.fromarray(picture).resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)
    )
    result = np.zeros((SIDE, SIDE), dtype=np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    result[top : top + size[1], left : left + size[0]] = small
    stages.append(Stage("Scaled and centred: what the network sees", result))
    return result, stages
