import gzip
import os
import tracemalloc

import numpy as np
import pytest

from mlpviz.idx import DatasetError, read_images, read_labels
from tests.conftest import write_idx

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).reshape(3, 28, 28) % 256
LABELS = np.array([0, 9, 5])


@pytest.fixture
def files(tmp_path):
    write_idx(tmp_path / "images", IMAGES, 0x803)
    write_idx(tmp_path / "labels", LABELS, 0x801)
    return tmp_path


def test_reads_what_was_written_plain_or_gzipped(files):
    assert np.array_equal(read_images(files / "images", 3), IMAGES)
    (files / "labels.gz").write_bytes(gzip.compress((files / "labels").read_bytes()))
    assert np.array_equal(read_labels(files / "labels.gz", 3), LABELS)


def refused(path, read=read_images, count=3):
    with pytest.raises(DatasetError) as error:
        read(path, count)
    message = str(error.value)
    assert f"{path.parent.name}/{path.name}" in message and str(path) not in message, "the full path stays private"
    assert message.count(". ") == 1, "what is wrong, and what to do"
    return message


def test_a_missing_file(files):
    assert "Check that the file is there" in refused(files / "nothing")


@pytest.mark.parametrize("keep", [0, 3, 10, 100, -1])
def test_a_truncated_file(files, keep):
    path = files / "images"
    path.write_bytes(path.read_bytes()[:keep])
    assert "Delete it and download the dataset again" in refused(path)


def test_a_file_with_too_much(files):
    path = files / "images"
    path.write_bytes(path.read_bytes() + b"x")
    assert "more than the 2,368 bytes that it should have" in refused(path)


def test_labels_in_place_of_images_and_images_in_place_of_labels(files):
    assert "ends after 11 bytes" in refused(files / "labels")
    write_idx(files / "labels", np.zeros(60), 0x801)
    assert "magic number" in refused(files / "labels")
    assert "magic number" in refused(files / "images", read_labels)


def test_the_file_of_the_other_split(files):
    assert "3 × 28 × 28, but it should say 4 × 28 × 28" in refused(files / "images", count=4)


def test_an_impossible_label(files):
    write_idx(files / "labels", np.array([1, 10, 2]), 0x801)
    assert "label 10" in refused(files / "labels", read_labels)


def test_damaged_compression(files):
    whole = gzip.compress((files / "images").read_bytes())
    for name, content in {"cut.gz": whole[:-20], "noise.gz": b"no gzip at all", "hole.gz": bytearray(whole)}.items():
        if name == "hole.gz":
            content[60:80] = b"\xff" * 20
        (files / name).write_bytes(content)
        assert "incomplete or damaged" in refused(files / name)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_early(files):
    """A gigabyte of zeros in a megabyte."""
    with gzip.open(files / "bomb.gz", "wb", compresslevel=9) as bomb:
        bomb.write((files / "images").read_bytes())
        for _ in range(64):
            bomb.write(bytes(2**24))
    tracemalloc.start()
    assert "more than the 2,368 bytes" in refused(files / "bomb.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_a_pipe_or_a_folder_is_refused_at_once(files):
    os.mkfifo(files / "pipe")
    assert "Check that the file is there" in refused(files / "pipe")
    assert "Check that the file is there" in refused(files)
