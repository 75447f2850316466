"""The pictures of the first layer as an image, and their film as an animated GIF, for slides."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlpviz.figures.palette import NEGATIVE, NOT_FINITE, POSITIVE, ZERO_LIGHT, rgb
from mlpviz.film import Roll
from mlpviz.pictures import MOST, Pictures
from mlpviz.pictures import NOT_FINITE as NO_VALUE

COLUMNS = 8
GAP = 1  # pixels of the network’s images, between two of them
LARGER = 4  # times, in the GIF
CAPTION = 40  # px
EACH, LAST = 200, 2000  # ms that a moment is shown, and the last one
PAPER, INK = "#ffffff", "#10151e"


def colors() -> np.ndarray:
    """The colour of each value from −128 to 127, (256, 3) uint8: from negative, through white, to positive."""
    values = np.arange(-128, 128)
    share = np.minimum(1, np.abs(values) / MOST)[:, None]
    zero = np.array(rgb(ZERO_LIGHT))
    ends = np.where((values < 0)[:, None], rgb(NEGATIVE), rgb(POSITIVE))
    table: np.ndarray = (zero + share * (ends - zero)).round().astype(np.uint8)
    table[NO_VALUE + 128] = rgb(NOT_FINITE)
    return table


def grid(pictures: Pictures) -> Image.Image:
    """The pictures side by side, in rows of eight, on white."""
    pixels = colors()[pictures.pixels.astype(np.int64) + 128]
    count, side = pixels.shape[:2]
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    place = side + GAP
    whole = np.full((rows * place - GAP, columns * place - GAP, 3), 255, dtype=np.uint8)
    for i, each in enumerate(pixels):
        top, left = i // columns * place, i % columns * place
        whole[top : top + side, left : left + side] = each
    return Image.fromarray(whole)


def animated(roll: Roll) -> bytes:
    """A GIF of the first layer’s pictures, from the first moment to the last."""
    now = roll.now.inspection
    tiles = [(moment.step, moment.tiles) for moment in roll.moments]
    if now is not None:
        tiles.append((now.step, Pictures.of(now.first_layer_images)))
    frames = [_frame(step, each) for step, each in tiles]
    file = io.BytesIO()
    durations = [EACH] * (len(frames) - 1) + [LAST]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return file.getvalue()


def _frame(step: int, pictures: Pictures) -> Image.Image:
    image = grid(pictures)
    large = image.resize((image.width * LARGER, image.height * LARGER), Image.Resampling.NEAREST)
    frame = Image.new("RGB", (large.width, large.height + CAPTION), PAPER)
    frame.paste(large, (0, CAPTION))
    font = ImageFont.load_default(24)
    ImageDraw.Draw(frame).text((4, 4), f"First-layer weights, step {step:,}", INK, font)
    return frame
