import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from mlpviz import DatasetError, catalog, datasets, load_dataset
from mlpviz.data.make_mini import first_of_each_class
from mlpviz.idx import DamagedError
from tests.conftest import write_idx, write_idx_files


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without any full dataset."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLPVIZ_DATA", raising=False)
    monkeypatch.setattr(catalog, "DEBIAN_FOLDER", tmp_path / "no-debian-package")
    return tmp_path


def put_files(folder: Path, value: int = 7) -> None:
    for stem, count in catalog.FILES.items():
        shape, magic = ((count, 28, 28), 0x803) if "images" in stem else ((count,), 0x801)
        write_idx(folder / stem, np.full(shape, value), magic)


def test_the_small_set_is_balanced_and_complete():
    mini = load_dataset("fashion-mnist-mini")
    assert mini.train.images.shape == (10_000, 28, 28) and mini.test.images.shape == (2_000, 28, 28)
    assert mini.train.images.dtype == torch.uint8 and mini.train.labels.dtype == torch.int64
    assert torch.bincount(mini.train.labels).tolist() == [1_000] * 10
    assert torch.bincount(mini.test.labels).tolist() == [200] * 10
    assert (Path(datasets.MINI_FILE).parent / "LICENSE.fashion-mnist").read_text().count("Zalando") >= 1


def test_the_first_of_each_class_come_in_their_original_order():
    labels = torch.tensor([*range(10), *range(9, -1, -1), *range(10)])
    assert first_of_each_class(labels, 2).tolist() == list(range(20))


def test_the_small_set_is_the_beginning_of_the_full_one():
    """The oracle is Debian's package, which .ci/run installs."""
    if catalog.find_dataset("fashion-mnist") is None:
        pytest.skip("the full Fashion-MNIST is not on this machine")
    full, mini = load_dataset("fashion-mnist"), load_dataset("fashion-mnist-mini")
    chosen = first_of_each_class(full.train.labels, 1_000)
    assert torch.equal(full.train.images[chosen], mini.train.images)
    assert torch.equal(full.train.labels[chosen], mini.train.labels)


def test_where_a_full_set_is_searched_and_in_which_order(nowhere, monkeypatch):
    assert catalog.find_dataset("fashion-mnist") is None
    assert catalog.default_dataset() == "fashion-mnist-mini"
    places = [
        nowhere / "no-debian-package",
        nowhere / "data" / "FashionMNIST" / "raw",
        nowhere / "named",
        nowhere / "named" / "FashionMNIST" / "raw",
    ]
    monkeypatch.setenv("MLPVIZ_DATA", str(nowhere / "named"))
    for place in places:  # each takes precedence over those before it
        write_idx(place / "t10k-labels-idx1-ubyte", np.zeros(10_000), 0x801)
        assert catalog.find_dataset("fashion-mnist").resolve() == place
    assert catalog.default_dataset() == "fashion-mnist"
    assert catalog.find_dataset("mnist") is None


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("kmnist", "KMNIST")])
def test_mnist_and_kmnist_load_in_the_same_way(nowhere, name, folder):
    put_files(nowhere / "data" / folder / "raw")
    dataset = load_dataset(name)
    assert dataset.train.images.shape == (60_000, 28, 28) and dataset.test.labels.shape == (10_000,)
    assert dataset.train.images.unique().tolist() == [7] and len(dataset.classes) == 10


def test_a_dataset_that_is_not_here_says_what_to_do(nowhere):
    with pytest.raises(DatasetError, match=r"MNIST is not on this machine. Download it"):
        load_dataset("mnist")


def test_half_a_dataset_says_which_file_is_missing(nowhere):
    put_files(nowhere / "data" / "MNIST" / "raw")
    (nowhere / "data" / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match="t10k-labels-idx1-ubyte"):
        load_dataset("mnist")


def test_an_unknown_name():
    with pytest.raises(ValueError, match="must be one of fashion-mnist"):
        load_dataset("imagenet")


def test_a_dataset_of_the_wrong_shape_is_refused(tiny):
    with pytest.raises(ValueError, match="28, 28"):
        datasets.Split(tiny.train.images.float(), tiny.train.labels)
    with pytest.raises(ValueError, match="one label for each image"):
        datasets.Split(tiny.train.images, tiny.test.labels)


def test_gzipped_files_are_found_and_read(nowhere):
    folder = nowhere / "data" / "MNIST" / "raw"
    put_files(folder)
    for stem in catalog.FILES:
        (folder / f"{stem}.gz").write_bytes(gzip.compress((folder / stem).read_bytes(), compresslevel=1))
        (folder / stem).unlink()
    assert load_dataset("mnist").train.images.shape == (60_000, 28, 28)


def test_the_classes_are_the_same_as_in_torchvision():
    assert tuple(torchvision.datasets.FashionMNIST.classes) == catalog.GARMENTS
    assert tuple(name[0] for name in torchvision.datasets.MNIST.classes) == catalog.DIGITS
    assert [name.split()[1] for name in catalog.KUZUSHIJI] == torchvision.datasets.KMNIST.classes


def test_many_at_once_share_one_copy(nowhere, monkeypatch, tiny):
    def slow(name, folder):
        time.sleep(0.1)
        return replace(tiny)

    monkeypatch.setattr(datasets, "_full", slow)
    with ThreadPoolExecutor(4) as pool:
        loaded = set(pool.map(lambda _: load_dataset("mnist", nowhere), range(4)))
    assert len(loaded) == 1


def test_a_device_holds_one_copy(tiny):
    assert tiny.to(torch.device("cpu")) is tiny.to(torch.device("cpu"))


def test_the_catalogue_knows_the_sizes_without_reading_the_images(mini):
    entry = catalog.CATALOG["fashion-mnist-mini"]
    assert (entry.train_size, entry.test_size) == (len(mini.train.images), len(mini.test.images))
    assert (mini.title, mini.classes) == (entry.title, entry.classes)
    full = catalog.CATALOG["mnist"]
    assert {full.train_size, full.test_size} == set(catalog.FILES.values())


def test_a_damaged_dataset_is_read_again_only_when_it_has_changed(tmp_path, monkeypatch):
    """The page of each visitor asks for it."""
    reads = []
    monkeypatch.setattr(datasets, "read_images", lambda path, count: reads.append(path) or broken())

    def broken():
        raise DamagedError("it is damaged")

    for stem in catalog.FILES:
        (tmp_path / stem).write_bytes(b"nothing")
    for _ in range(5):
        with pytest.raises(DatasetError, match="it is damaged"):
            load_dataset("fashion-mnist", tmp_path)
    assert len(reads) == 1
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"something else")
    with pytest.raises(DatasetError):
        load_dataset("fashion-mnist", tmp_path)
    assert len(reads) == 2


def test_a_file_that_could_not_be_read_is_read_again(tmp_path, monkeypatch):
    """For example, too many files were open. When that is over, the file itself has not changed."""
    write_idx_files(tmp_path, load_dataset("fashion-mnist-mini"))
    sizes = {stem: 10_000 if stem.startswith("train") else 2_000 for stem in catalog.FILES}
    monkeypatch.setattr(datasets, "FILES", sizes)
    read_bytes = Path.open

    def fail(self, *args):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(DatasetError, match="Too many open files"):
        load_dataset("fashion-mnist", tmp_path)
    monkeypatch.setattr(Path, "open", read_bytes)
    assert len(load_dataset("fashion-mnist", tmp_path).train.images) == 10_000
