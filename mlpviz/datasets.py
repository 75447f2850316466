"""Datasets in memory. Each one is read and checked once per process, and all runs share it."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mlpviz.catalog import CATALOG, FILES, data_file, default_dataset, find_dataset
from mlpviz.idx import DamagedError, DatasetError, read_images, read_labels

__all__ = ["Dataset", "DatasetError", "Split", "default_dataset", "find_dataset", "load_dataset"]

MINI_FILE = Path(__file__).parent / "data" / "fashion-mnist-mini.npz"


@dataclass(frozen=True, eq=False)
class Split:
    """The training images or the test images of a dataset, with their labels.

    Attributes:
        images: (n, 28, 28) uint8.
        labels: (n,) int64, from 0 to 9.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        shape = self.images.shape[1:]
        if self.images.dtype != torch.uint8 or shape != (28, 28) or len(self.images) != len(self.labels):
            raise ValueError("A dataset needs uint8 images of shape (n, 28, 28) and one label for each image.")

    def to(self, device: torch.device) -> Split:
        """The same images and labels on `device`."""
        return Split(self.images.to(device), self.labels.to(device))

    def first(self, count: int) -> Split:
        """The first `count` images and labels, or all of them if there are fewer."""
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels in memory.

    Attributes:
        name: as in `mlpviz.catalog.CATALOG`. title: its name on the page.
        classes: the ten class names; the label is the index.
        train, test: its two parts.
        source: where it was read from, in words or as a path.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    source: str

    @functools.cache  # noqa: B019 - a dataset lives as long as the process
    def to(self, device: torch.device) -> Dataset:
        """The same dataset with its tensors on `device`. A second call returns the same copy."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))


def load_dataset(name: str, folder: Path | str | None = None) -> Dataset:
    """Read a dataset: "fashion-mnist", "fashion-mnist-mini", "mnist" or "kmnist".

    Args:
        folder: the folder with the four files; by default, the one that `find_dataset` finds.

    Raises:
        ValueError: there is no dataset with this name.
        DatasetError: the dataset isn't on this machine, or one of its files can't be read or is damaged.
    """
    if name not in CATALOG:
        raise ValueError(f"There is no dataset {name!r}. It must be one of {', '.join(CATALOG)}.")
    where = Path(folder) if folder else find_dataset(name)
    with _loading:  # if many visitors ask at once, the dataset is loaded only once
        loaded = _load(name, where.resolve() if where else None, _as_they_are(name, where))
    if isinstance(loaded, Dataset):
        return loaded
    raise DamagedError(loaded)


_loading = threading.Lock()


def _as_they_are(name: str, folder: Path | None) -> tuple[object, ...]:
    """The sizes and times of the files. The result of `_load` is kept until one of them changes."""
    if CATALOG[name].torchvision_name is None:
        files = [MINI_FILE]
    else:
        files = [data_file(folder, stem) for stem in FILES] if folder else []
    known = [file.stat() for file in files if file.exists()]
    return tuple((stat.st_size, stat.st_mtime_ns) for stat in known)


@functools.lru_cache(maxsize=8)
def _load(name: str, folder: Path | None, as_they_are: tuple[object, ...]) -> Dataset | str:
    """The dataset, or what is wrong with it. Both are kept, so a damaged file isn't read again for each visitor.

    Other errors are not kept: if a file couldn't be read now, perhaps it can be read next time.
    """
    try:
        return _mini(name) if CATALOG[name].torchvision_name is None else _full(name, folder)
    except DamagedError as error:
        return str(error)


def _mini(name: str) -> Dataset:
    """The first 1,000 training and 200 test images of each class, in their original order. A part of mlpviz."""
    try:
        with MINI_FILE.open("rb") as file, np.load(file) as arrays:
            return _dataset(name, dict(arrays), "mlpviz itself")
    except Exception as error:  # NumPy and zipfile raise many kinds of errors on damaged files
        kind = DatasetError if isinstance(error, OSError) else DamagedError
        raise kind(
            f"{MINI_FILE.name}, a part of mlpviz, can't be read ({type(error).__name__}). Install mlpviz again."
        ) from None


def _full(name: str, folder: Path | None) -> Dataset:
    """All 70,000 images, from four IDX files."""
    if folder is None:
        entry = CATALOG[name]
        raise DatasetError(
            f"{entry.title} is not on this machine. Download it, or put its four files into "
            f"data/{entry.torchvision_name}/raw."
        )
    arrays = {}
    for stem, count in FILES.items():
        read = read_images if "images" in stem else read_labels
        split = "train" if stem.startswith("train") else "test"
        arrays[f"{split}_{'images' if 'images' in stem else 'labels'}"] = read(data_file(folder, stem), count)
    return _dataset(name, arrays, str(folder))


def _dataset(name: str, arrays: dict[str, np.ndarray], source: str) -> Dataset:
    train, test = (
        Split(torch.tensor(arrays[f"{split}_images"]), torch.tensor(arrays[f"{split}_labels"], dtype=torch.int64))
        for split in ("train", "test")
    )
    return Dataset(name, CATALOG[name].title, CATALOG[name].classes, train, test, source)
