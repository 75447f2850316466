"""The datasets: their names, their sizes and where their files are. This module does not import torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlpviz.options import data_folder

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
#: The four files of a full dataset, and how many images or labels each one has.
FILES = {
    "train-images-idx3-ubyte": 60_000,
    "train-labels-idx1-ubyte": 60_000,
    "t10k-images-idx3-ubyte": 10_000,
    "t10k-labels-idx1-ubyte": 10_000,
}

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


@dataclass(frozen=True)
class Entry:
    """What is known about a dataset before it is read.

    Attributes:
        title: its name on the page.
        classes: the ten class names; the label is the index.
        train_size, test_size: how many images each part has.
        torchvision_name: the class in `torchvision.datasets` that downloads it. The folder with the download has the
            same name. None for a dataset that comes with mlpviz.
    """

    title: str
    classes: tuple[str, ...]
    train_size: int = 60_000
    test_size: int = 10_000
    torchvision_name: str | None = None


#: The datasets by name, in the order of the menu on the page. Sources: Fashion-MNIST: Xiao, Rasul and Vollgraf (2017);
#: MNIST: LeCun, Cortes and Burges (1998); KMNIST, handwritten Japanese characters: Clanuwat et al. (2018).
CATALOG = {
    "fashion-mnist": Entry("Fashion-MNIST", GARMENTS, torchvision_name="FashionMNIST"),
    "fashion-mnist-mini": Entry("Fashion-MNIST mini", GARMENTS, train_size=10_000, test_size=2_000),
    "mnist": Entry("MNIST", DIGITS, torchvision_name="MNIST"),
    "kmnist": Entry("KMNIST", KUZUSHIJI, torchvision_name="KMNIST"),
}


def find_dataset(name: str) -> Path | None:
    """The folder that holds the four files of a full dataset, or None.

    It is the first of these folders that has any of the files: the folder that `MLPVIZ_DATA` names, `./data` in
    torchvision's layout, Debian's package.
    """
    for folder in _folders(name):
        if any(data_file(folder, stem).exists() for stem in FILES):
            return folder
    return None


def default_dataset() -> str:
    """The full Fashion-MNIST if it is on this machine; otherwise the small one that comes with mlpviz."""
    return "fashion-mnist" if find_dataset("fashion-mnist") else "fashion-mnist-mini"


def data_file(folder: Path, stem: str) -> Path:
    """The path of the file, plain or gzipped."""
    plain = folder / stem
    return plain if plain.exists() else folder / f"{stem}.gz"


def _folders(name: str) -> Iterator[Path]:
    torchvision_name = CATALOG[name].torchvision_name if name in CATALOG else None
    if torchvision_name is None:
        return
    if named := data_folder():
        yield named / torchvision_name / "raw"
        if name == "fashion-mnist":
            yield named  # the four files themselves, as in Debian's package
    yield Path("data") / torchvision_name / "raw"
    if name == "fashion-mnist":
        yield DEBIAN_FOLDER
