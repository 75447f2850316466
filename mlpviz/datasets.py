"""Where the images come from: the full sets of the MNIST family where they are found, and a small one that ships."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mlpviz.idx import DatasetError, read_images, read_labels

__all__ = ["DATASETS", "Dataset", "DatasetError", "find_dataset", "load_dataset"]

GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DIGITS = tuple("0123456789")
KUZUSHIJI = ("お o", "き ki", "す su", "つ tsu", "な na", "は ha", "ま ma", "や ya", "れ re", "を wo")

MINI_FILE = Path(__file__).parent / "data" / "fashion-mnist-mini.npz"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FILES = {
    "train-images-idx3-ubyte": 60_000,
    "train-labels-idx1-ubyte": 60_000,
    "t10k-images-idx3-ubyte": 10_000,
    "t10k-labels-idx1-ubyte": 10_000,
}
#: The class in `torchvision.datasets` that downloads a dataset, and so the folder that it downloads to.
TORCHVISION_NAMES = {"fashion-mnist": "FashionMNIST", "mnist": "MNIST", "kmnist": "KMNIST"}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels in memory.

    Attributes:
        train_images: (n, 28, 28) uint8; test_images likewise.
        train_labels: (n,) int64, from 0 to 9; test_labels likewise.
        classes: the ten names, by label.
        source: where it was read from.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    source: str

    def __post_init__(self) -> None:
        for images, labels in ((self.train_images, self.train_labels), (self.test_images, self.test_labels)):
            if images.dtype != torch.uint8 or images.shape[1:] != (28, 28) or len(images) != len(labels):
                raise ValueError("A dataset needs uint8 images of shape (n, 28, 28) and as many labels.")

    @functools.cache  # noqa: B019 - a dataset lives as long as the process
    def to(self, device: torch.device) -> Dataset:
        """The same dataset with its tensors on `device`; asked twice, the same copy."""
        tensors = ("train_images", "train_labels", "test_images", "test_labels")
        return replace(self, **{name: getattr(self, name).to(device) for name in tensors})


def find_dataset(name: str) -> Path | None:
    """The folder that holds the four files of a full dataset, or None. The first found wins: the
    folder named by `MLPVIZ_DATA`, `./data` in torchvision's layout, Debian's package."""
    for folder in _folders(name):
        if any(_file(folder, stem).exists() for stem in FILES):
            return folder
    return None


def default_dataset() -> str:
    """Fashion-MNIST where the full set is on this machine, else the small one that ships with mlpviz."""
    return "fashion-mnist" if find_dataset("fashion-mnist") else "fashion-mnist-mini"


def load_dataset(name: str, folder: Path | str | None = None) -> Dataset:
    """Read a dataset: "fashion-mnist", "fashion-mnist-mini", "mnist" or "kmnist".

    Args:
        folder: where the four files are; by default, where `find_dataset` finds them.

    Raises:
        ValueError: there is no dataset of that name.
        DatasetError: it isn't on this machine, or a file of it is damaged.
    """
    if name not in DATASETS:
        raise ValueError(f"dataset is {name!r}; it must be one of {', '.join(DATASETS)}.")
    where = Path(folder) if folder else find_dataset(name)
    with _loading:  # many visitors at once, one copy
        return _load(name, where.resolve() if where else None)


_loading = threading.Lock()


@functools.lru_cache(maxsize=8)
def _load(name: str, folder: Path | None) -> Dataset:
    return DATASETS[name](folder)


def fashion_mnist(folder: Path | None) -> Dataset:
    """70,000 photographs of garments (Xiao, Rasul and Vollgraf, 2017)."""
    return _from_idx("fashion-mnist", "Fashion-MNIST", GARMENTS, folder)


def fashion_mnist_mini(folder: Path | None = None) -> Dataset:
    """The first 1,000 training and 200 test images of each class, in their original order; ships with mlpviz."""
    with np.load(MINI_FILE) as arrays:
        return _dataset("fashion-mnist-mini", "Fashion-MNIST mini", GARMENTS, dict(arrays), "mlpviz itself")


def mnist(folder: Path | None) -> Dataset:
    """70,000 handwritten digits (LeCun, Cortes and Burges, 1998)."""
    return _from_idx("mnist", "MNIST", DIGITS, folder)


def kmnist(folder: Path | None) -> Dataset:
    """70,000 handwritten Japanese characters (Clanuwat et al., 2018)."""
    return _from_idx("kmnist", "KMNIST", KUZUSHIJI, folder)


DATASETS: dict[str, Callable[[Path | None], Dataset]] = {
    "fashion-mnist": fashion_mnist,
    "fashion-mnist-mini": fashion_mnist_mini,
    "mnist": mnist,
    "kmnist": kmnist,
}


def _folders(name: str) -> Iterator[Path]:
    if name not in TORCHVISION_NAMES:
        return
    named = os.environ.get("MLPVIZ_DATA")
    if named:
        yield Path(named) / TORCHVISION_NAMES[name] / "raw"
        if name == "fashion-mnist":
            yield Path(named)
    yield Path("data") / TORCHVISION_NAMES[name] / "raw"
    if name == "fashion-mnist":
        yield DEBIAN_FOLDER


def _file(folder: Path, stem: str) -> Path:
    plain = folder / stem
    return plain if plain.exists() else folder / f"{stem}.gz"


def _from_idx(name: str, title: str, classes: tuple[str, ...], folder: Path | None) -> Dataset:
    if folder is None:
        raise DatasetError(
            f"{title} is not on this machine: download it, or put its four files into "
            f"data/{TORCHVISION_NAMES[name]}/raw."
        )
    arrays = {}
    for stem, count in FILES.items():
        read = read_images if "images" in stem else read_labels
        split = "train" if count == 60_000 else "test"
        arrays[f"{split}_{'images' if 'images' in stem else 'labels'}"] = read(_file(folder, stem), count)
    return _dataset(name, title, classes, arrays, str(folder))


def _dataset(name: str, title: str, classes: tuple[str, ...], arrays: dict[str, np.ndarray], source: str) -> Dataset:
    return Dataset(
        name,
        title,
        classes,
        torch.tensor(arrays["train_images"]),
        torch.tensor(arrays["train_labels"], dtype=torch.int64),
        torch.tensor(arrays["test_images"]),
        torch.tensor(arrays["test_labels"], dtype=torch.int64),
        source,
    )
