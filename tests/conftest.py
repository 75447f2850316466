"""What the tests share: small real data, one thread, and the article's files on disk."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from mlpviz import Dataset, load_dataset


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Bits depend on the number of threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def mini() -> Dataset:
    return load_dataset("fashion-mnist-mini")


@pytest.fixture(scope="session")
def tiny(mini: Dataset) -> Dataset:
    """The first 1,000 training and 300 test images of the small set."""
    return Dataset(
        "fashion-mnist-mini",
        "tiny",
        mini.classes,
        mini.train_images[:1000],
        mini.train_labels[:1000],
        mini.test_images[:300],
        mini.test_labels[:300],
        "a test",
    )


def write_idx(path: Path, values: np.ndarray, magic: int) -> None:
    """An IDX file, written by its specification and not by the code under test."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">I{values.ndim}I", magic, *values.shape) + values.astype(np.uint8).tobytes())


def write_idx_files(folder: Path, dataset: Dataset) -> None:
    for stem, split in (("train", "train"), ("t10k", "test")):
        write_idx(folder / f"{stem}-images-idx3-ubyte", getattr(dataset, f"{split}_images").numpy(), 0x803)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", getattr(dataset, f"{split}_labels").numpy(), 0x801)


@pytest.fixture(scope="session")
def article_root(tmp_path_factory: pytest.TempPathFactory, mini: Dataset) -> Path:
    """The small set as the files that torchvision's FashionMNIST reads."""
    root = tmp_path_factory.mktemp("article")
    write_idx_files(root / "FashionMNIST" / "raw", mini)
    return root


@pytest.fixture
def global_generator_untouched() -> Iterator[None]:
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)
