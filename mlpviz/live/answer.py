"""Parts of a snapshot as one HTTP answer: JSON, plain or gzipped, made from pieces that exist already."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from mlpviz.backend.parts import Newest

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # RFC 1952: deflate, no name, no time, fast, any system
LAST_BLOCK = b"\x03\x00"  # RFC 1951: an empty block that is marked as the last one
STORED_LIMIT = 0xFFFF  # most bytes in a block that is not compressed


def plain(newest: Newest) -> bytes:
    """The answer without compression."""
    return b"".join(data for data, _ in _pieces(newest))


def gzipped(newest: Newest) -> bytes:
    """The answer as a gzip file (RFC 1952), made from pieces that are compressed already."""
    check, size = 0, 0
    blocks = []
    for data, packed in _pieces(newest):
        check, size = zlib.crc32(data, check), size + len(data)
        blocks.append(packed or _stored(data))
    return GZIP_HEADER + b"".join(blocks) + LAST_BLOCK + struct.pack("<II", check, size & 0xFFFFFFFF)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    for entry in header.lower().split(","):
        name, _, quality = entry.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _pieces(newest: Newest) -> Iterator[tuple[bytes, bytes]]:
    """Each piece, plain and as a block of a deflate stream. The block is empty if there is none yet."""
    yield f'{{"version": {newest.version}, "run": "{newest.run}", "parts": {{'.encode(), b""
    for i, part in enumerate(newest.parts):
        yield f'{", " if i else ""}"{part.name}": '.encode(), b""
        yield part.plain, part.packed
    yield b"}}", b""


def _stored(data: bytes) -> bytes:
    """A block with these few bytes, not compressed."""
    assert len(data) <= STORED_LIMIT
    return struct.pack("<BHH", 0, len(data), len(data) ^ 0xFFFF) + data
