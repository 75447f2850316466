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
    train = first_of_each_class(full.train_labels, 1_000)
    test = first_of_each_class(full.test_labels, 200)
    np.savez_compressed(
        MINI_FILE,
        train_images=full.train_images[train].numpy(),
        train_labels=full.train_labels[train].to(torch.uint8).numpy(),
        test_images=full.test_images[test].numpy(),
        test_labels=full.test_labels[test].to(torch.uint8).numpy(),
    )
    print(f"{MINI_FILE.name}: {MINI_FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
