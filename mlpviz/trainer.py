"""The five lines that train, and what they need: a network, an optimizer, the order of the mini-batches."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mlpviz.datasets import Dataset
from mlpviz.network import build_network
from mlpviz.settings import LIVE_FIELDS, Settings

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


def train_step(net: nn.Module, loss_fn: nn.Module, optimizer: Optimizer, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """One update on one mini-batch. Returns the logits and the loss, and leaves the gradients in `.grad`."""
    logits = net(X)
    loss = loss_fn(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return logits, loss


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of the test set.

    Attributes:
        step: the number of updates before it.
        loss: mean cross-entropy over the test set, in nats.
        accuracy: share of images whose largest logit is that of the true class, 0 to 1.
        logits: (n, 10) float32, in the order of the test set.
    """

    step: int
    loss: float
    accuracy: float
    logits: Tensor


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that a trainer needs to continue exactly as before.

    Attributes:
        step: the number of updates before it.
        parameters: copies of the network's parameters, in their order, on their device.
        optimizer: the optimizer's state for each parameter, such as its velocity.
        draws: the state of the generator before it drew the image order of the epoch of the next mini-batch.
    """

    step: int
    settings: Settings
    parameters: tuple[Tensor, ...]
    optimizer: dict[Any, Any]
    draws: Tensor


class Trainer:
    """One network in training, exactly reproducible.

    The same settings, dataset and thread count give the same numbers, bit for bit, whatever else the process does.
    Every random number comes from the trainer's own generator, in the order in which the article's script draws from
    the global one.

    Args:
        dataset: its tensors are moved to the settings' device. Images stay uint8 and are converted batch by batch.

    Raises:
        ValueError: this machine lacks the device, or the training set is smaller than `train_size` or `batch_size`.
    """

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        self.settings = settings
        self.device = pick_device(settings.device)
        self.dataset = dataset.to(self.device)
        self.train_size = check_size(settings, dataset)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.net = build_network(settings, self.generator).to(self.device)
        self.loss_fn = nn.CrossEntropyLoss()
        self.optimizer = make_optimizer(self.net, settings)
        self.step = 0
        self._epoch = -1  # the epoch that `_order` belongs to
        self._order = torch.empty(0, dtype=torch.int64)
        self._draws = self.generator.get_state()  # the state before `_order` was drawn

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.train_size // self.settings.batch_size)

    @property
    def order(self) -> Tensor:
        """The order of this epoch's images, (train_size,)."""
        return self._order

    def train(self, steps: int) -> Tensor:
        """Make that many updates. Returns the loss of each, (steps,) float32 on the CPU."""
        losses = [self.train_one()[1].detach() for _ in range(steps)]
        return torch.stack(losses).cpu() if losses else torch.empty(0)

    def train_one(self) -> tuple[Tensor, Tensor, Tensor]:
        """Make one update on the next mini-batch. Returns its logits (m, 10), its loss and its labels (m,)."""
        X, y = self.next_batch()
        logits, loss = self.update(X, y)
        self.step += 1
        return logits, loss, y

    def update(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The five lines."""
        return train_step(self.net, self.loss_fn, self.optimizer, X, y)

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """The mini-batch of the next update: pixels (m, 28, 28) in [0, 1], and labels (m,)."""
        epoch, at = divmod(self.step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._draws = self.generator.get_state()
            self._epoch, self._order = epoch, self.shuffle().to(self.device)
        size = self.settings.batch_size
        chosen = self._order[at * size : (at + 1) * size]
        X = self.dataset.train.images.index_select(0, chosen)
        return self.pixels(X), self.dataset.train.labels.index_select(0, chosen)

    def shuffle(self) -> Tensor:
        """The order of the next epoch's images, (train_size,), drawn as `DataLoader(shuffle=True)` does. That includes
        the random numbers that a `DataLoader` draws but does not use."""
        if self.step >= self.steps_per_epoch:
            self._draw()  # the base seed for the test loader after the last epoch
        self._draw()  # the base seed for the training loader of this epoch
        return torch.randperm(self.train_size, generator=torch.Generator().manual_seed(self._draw()))

    def pixels(self, images: Tensor) -> Tensor:
        return pixels(images)

    def _draw(self) -> int:
        return int(torch.empty((), dtype=torch.int64).random_(generator=self.generator))

    def evaluate(self) -> Evaluation:
        """Test the network on the whole test set. Nothing in the trainer changes."""
        *_, evaluation = self.evaluate_in_parts()
        assert evaluation is not None
        return evaluation

    def evaluate_in_parts(self) -> Iterator[Evaluation | None]:
        """`evaluate`, one batch at a time: yields None after each batch, and the evaluation at the end. The network
        must not be trained in between."""
        images, labels = self.evaluation_set()
        size = evaluation_batch_size(self.settings)
        parts = []
        for i in range(0, len(images), size):
            self.evaluation_mode()
            with torch.no_grad():
                parts.append(self.net(self.pixels(images[i : i + size])))
            self.net.train()
            yield None
        logits = torch.cat(parts)
        yield Evaluation(
            step=self.step,
            loss=nn.functional.cross_entropy(logits, labels).item(),
            accuracy=(logits.argmax(dim=1) == labels).sum().item() / len(labels),
            logits=logits,
        )

    def evaluation_set(self) -> tuple[Tensor, Tensor]:
        """The images that it is tested on, (n, 28, 28) uint8, and their labels (n,)."""
        return self.dataset.test.images, self.dataset.test.labels

    def evaluation_mode(self) -> None:
        """Switch layers that work differently in training, such as dropout, to evaluation."""
        self.net.eval()

    def change(self, settings: Settings) -> None:
        """Use another learning rate, momentum, weight decay or number of epochs from the next step on.

        Raises:
            ValueError: another setting differs; that needs a new trainer.
        """
        if self.settings.needs_new_run(settings):
            names = [name for name in self.settings.differences(settings) if name not in LIVE_FIELDS]
            raise ValueError(f"{', '.join(names)} can't change during a run. Make a new Trainer.")
        self.settings = settings
        for group in self.optimizer.param_groups:
            group.update(optimizer_options(settings))

    def checkpoint(self) -> Checkpoint:
        """What `restore` needs to return to this step. It shares no memory with the trainer."""
        drawn = self._epoch == self.step // self.steps_per_epoch
        return Checkpoint(
            step=self.step,
            settings=self.settings,
            parameters=tuple(parameter.detach().clone() for parameter in self.net.parameters()),
            optimizer=copy.deepcopy(self.optimizer.state_dict()["state"]),
            draws=self._draws if drawn else self.generator.get_state(),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Return to the step of the checkpoint: its weights, optimizer state, mini-batches and settings.

        Raises:
            ValueError: the checkpoint belongs to a run with another network or other data.
        """
        if self.settings.needs_new_run(checkpoint.settings):
            raise ValueError(
                "This checkpoint belongs to a run with other settings. Make a Trainer with those settings."
            )
        with torch.no_grad():
            for parameter, saved in zip(self.net.parameters(), checkpoint.parameters, strict=True):
                parameter.copy_(saved)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": copy.deepcopy(checkpoint.optimizer), "param_groups": groups})
        self.generator.set_state(checkpoint.draws)
        self.step, self._epoch = checkpoint.step, -1
        self.change(checkpoint.settings)


def evaluation_batch_size(settings: Settings) -> int:
    """How many test images are tested together. The article's 256 stays 256."""
    return min(max(settings.batch_size, 64), 1024)


def pixels(images: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1], with exactly the bits of torchvision's `ToTensor`.

    The divisor is a tensor on the images' device. CUDA would replace a division by a plain number with a multiplication
    by 1/255, which rounds differently.
    """
    return images.float().div_(torch.full((), 255.0, device=images.device))


def pick_device(name: str) -> torch.device:
    """The device "cpu", "cuda" or "mps". "auto" is the fastest one that this machine has.

    Raises:
        ValueError: the machine does not have this device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in present.items() if there)
    if not present[name]:
        there = ", ".join(device for device, there in present.items() if there)
        raise ValueError(f"device is {name!r}, which this machine doesn't have; it has {there}. Choose auto.")
    return torch.device(name)


def make_optimizer(net: nn.Module, settings: Settings) -> Optimizer:
    """The optimizer of the settings, for all parameters of the network."""
    return OPTIMIZERS[settings.optimizer](net.parameters(), **optimizer_options(settings))


def optimizer_options(settings: Settings) -> dict[str, Any]:
    """The arguments of the optimizer's constructor. They are also the options of its parameter group."""
    options: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.optimizer == "sgd":
        options |= {"momentum": settings.momentum, "nesterov": settings.nesterov}
    return options


def check_size(settings: Settings, dataset: Dataset) -> int:
    there = len(dataset.train.images)
    size = settings.train_size or there
    if size > there:
        raise ValueError(f"train_size is {size:,}, but {dataset.title} has only {there:,} training images.")
    if settings.batch_size > size:
        raise ValueError(
            f"batch_size is {settings.batch_size:,}; it must be at most {size:,}, the number of training images."
        )
    return size
