"""What if a line were gone? All changes, as edits of the script. This module does not import torch.

`mlpviz.line_by_line.ablations` has the same changes as trainers.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlpviz.line_by_line.script import INIT_LINES, MODULES, init_line
from mlpviz.settings import CLASSES, Settings

Edits = dict[str, tuple[str, str]]
NO_HIDDEN_LAYER = "This change is about hidden layers, and this network has no hidden layer."
BY_HEART = 1000  # images that a network can memorize
SMALL_BATCH = 32


@dataclass(frozen=True)
class WhatIf:
    """One change of the program.

    Attributes:
        name: the name of its text in `text/ablations`. title: what the page calls it.
        line: the key of the part that it belongs to, in `mlpviz.line_by_line.script`.
        steps: for how many steps the changed program and the original are compared.
        note: what else differs from the settings, in both programs.
    """

    name: str
    title: str
    line: str
    steps: int = 400
    note: str = ""

    def adapt(self, settings: Settings) -> Settings:
        """The settings, for both programs, with which the difference can be seen."""
        return settings

    def pointless(self, settings: Settings) -> str:
        """Why the change makes no sense with these settings; empty if it does."""
        return ""

    def edits(self, settings: Settings) -> Edits:
        """The change as replacements in the script: part key → (old text, new text)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Replacement(WhatIf):
    """A change with the same old and new text for all settings."""

    part: str = ""
    old: str = ""
    new: str = ""

    def edits(self, settings: Settings) -> Edits:
        return {self.part or self.line: (self.old, self.new)}


class AllZero(WhatIf):
    """All weights start at zero."""

    def pointless(self, settings: Settings) -> str:
        """Pointless without a hidden layer, or if the weights start at zero already."""
        if not settings.hidden_sizes:
            return NO_HIDDEN_LAYER + " A linear classifier may start at zero."
        return "With these settings, all weights start at zero already." if settings.init == "zeros" else ""

    def adapt(self, settings: Settings) -> Settings:
        """Adds the line that draws the weights if the script has none, so that it can be changed."""
        return settings.replace(init="normal") if settings.init == "pytorch" else settings

    def edits(self, settings: Settings) -> Edits:
        return {"init": (init_line(settings), INIT_LINES["zeros"])}


class Sorted(WhatIf):
    """No shuffle; the images are sorted by label."""

    def edits(self, settings: Settings) -> Edits:
        old = f"DataLoader(train_set, batch_size={settings.batch_size}, shuffle=True)"
        new = f"DataLoader(sorted(train_set, key=lambda pair: pair[1]), batch_size={settings.batch_size})"
        return {"data": (old, new)}


class WithoutActivation(WhatIf):
    """No activation between the layers."""

    def pointless(self, settings: Settings) -> str:
        """Pointless if there is no activation already, or no hidden layer."""
        if settings.activation == "identity":
            return "This network already has no activation."
        return "" if settings.hidden_sizes else NO_HIDDEN_LAYER

    def edits(self, settings: Settings) -> Edits:
        return {"net": (f"{MODULES[settings.activation]}, ", "")}


class WithDropout(Replacement):
    """A change that can only be seen with dropout."""

    def pointless(self, settings: Settings) -> str:
        """Pointless without a hidden layer, because then there is no dropout."""
        return "" if settings.hidden_sizes else NO_HIDDEN_LAYER


class FewImages(Replacement):
    """A change that can be seen with few images and many epochs, so that the network can memorize them."""

    def adapt(self, settings: Settings) -> Settings:
        """At most 1,000 images, in small mini-batches."""
        size = min(settings.train_size or BY_HEART, BY_HEART)
        return settings.replace(train_size=size, batch_size=min(settings.batch_size, size, SMALL_BATCH))


RAW_PIXELS = Replacement(
    "raw-pixels",
    "Pixels not divided by 255",
    "data",
    old="transforms.ToTensor()",
    new="transforms.Compose([transforms.PILToTensor(), torch.Tensor.float])",
)
SORTED = Sorted("sorted", "No shuffle, images sorted by class", "data")
NO_ACTIVATION = WithoutActivation("no-relu", "No activation", "net")
SOFTMAX_FIRST = Replacement(
    "softmax-first", "Softmax before the loss", "net", old=f"{CLASSES}))", new=f"{CLASSES}), nn.Softmax(dim=1))"
)
ZERO_WEIGHTS = AllZero("zero-weights", "All weights start at zero", "init")
SUM = Replacement(
    "sum",
    "Sum instead of mean in the loss",
    "loss_fn",
    old="CrossEntropyLoss()",
    new='CrossEntropyLoss(reduction="sum")',
)
RATE_10 = Replacement("rate-10", "Learning rate × 10", "optimizer", old="lr=", new="lr=10 * ")
RATE_100 = Replacement("rate-100", "Learning rate × 100", "optimizer", old="lr=", new="lr=100 * ")
NO_ZERO_GRAD = Replacement("no-zero-grad", "No zero_grad", "zero_grad", old="optimizer.zero_grad()")
ASCENT = Replacement(
    "ascent",
    "+ instead of − in the update",
    "step",
    part="optimizer",
    old="net.parameters(), ",
    new="net.parameters(), maximize=True, ",
)
NO_EVAL = WithDropout(
    "no-eval",
    "No eval() with dropout",
    "eval",
    note="Both programs have `nn.Dropout(0.5)` after each activation.",
    old="net.eval()",
)
TESTED_ON_TRAINING = FewImages(
    "tested-on-training",
    "Testing on the training set",
    "test",
    steps=1600,
    note="Both programs train on at most 1,000 images, in mini-batches of at most 32: few enough to memorize.",
    part="eval",
    old="test_loader",
    new="train_loader",
)

#: All changes by name, in the page's order.
WHAT_IFS: dict[str, WhatIf] = {
    what_if.name: what_if
    for what_if in (
        RAW_PIXELS,
        SORTED,
        NO_ACTIVATION,
        SOFTMAX_FIRST,
        ZERO_WEIGHTS,
        SUM,
        RATE_10,
        RATE_100,
        NO_ZERO_GRAD,
        ASCENT,
        NO_EVAL,
        TESTED_ON_TRAINING,
    )
}
