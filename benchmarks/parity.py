"""Are a `Trainer`'s losses, final weights and test accuracies equal to the article's? Ten epochs, three seeds."""

from __future__ import annotations

import sys

import torch

from benchmarks.article import run_article, torchvision_folder
from mlpviz import Settings, Trainer, load_dataset


def main(seeds: tuple[int, ...] = (0, 1, 2), epochs: int = 10) -> None:
    dataset = load_dataset("fashion-mnist")
    print("| seed | threads | equal losses | equal weights | equal test accuracies | test accuracy |")
    print("| --- | --- | --- | --- | --- | --- |")
    with torchvision_folder() as root:
        for seed in seeds:
            losses, accuracies, net = run_article(root, seed, epochs)
            trainer = Trainer(Settings(seed=seed, epochs=epochs), dataset)
            ours, our_accuracies = [], []
            for _ in range(epochs):
                ours += trainer.train(trainer.steps_per_epoch).tolist()
                our_accuracies.append(trainer.evaluate().accuracy)
            equal = sum(a == b for a, b in zip(losses, ours, strict=True))
            pairs = zip(net.parameters(), trainer.net.parameters(), strict=True)
            weights = sum((a == b).sum().item() for a, b in pairs)
            count = sum(p.numel() for p in net.parameters())
            same = sum(a == b for a, b in zip(accuracies, our_accuracies, strict=True))
            print(
                f"| {seed} | {torch.get_num_threads()} | {equal:,} of {len(losses):,} | {weights:,} of {count:,} "
                f"| {same} of {epochs} | {our_accuracies[-1]:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(epochs=int(sys.argv[1]) if len(sys.argv) > 1 else 10)
