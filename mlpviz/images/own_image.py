"""A reader's own picture, made into what the network was trained on: 28 × 28, bright on black."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps, JpegImagePlugin

MOST_BYTES = 20 * 2**20
MOST_SIDE = 20_000  # pixels
MOST_MEMORY = 48 * 2**20  # bytes of an unpacked picture; with all that is made of it, reading takes less than 100 MB
BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2}  # of a pixel in Pillow's memory; 4 in all other modes
LONGEST = 1024  # pixels to which a larger picture is reduced as it is read
BAND = 2**20  # pixels that are converted at a time, about

Image.MAX_IMAGE_PIXELS = None  # no limit and no warning of Pillow's own: `_too_many` looks at each picture
SIDE = 28
EVEN = 30  # grey values: a background is even if so many
EVEN_SHARE = 80  # per cent of the border's pixels are within `EVEN` of the one in the middle
GREY = 40  # grey values from black or from white, from which on a background is called neither
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
        raise ValueError(
            f"This file has {len(data) / 2**20:.0f} MB. The limit is {MOST_BYTES // 2**20} MB. Make the picture "
            "smaller in an image program."
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            too_many = _too_many(image)  # by the header, before anything is unpacked
            if not too_many:
                return _grey(image)
    except Exception:  # Pillow raises many kinds on malformed files
        raise ValueError(
            "This file can’t be read as a PNG or JPEG. Open it in an image program and save it again."
        ) from None
    raise ValueError(f"{too_many}. Make it smaller in an image program, for example 2,000 × 2,000 pixels.")


def _too_many(image: Image.Image) -> str:
    """What is wrong with a picture that would take too much memory; nothing where it is small enough."""
    size = f"This picture has {image.width:,} × {image.height:,} pixels"
    if max(image.size) > MOST_SIDE:
        return f"{size}. That is too many in one direction: the limit is {MOST_SIDE:,}"
    most = MOST_MEMORY // _bytes_of_a_pixel(image)
    if image.width * image.height > most:
        return f"{size}. That is too many: the limit for this kind of picture is {most // 10**6} million"
    return ""


def _bytes_of_a_pixel(image: Image.Image) -> int:
    """How much memory Pillow takes to unpack a picture, before it can be reduced.

    A JPEG is reduced as it is unpacked. But of a progressive one, all coefficients are kept, two bytes each.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return BYTES.get(image.mode, 4)
    if "progressive" not in image.info:
        return 1  # at most: it is reduced to less than 2 · LONGEST pixels
    samples = [across * down for _, across, down, _ in image.layer]
    return math.ceil(2 * sum(samples) / max(samples))


def _grey(image: Image.Image) -> np.ndarray:
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    image.draft("", (LONGEST, LONGEST))  # lets the JPEG decoder leave out detail
    small = _reduced(image)
    if orientation is not None:
        small.getexif()[ExifTags.Base.Orientation] = orientation
    values = np.asarray(ImageOps.exif_transpose(small))
    alpha, seen = values[..., 3], values[values[..., 3] > 127]
    if alpha.min() < 128 and len(seen) and np.ptp(seen[:, :3], axis=0).max() < 10:
        return 255 - alpha  # one colour on nothing: its shape is what counts
    upright = Image.fromarray(values)
    white = Image.new("RGBA", upright.size, "white")
    return np.asarray(Image.alpha_composite(white, upright).convert("L"))


def _reduced(image: Image.Image) -> Image.Image:
    """The picture in RGBA, with at most `LONGEST` pixels on each side. Each pixel is the mean of a block.

    Only a band at a time is converted, because a whole picture in RGBA may be large.
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
    """The picture with its background, which its border shows, made black; and what was done, if anything was."""
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
    brightest = max(level, 255 - level)  # the largest difference that there can be becomes white
    result = np.round((away - spread).clip(0) * 255 / brightest).astype(np.uint8)
    if level > 255 - GREY:
        return result, "Inverted, because the border is bright"
    return result, "" if level < GREY else "Difference from the background"


def prepare(picture: np.ndarray, fit: int = SIDE) -> tuple[np.ndarray, list[Stage]]:
    """Make a picture, (height, width) uint8, like the training images: what differs from its background, cut to that,
    scaled to `fit` pixels, which is 28 for garments and 20 for MNIST's digits, centred on black.

    Returns:
        (28, 28) uint8, and the stages on the way, the first of them the picture itself.

    Raises:
        ValueError: the picture shows nothing.
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
