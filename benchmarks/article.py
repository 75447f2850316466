"""The article's training script, as simple as in the article. Parity and speed are compared with it.

`python -m benchmarks.article [seed] [epochs]` runs it on the full Fashion-MNIST.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from mlpviz.catalog import FILES, find_dataset


def run_article(
    root: Path, seed: int, epochs: int, steps: int | None = None
) -> tuple[list[float], list[float], nn.Module]:
    """Train as the article does. Returns each step's loss, each epoch's test accuracy, and the network.

    Args:
        root: the folder that holds FashionMNIST/raw.
        steps: stop after this many updates, for a short run.
    """
    losses: list[float] = []
    accuracies: list[float] = []
    torch.manual_seed(seed)

    batch_size, lr = 256, 0.1
    to_tensor = transforms.ToTensor()
    train_set = torchvision.datasets.FashionMNIST(root, train=True, transform=to_tensor)
    test_set = torchvision.datasets.FashionMNIST(root, train=False, transform=to_tensor)
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=batch_size, shuffle=False)

    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))

    def init_weights(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.01)
            nn.init.zeros_(m.bias)

    net.apply(init_weights)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)

    for _ in range(epochs):
        net.train()
        for X, y in train_loader:
            logits = net(X)
            loss = loss_fn(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses, accuracies, net
        net.eval()
        correct = total = 0
        with torch.no_grad():
            for X, y in test_loader:
                correct += (net(X).argmax(dim=1) == y).sum().item()
                total += len(y)
        accuracies.append(correct / total)
    return losses, accuracies, net


@contextmanager
def torchvision_folder() -> Iterator[Path]:
    """A folder where torchvision finds the full Fashion-MNIST, unpacked from this machine's copy."""
    source = find_dataset("fashion-mnist")
    if source is None:
        raise SystemExit("The full Fashion-MNIST is not on this machine. Download it on the page, or set MLPVIZ_DATA.")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        for stem in FILES:
            plain = source / stem
            with plain.open("rb") if plain.exists() else gzip.open(source / f"{stem}.gz") as content:
                (raw / stem).write_bytes(content.read())
        yield Path(folder)


if __name__ == "__main__":
    seed, epochs = (int(argument) for argument in (sys.argv[1:] + ["0", "10"][len(sys.argv) - 1 :]))
    with torchvision_folder() as root:
        for epoch, accuracy in enumerate(run_article(root, seed, epochs)[1], 1):
            print(f"epoch {epoch}: test accuracy {accuracy:.4f}")
