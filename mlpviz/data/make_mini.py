"""Make fashion-mnist-mini.npz from the full set: `python -m mlpviz.data.make_mini`."""

from __future__ import annotations

import numpy as np
import torch

from mlpviz.datasets import MINI_FILE, load_dataset


def first_of_each_class(labels: torch.Tensor, per_class: int) -> torch.Tensor:
    """Indices of the first `per_class` images of each class, in the order of the full set."""
    chosen = [torch.nonzero(labels == label).flatten()[:per_class] for label in range(10)]
    return torch.cat(chosen).sort().values


def main() -> None:
    full = load_dataset("fashion-mnist")
    train = first_of_each_class(full.train.labels, 1_000)
    test = first_of_each_class(full.test.labels, 200)
    np.savez_compressed(
        MINI_FILE,
        train_images=full.train.images[train].numpy(),
        train_labels=full.train.labels[train].to(torch.uint8).numpy(),
        test_images=full.test.images[test].numpy(),
        test_labels=full.test.labels[test].to(torch.uint8).numpy(),
    )
    print(f"{MINI_FILE.name}: {MINI_FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
