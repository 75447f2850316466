import gzip

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
    assert str(path) in message
    assert message.count(". ") == 0, "one sentence"
    return message


def test_a_missing_file(files):
    assert "check that it is there" in refused(files / "nothing")


@pytest.mark.parametrize("keep", [0, 3, 10, 100, -1])
def test_a_truncated_file(files, keep):
    path = files / "images"
    path.write_bytes(path.read_bytes()[:keep])
    assert "download the dataset again" in refused(path)


def test_a_file_with_too_much(files):
    path = files / "images"
    path.write_bytes(path.read_bytes() + b"x")
    assert "2,369 bytes where 2,368 belong" in refused(path)


def test_labels_where_images_belong_and_the_other_way_round(files):
    assert "ends after 11 bytes" in refused(files / "labels")
    write_idx(files / "labels", np.zeros(60), 0x801)
    assert "magic number" in refused(files / "labels")
    assert "magic number" in refused(files / "images", read_labels)


def test_the_other_splits_file(files):
    assert "3 × 28 × 28 where 4 × 28 × 28" in refused(files / "images", count=4)


def test_an_impossible_label(files):
    write_idx(files / "labels", np.array([1, 10, 2]), 0x801)
    assert "label 10" in refused(files / "labels", read_labels)


def test_damaged_compression(files):
    whole = gzip.compress((files / "images").read_bytes())
    for name, content in {"cut.gz": whole[:-20], "noise.gz": b"no gzip at all", "hole.gz": bytearray(whole)}.items():
        if name == "hole.gz":
            content[60:80] = b"\xff" * 20
        (files / name).write_bytes(content)
        assert "cut short or damaged" in refused(files / name)
