"""Prepare a reader's own picture like the training images: 28 × 28, bright on black."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps, JpegImagePlugin

MOST_BYTES = 20 * 2**20
MOST_SIDE = 20_000  # pixels
MOST_MEMORY = 48 * 2**20  # bytes of an unpacked picture; in total, reading takes less than 100 MB
BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2}  # per pixel in Pillow's memory; 4 in all other modes
LONGEST = 1024  # pixels; a larger picture is reduced to this while it is read
BAND = 2**20  # about how many pixels are converted at a time

Image.MAX_IMAGE_PIXELS = None  # turns off Pillow's limit and warning: `_too_many` checks each picture
SIDE = 28
EVEN = 30  # grey values: how close a border pixel must be to the median of the border
EVEN_SHARE = 80  # per cent of the border pixels must be that close; then the background is uniform
GREY = 40  # grey values: a background that is further than this from black and white is grey
FAINT = 0.12  # share of the largest brightness; fainter pixels count as background


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of the preparation.

    Attributes:
        name: what was done.
        pixels: (height, width) uint8, the picture after this step.
    """

    name: str
    pixels: np.ndarray


def read(data: bytes) -> np.ndarray:
    """Read a PNG or JPEG as grey values, (height, width) uint8. Transparent parts become white.

    Raises:
        ValueError: the file is too large, or not such a picture. The message says what to do.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"This file has {len(data) / 2**20:.0f} MB. The limit is {MOST_BYTES // 2**20} MB. Make the picture "
            "smaller in an image program."
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            too_many = _too_many(image)  # reads only the header; nothing is unpacked yet
            if not too_many:
                return _grey(image)
    except Exception:  # Pillow raises many kinds of errors on malformed files
        raise ValueError(
            "This file can’t be read as a PNG or JPEG. Open it in an image program and save it again."
        ) from None
    raise ValueError(f"{too_many}. Make it smaller in an image program, for example 2,000 × 2,000 pixels.")


def _too_many(image: Image.Image) -> str:
    """What is wrong with a picture that would take too much memory; empty if it is small enough."""
    size = f"This picture has {image.width:,} × {image.height:,} pixels"
    if max(image.size) > MOST_SIDE:
        return f"{size}. That is too many in one direction: the limit is {MOST_SIDE:,}"
    most = MOST_MEMORY // _bytes_of_a_pixel(image)
    if image.width * image.height > most:
        return f"{size}. That is too many: the limit for this kind of picture is {most // 10**6} million"
    return ""


def _bytes_of_a_pixel(image: Image.Image) -> int:
    """How many bytes per pixel Pillow needs to unpack a picture, before it is reduced.

    A JPEG is reduced while it is unpacked. But for a progressive JPEG, Pillow keeps all coefficients, two bytes each.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return BYTES.get(image.mode, 4)
    if "progressive" not in image.info:
        return 1  # at most: it is reduced to less than 2 · LONGEST pixels
    samples = [across * down for _, across, down, _ in image.layer]
    return math.ceil(2 * sum(samples) / max(samples))


def _grey(image: Image.Image) -> np.ndarray:
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    image.draft("", (LONGEST, LONGEST))  # lets the JPEG decoder skip detail
    small = _reduced(image)
    if orientation is not None:
        small.getexif()[ExifTags.Base.Orientation] = orientation
    values = np.asarray(ImageOps.exif_transpose(small))
    alpha, seen = values[..., 3], values[values[..., 3] > 127]
    if alpha.min() < 128 and len(seen) and np.ptp(seen[:, :3], axis=0).max() < 10:
        return 255 - alpha  # one colour on a transparent background: only its shape counts
    upright = Image.fromarray(values)
    white = Image.new("RGBA", upright.size, "white")
    return np.asarray(Image.alpha_composite(white, upright).convert("L"))


def _reduced(image: Image.Image) -> Image.Image:
    """The picture in RGBA, at most `LONGEST` pixels on each side. Each pixel is the mean of a block of pixels.

    Converts one band at a time, because the whole picture in RGBA may be large.
    """
    factor = math.ceil(max(image.size) / LONGEST)
    small = Image.new("RGBA", (math.ceil(image.width / factor), math.ceil(image.height / factor)))
    rows = max(1, BAND // (image.width * factor))
    for row in range(0, small.height, rows):
        band = image.crop((0, row * factor, image.width, min(image.height, (row + rows) * factor)))
        small.paste(_rgba(band).reduce(factor), (0, row))
    return small


def _rgba(band: Image.Image) -> Image.Image:
    if band.mode.startswith("I"):  # 16 bits
        band = Image.fromarray((np.asarray(band) // 257).clip(0, 255).astype(np.uint8))
    return band.convert("RGBA")


def _on_black(picture: np.ndarray) -> tuple[np.ndarray, str]:
    """Make the background black. The border shows what the background is.

    Returns:
        The picture, and what was done to it, in words; empty if nothing was done.
    """
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).astype(np.int16)
    level = int(np.median(border))
    spread = float(np.percentile(np.abs(border - level), EVEN_SHARE))
    if spread > EVEN:
        inverted = level > 127
        how = "No uniform background was found" + (". Inverted, because the border is bright" if inverted else "")
        return (255 - picture if inverted else picture), f"{how}. A photo on plain paper works better"
    if level == 0 and spread == 0:
        return picture, ""
    away = np.abs(picture.astype(np.float64) - level)
    brightest = max(level, 255 - level)  # the largest possible difference becomes white
    result = np.round((away - spread).clip(0) * 255 / brightest).astype(np.uint8)
    if level > 255 - GREY:
        return result, "Inverted, because the border is bright"
    return result, "" if level < GREY else "Difference from the background"


def prepare(picture: np.ndarray, fit: int = SIDE) -> tuple[np.ndarray, list[Stage]]:
    """Make a picture, (height, width) uint8, look like the training images.

    Keeps what differs from the background, cuts the picture to it, scales it to `fit` pixels (28 for garments, 20 for
    MNIST's digits), and centres it on black.

    Returns:
        (28, 28) uint8, and the steps on the way. The first step is the picture itself.

    Raises:
        ValueError: the picture shows no object.
    """
    stages = [Stage("Your picture in grey", picture)]
    picture, how = _on_black(picture)
    if how:
        stages.append(Stage(how, picture))
    seen = picture > FAINT * max(1, int(picture.max()))
    if not picture.any() or int(picture.max()) - int(picture.min()) < 10 or not seen.any():
        raise ValueError(
            "Nearly the whole picture has the same shade. Use a picture of something bright on a dark background, or "
            "dark on a bright one."
        )
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    picture = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    stages.append(Stage("Cut to the object", picture))
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
