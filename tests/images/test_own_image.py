import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from mlpviz.images.own_image import MOST_MEMORY, prepare, read


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def shoe(width=300, height=200, ink=0, paper=255):
    picture = np.full((height, width), paper, dtype=np.uint8)
    picture[height // 4 : height // 2, width // 3 : 2 * width // 3] = ink
    return picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_is_read_without_changes(kind, mode):
    found = read(encoded(Image.fromarray(shoe()).convert(mode), kind))
    assert found.shape == (200, 300) and np.abs(found.astype(int) - shoe()).mean() < 2


def test_transparent_parts_become_white():
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (10, 10, 30, 30))
    found = read(encoded(image))
    assert found[0, 0] == 255 and found[20, 20] == 0


def test_a_phones_rotation_is_undone():
    image = Image.fromarray(shoe())
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter
    assert read(encoded(image, "JPEG", exif=exif)).shape == (300, 200)


def test_dark_on_bright_is_inverted_and_bright_on_dark_is_not():
    dark, stages = prepare(shoe())
    bright, others = prepare(shoe(ink=255, paper=0))
    assert np.array_equal(dark, bright)
    assert [stage.name for stage in stages][1].startswith("Inverted") and len(others) == len(stages) - 1
    assert np.array_equal(stages[0].pixels, shoe())


def test_the_object_fills_the_frame_and_is_centred():
    result, _ = prepare(shoe())  # 100 × 50: 28 × 14 after scaling
    assert result.shape == (28, 28) and result.dtype == np.uint8
    assert (result[7:21] > 250).all() and (result[:7] == 0).all() and (result[21:] == 0).all()


def test_a_training_image_that_fills_its_frame_stays_the_same(mini):
    images = [
        i
        for i in mini.train.images[:200].numpy()
        if (i[:, [0, -1]] > 40).any(0).all() or (i[[0, -1]] > 40).any(1).all()
    ]
    dark = [i for i in images if np.median(np.concatenate([i[0], i[-1], i[:, 0], i[:, -1]])) <= 127]
    assert len(dark) > 10
    same = 0
    for image in dark:
        result, _ = prepare(image)
        same += np.array_equal(result, image)
    assert same > len(dark) / 3, "except those that are off centre or have a faint edge"


@pytest.mark.parametrize(
    "picture", [np.zeros((5, 5), np.uint8), np.full((5, 5), 255, np.uint8), np.full((9, 9), 77, np.uint8)]
)
def test_a_picture_of_one_shade_gives_a_message(picture):
    with pytest.raises(ValueError, match="the same shade"):
        prepare(picture)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1)])
def test_thin_pictures_work_or_say_so(shape):
    picture = np.zeros(shape, dtype=np.uint8)
    picture[0, 0] = 255
    try:
        assert prepare(picture)[0].shape == (28, 28)
    except ValueError as error:
        assert "shade" in str(error)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        encoded(Image.fromarray(shoe()))[:200],
        b"GIF89a" + b"\0" * 99,
    ],
)
def test_malformed_files_give_a_message(data):
    with pytest.raises(ValueError, match="can’t be read as a PNG or JPEG"):
        read(data)


