"""The first layer as a picture, and as an animated GIF."""

import io

import numpy as np
from PIL import Image, ImageSequence

from mlpviz.export.pictures import animated, colors, grid
from mlpviz.pictures import Pictures


def test_the_colours_go_from_negative_over_white_to_positive():
    table = colors()
    assert table.shape == (256, 3)
    assert [tuple(table[128 + value].tolist()) for value in (-127, 0, 127, -128)] == [
        (0x21, 0x66, 0xC8),
        (0xFA, 0xFA, 0xFA),
        (0xCA, 0x32, 0x28),
        (0xB0, 0x7A, 0x00),
    ]
    assert tuple(table[128 + 64].tolist()) == tuple(
        round(a + 64 / 127 * (b - a)) for a, b in ((250, 0xCA), (250, 0x32), (250, 0x28))
    )


def test_each_picture_has_its_place():
    pixels = np.zeros((10, 28, 28), dtype=np.int8)
    pixels[9, 0, 0] = 127
    picture = np.asarray(grid(Pictures(pixels, 1.0)))
    assert picture.shape == (2 * 29 - 1, 8 * 29 - 1, 3)
    assert tuple(picture[29, 29]) == (0xCA, 0x32, 0x28) and tuple(picture[0, 0]) == (250, 250, 250)
    assert tuple(picture[28, 0]) == (255, 255, 255), "a gap"


def test_the_gif_has_a_frame_for_each_moment_and_ends_with_now(roll):
    film = Image.open(io.BytesIO(animated(roll)))
    frames = [(frame.info["duration"], np.asarray(frame.convert("RGB"))) for frame in ImageSequence.Iterator(film)]
    assert len(frames) == len(roll.moments) + 1 and film.info["loop"] == 0
    assert [duration for duration, _ in frames] == [200] * len(roll.moments) + [2000]
    last = np.asarray(grid(Pictures.of(roll.now.inspection.first_layer_images))).repeat(4, axis=0).repeat(4, axis=1)
    difference = np.abs(frames[-1][1][40:].astype(int) - last)
    assert difference.mean() < 3, "a GIF has only 256 colours"
