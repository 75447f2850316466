"""What the network answers for some chosen images, at one moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlpviz.examples import MOST, Examples
from mlpviz.keeping import Keeps
from mlpviz.observe.portrait import portrait
from mlpviz.snapshot import Answers
from mlpviz.trainer import Trainer, pixels


class ExampleViewer(Keeps):
    """Looks at the chosen images through the network of one trainer.

    Attributes:
        chosen: which images. At first, the first test image of each class.
    """

    KEPT = ("chosen",)

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._latest: Answers | None = None
        self.choose(Examples())

    def choose(self, examples: Examples) -> None:
        """Show these from now on.

        Raises:
            ValueError: this choice is not possible.
        """
        test = self._trainer.dataset.test
        chosen = replace(examples, indices=examples.indices or first_of_each_class(test.labels))
        self.chosen = chosen.check(len(test.images))
        self._images = self._images_of(chosen)
        self._labels = ([None] if chosen.own else []) + test.labels[list(chosen.indices)].tolist()

    def _images_of(self, chosen: Examples) -> Tensor:
        images = self._trainer.dataset.test.images
        own = torch.from_numpy(np.frombuffer(chosen.own, dtype=np.uint8).reshape(-1, 28, 28).copy())
        return torch.cat([own.to(images.device), images[list(chosen.indices)]])

    def images_of(self, chosen: Examples) -> np.ndarray:
        """The images of a choice that was made before, (n, 28, 28) uint8. Any thread may ask."""
        images: np.ndarray = self._images_of(chosen).cpu().numpy()
        return images

    def give_back(self, kept: dict[str, Any]) -> None:
        """As in `Keeps`."""
        self.choose(kept["chosen"])

    def look(self) -> Answers:
        """The answers of the network as it is now."""
        step = self._trainer.step
        if self._latest is None or self._latest.step != step or self._latest.examples is not self.chosen:
            self._latest = self._look(step)
        return self._latest

    def _look(self, step: int) -> Answers:
        net, focus = self._trainer.net, self.chosen.focus
        x = pixels(self._images)
        with torch.no_grad():
            logits = net(x)
        return Answers(
            step=step,
            examples=self.chosen,
            images=self._images.cpu().numpy(),
            labels=tuple(self._labels),
            probabilities=logits.softmax(dim=1).cpu().numpy(),
            portrait=portrait(net, x[focus], self._labels[focus]),
        )


def first_of_each_class(labels: Tensor) -> tuple[int, ...]:
    """The index of the first image of each class that occurs, by class."""
    classes = labels.unique().tolist()
    return tuple(int((labels == c).nonzero()[0]) for c in classes[:MOST])