def test_other_formats_are_not_opened():
    with pytest.raises(ValueError, match="PNG or JPEG"):
        read(encoded(Image.fromarray(shoe()), "BMP"))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_decompression_bomb_is_refused_by_its_header_alone():
    """A valid header of 30,000 × 30,000 pixels in a few bytes."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(ValueError, match=r"30,000 × 30,000 pixels\. That is too many"):
        read(bomb)
    warned = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)  # Pillow warns of these
    with pytest.raises(ValueError, match="too many"):
        read(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", warned) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    smaller = struct.pack(">IIBBBBB", 9_000, 9_000, 8, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="9,000 × 9,000 pixels"):
        read(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", smaller) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def test_a_huge_file_is_refused():
    with pytest.raises(ValueError, match="21 MB"):
        read(b"\0" * (21 * 2**20))


def test_sixteen_bits_are_scaled_and_not_cut():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(20, 0)
    found = read(encoded(Image.fromarray(ramp)))
    assert np.abs(found[0].astype(int) - np.arange(256)).max() <= 1


def test_white_on_transparent_is_recognised():
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (10, 5, 30, 35))
    result, _ = prepare(read(encoded(image)))
    assert result.max() == 255 and (result == 0).any()


def test_a_digit_gets_the_same_margin_as_in_mnist():
    result, _ = prepare(shoe(), fit=20)
    rows, columns = np.flatnonzero(result.any(axis=1)), np.flatnonzero(result.any(axis=0))
    assert len(columns) == 20 and columns[0] == 4 and len(rows) == 10


def test_a_large_photograph_is_reduced_as_it_is_read():
    found = read(encoded(Image.fromarray(shoe(4000, 3000)), "JPEG"))
    assert found.shape == (750, 1000)


def test_a_reduced_picture_is_the_mean_of_its_blocks():
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 2046), dtype=np.uint8)
    found = read(encoded(Image.fromarray(pixels)))
    means = pixels.reshape(1000, 3, 682, 3).mean(axis=(1, 3))
    assert found.shape == means.shape and np.abs(found - means).max() <= 1


def largest(mode, form="PNG", **options):
    """The largest picture of a kind that is accepted."""
    per_pixel = {"1": 1, "L": 1, "P": 1, "I;16": 2}.get(mode, 4)
    if form == "JPEG":
        per_pixel = 2 * len(mode) if options.get("progressive") else 1
    side = int((MOST_MEMORY / per_pixel) ** 0.5)
    image = Image.new("I;16" if mode == "I;16" else mode, (side, side))
    return encoded(image, form, **options)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_no_picture_takes_more_than_100_mb(tmp_path):
    """The peak memory of a separate process that reads the largest picture of every kind, one after another."""
    kinds = [(mode, "PNG", {}) for mode in ("1", "L", "P", "LA", "RGB", "RGBA", "I;16")]
    kinds += [(mode, "JPEG", {"progressive": p, "subsampling": 0}) for mode in ("L", "RGB", "CMYK") for p in (0, 1)]
    for i, (mode, form, options) in enumerate(kinds):
        options = {name: value for name, value in options.items() if value or name == "subsampling"}
        (tmp_path / f"{i:02}").write_bytes(largest(mode, form, **options))
    program = """
import pathlib, re, sys
from mlpviz.images.own_image import read
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
read(pathlib.Path(sys.argv[2]).read_bytes())
before = peak()
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    read(path.read_bytes())
print((peak() - before) / 2**10)
"""
    small = tmp_path.parent / "small.png"
    small.write_bytes(encoded(Image.fromarray(shoe())))
    done = subprocess.run([sys.executable, "-c", program, tmp_path, small], capture_output=True, text=True, check=True)
    assert 20 < float(done.stdout) < 100, done.stdout


@pytest.mark.parametrize("noise", [0, 8])
@pytest.mark.parametrize(
    ("paper", "ink"), [(100, 230), (100, 10), (150, 20), (150, 250), (128, 40), (60, 200), (200, 60)]
)
def test_a_photograph_on_grey_shows_the_same_as_one_on_black(paper, ink, noise):
    """Earlier, all of the grey counted as part of the garment, and every picture was predicted as a bag."""
    picture = shoe(ink=ink, paper=paper).astype(int)
    picture += np.random.default_rng(0).integers(-noise, noise + 1, picture.shape)
    result, stages = prepare(picture.clip(0, 255).astype(np.uint8))
    expected, _ = prepare(shoe(ink=255, paper=0))
    assert np.array_equal(result > 60, expected > 60)
    assert [stage.name for stage in stages][1] == "Difference from the background"


def test_a_background_that_is_not_uniform_is_reported():
    picture = np.random.default_rng(0).integers(0, 256, (80, 60), dtype=np.uint8)
    _, stages = prepare(picture)
    assert "No uniform background was found" in stages[1].name
