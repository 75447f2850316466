"""Which datasets there are, what they are called, how large they are, and where their files are. No torch in here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlpviz.options import data_folder

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
#: The four files of a full dataset, and how many images or labels each holds.
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
    """What is known of a dataset before it is read.

    Attributes:
        title: its name for people.
        classes: the ten names, by label.
        train_size, test_size: how many images each part has.
        torchvision_name: the class in `torchvision.datasets` that downloads it, which is also the name of the folder
            that it downloads to. None for a dataset that ships with mlpviz.
    """

    title: str
    classes: tuple[str, ...]
    train_size: int = 60_000
    test_size: int = 10_000
    torchvision_name: str | None = None


#: The datasets by name, in the order of the page's menu. Sources: Fashion-MNIST: Xiao, Rasul and Vollgraf (2017);
#: MNIST: LeCun, Cortes and Burges (1998); KMNIST, handwritten Japanese characters: Clanuwat et al. (2018).
CATALOG = {
    "fashion-mnist": Entry("Fashion-MNIST", GARMENTS, torchvision_name="FashionMNIST"),
    "fashion-mnist-mini": Entry("Fashion-MNIST mini", GARMENTS, train_size=10_000, test_size=2_000),
    "mnist": Entry("MNIST", DIGITS, torchvision_name="MNIST"),
    "kmnist": Entry("KMNIST", KUZUSHIJI, torchvision_name="KMNIST"),
}


def find_dataset(name: str) -> Path | None:
    """The folder that holds the four files of a full dataset, or None.

    The first folder that has any of them wins: the folder named by `MLPVIZ_DATA`, `./data` in torchvision's layout,
    Debian's package.
    """
    for folder in _folders(name):
        if any(data_file(folder, stem).exists() for stem in FILES):
            return folder
    return None


def default_dataset() -> str:
    """Fashion-MNIST where the full set is on this machine, else the small one that ships with mlpviz."""
    return "fashion-mnist" if find_dataset("fashion-mnist") else "fashion-mnist-mini"


def data_file(folder: Path, stem: str) -> Path:
    """The file of that name, plain or gzipped."""
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
