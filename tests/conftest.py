"""What the tests share: small real data, one thread, and the article's files on disk."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mlpviz import Dataset, load_dataset, options

BUSY = "busy"  # the group of the tests that keep several processes busy

os.environ[options.STORE] = options.NO_STORE  # also for the servers that tests start


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow by its kind: the browser's tests, which share a server; the page's second and third rounds,
    through a door that pickles and with workers; and whatever trains over many seeds. What keeps several processes busy
    runs in one of pytest's two, one after another."""
    inside = []
    for item in items:
        callspec = getattr(item, "callspec", None)
        values = callspec.params.values() if callspec is not None else ()
        rounds = {value for value in values if isinstance(value, str)}
        if "workers" in rounds:
            item.add_marker(pytest.mark.xdist_group(BUSY))
            inside += [item] if item.get_closest_marker("inside") else []
        if "browser" in item.path.parts and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(BUSY))
        if "browser" in item.path.parts or rounds & {"pickled", "workers"} or item.get_closest_marker("seeds"):
            item.add_marker(pytest.mark.slow)
    items[:] = [item for item in items if item not in inside]
    config.hook.pytest_deselected(items=inside)


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
    return replace(mini, title="tiny", train=mini.train.first(1000), test=mini.test.first(300), source="a test")


def write_idx(path: Path, values: np.ndarray, magic: int) -> None:
    """An IDX file, written by its specification and not by the code under test."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">I{values.ndim}I", magic, *values.shape) + values.astype(np.uint8).tobytes())


def write_idx_files(folder: Path, dataset: Dataset) -> None:
    for stem, split in (("train", "train"), ("t10k", "test")):
        write_idx(folder / f"{stem}-images-idx3-ubyte", getattr(dataset, split).images.numpy(), 0x803)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", getattr(dataset, split).labels.numpy(), 0x801)


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
