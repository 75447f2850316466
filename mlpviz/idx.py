"""Read the IDX files of the MNIST family, plain or gzipped, and check that they are complete."""

from __future__ import annotations

import errno
import gzip
import zlib
from pathlib import Path

import numpy as np

IMAGES_MAGIC = 0x0803  # unsigned bytes in three dimensions
LABELS_MAGIC = 0x0801  # unsigned bytes in one


class DatasetError(Exception):
    """A dataset can't be read or downloaded. The message is for a person and says what to do."""


class DamagedError(DatasetError):
    """A file could be read, but its content is wrong. Reading it again does not help until the file changes."""


def read_images(path: Path, count: int) -> np.ndarray:
    """The images, uint8 of shape (count, 28, 28).

    Raises:
        DatasetError: the file is missing, incomplete or damaged, or it is a different file than its name says.
    """
    return _read(path, IMAGES_MAGIC, (count, 28, 28))


def read_labels(path: Path, count: int) -> np.ndarray:
    """The labels, uint8 of shape (count,), each from 0 to 9. Raises as `read_images` does."""
    labels = _read(path, LABELS_MAGIC, (count,))
    if labels.max() > 9:
        raise _broken(path, f"it contains the label {labels.max()}, but labels go from 0 to 9")
    return labels


def _read(path: Path, magic: int, shape: tuple[int, ...]) -> np.ndarray:
    expected = 4 * (1 + len(shape)) + int(np.prod(shape))
    content = _bytes(path, expected + 1)
    if len(content) < 4 * (1 + len(shape)):
        raise _broken(path, f"it ends after {len(content):,} bytes")
    header = np.frombuffer(content[: 4 * (1 + len(shape))], dtype=">u4").tolist()
    if header[0] != magic:
        raise _broken(path, f"it doesn't start with the magic number {magic:#06x}")
    if tuple(header[1:]) != shape:
        raise _broken(path, f"its header says {_size(header[1:])}, but it should say {_size(shape)}")
    if len(content) > expected:
        raise _broken(path, f"it has more than the {expected:,} bytes that it should have")
    if len(content) < expected:
        raise _broken(path, f"it has {len(content):,} bytes, but it should have {expected:,}")
    return np.frombuffer(content, dtype=np.uint8, offset=4 * len(header)).reshape(shape)


def _bytes(path: Path, most: int) -> bytes:
    """At most `most` bytes of the unpacked file. The limit matters: a small file can unpack to a very large one."""
    try:
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such file")
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return bytes(file.read(most))
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _broken(path, "its compressed data are incomplete or damaged") from None
    except OSError as error:
        raise DatasetError(f"{_named(path)} can't be read ({error.strerror}). Check that the file is there.") from None


def _size(shape: list[int] | tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape)


def _broken(path: Path, why: str) -> DamagedError:
    return DamagedError(
        f"{_named(path)} is not the right file, or it is damaged: {why}. Delete it and download the dataset again."
    )


def _named(path: Path) -> str:
    """The file and its folder. The full path is private: the page must not show it."""
    return str(Path(*path.absolute().parts[-2:]))
