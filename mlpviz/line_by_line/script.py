"""The training script: the settings written out as plain PyTorch, in the article's form, to read and to run."""

from __future__ import annotations

import difflib
import inspect
import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlpviz.catalog import CATALOG
from mlpviz.network import ACTIVATIONS
from mlpviz.settings import Settings
from mlpviz.trainer import OPTIMIZERS, evaluation_batch_size, optimizer_options, train_step

Changes = Sequence[tuple[int, Settings]]

#: In the loop, before the five lines.
TAKE_OVER = "        optimizer.param_groups[0].update(changes.get(steps, {}))\n        steps += 1"
MODULES = {name: f"nn.{module.__name__}()" for name, module in ACTIVATIONS.items()}
INIT_LINES = {
    "normal": "nn.init.normal_(m.weight, std={std!r})",
    "zeros": "nn.init.zeros_(m.weight)",
    "xavier": "nn.init.xavier_normal_(m.weight)",
    "kaiming": 'nn.init.kaiming_normal_(m.weight, nonlinearity="relu")',
}
FULL_SET_OF_MINI = "FashionMNIST"  # the script builds the small set from the full one
MINI = """
def first_of_each_class(dataset, n):  # the small set: n images of each class, in their order
    seen, chosen = [0] * 10, []
    for i, label in enumerate(dataset.targets.tolist()):
        seen[label] += 1
        if seen[label] <= n:
            chosen.append(i)
    return Subset(dataset, chosen)


train_set, test_set = first_of_each_class(train_set, 1000), first_of_each_class(test_set, 200)
"""


@dataclass(frozen=True)
class Part:
    """Some lines of the script that belong together.

    Attributes:
        key: the name of the part and of its text in `text/lines`; empty if it needs no explanation.
        code: indented as in the file, without a newline at the end.
        shown: the index of the line that represents the part.
    """

    key: str
    code: str
    shown: int = 0

    def line(self) -> str:
        """The one line that represents the part."""
        return self.code.strip().splitlines()[self.shown].strip()

    def depth(self) -> int:
        """How many levels it is indented."""
        line = self.code.strip("\n").splitlines()[self.shown]
        return (len(line) - len(line.lstrip())) // 4


def parts(settings: Settings, threads: int, device: str = "cpu", changes: Changes = ()) -> list[Part]:
    """The script from its first line to its last.

    Args:
        threads: PyTorch's number of threads; the bits depend on it.
        device: where the run trains: "cpu", "cuda" or "mps".
        changes: the settings that were changed while it trained: after so many steps, these settings.
    """
    later = _changes(settings, changes)
    five = dict(zip(("forward", "loss", "zero_grad", "backward", "step"), five_lines(), strict=True))
    return [
        Part("", _opening(settings, threads)),
        Part("device", f'device = "{device}"'),
        Part("seed", f"torch.manual_seed({settings.seed})"),
        Part("data", _data(settings), shown=2),
        Part("net", _net(settings)),
        *_init(settings),
        Part("", "net.to(device)"),
        Part("loss_fn", "loss_fn = nn.CrossEntropyLoss()"),
        Part("optimizer", _optimizer(settings)),
        *([Part("changes", later)] if later else []),
        Part("epoch", f"\nfor epoch in range(1, {settings.epochs + 1}):\n    net.train()"),
        Part("batch", "    for X, y in train_loader:\n        X, y = X.to(device), y.to(device)"),
        *([Part("", TAKE_OVER)] if later else []),
        *(Part(key, textwrap.indent(line, " " * 8)) for key, line in five.items()),
        Part("eval", "    net.eval()\n    with torch.no_grad():\n" + _test_pass()),
        Part("test", _accuracy(), shown=1),
        Part("", _report()),
    ]


def edited(all_parts: list[Part], edits: dict[str, tuple[str, str]]) -> list[Part]:
    """The script with some replacements: for each part key in `edits`, the old text and the new one."""
    return [
        replace(part, code=part.code.replace(*edits[part.key])) if part.key in edits else part for part in all_parts
    ]


def diff(before: list[Part], after: list[Part]) -> str:
    """Both as one listing: removed lines are marked with "-", added lines with "+"."""
    old, new = ("\n".join(part.code for part in half).splitlines() for half in (before, after))
    return "\n".join(line for line in difflib.ndiff(old, new) if not line.startswith("?") and line.strip("+- "))


def training_source() -> str:
    """The source of the function that trains."""
    return inspect.getsource(train_step)


def five_lines() -> list[str]:
    """The five lines, taken from the source of the function that trains."""
    body = training_source().split('"""')[2]
    lines = [line.strip() for line in body.strip().splitlines()]
    return lines[:-1]  # without the return


def script(settings: Settings, threads: int, device: str = "cpu", changes: Changes = ()) -> str:
    """The whole file, `train.py`. It needs only torch and torchvision. For each epoch it prints the page's numbers, bit
    for bit."""
    return "\n".join(part.code for part in parts(settings, threads, device, changes)) + "\n"


def notebook(
    settings: Settings, threads: int, texts: dict[str, str], device: str = "cpu", changes: Changes = ()
) -> str:
    """The script as a Jupyter notebook, with the explanation of each part before its code.

    Args:
        texts: Markdown by the parts' keys.
    """
    cells: list[dict[str, object]] = []
    for group in _cells(parts(settings, threads, device, changes)):
        explained = [texts[part.key].strip() for part in group if part.key in texts]
        if explained:
            cells.append(_cell("markdown", "\n\n".join(explained)))
        cells.append(_cell("code", "\n".join(part.code for part in group).strip("\n")))
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}, indent=1)


def loader(settings: Settings) -> str:
    """A few lines of plain PyTorch that load the weights of such a network from `weights.safetensors`."""
    return f"""import torch
from safetensors.torch import load_file
from torch import nn

{_net(settings).strip()}
net.load_state_dict(load_file("weights.safetensors"))

images = torch.rand(1, 1, 28, 28)  # yours: grey values from 0 to 1
print(net(images).softmax(dim=1))
"""


def _cells(all_parts: list[Part]) -> list[list[Part]]:
    """The parts of each cell. The loop stays in one cell, because its indented lines can't be split."""
    groups: list[list[Part]] = []
    in_loop = False
    for part in all_parts:
        begins = part.code.lstrip().startswith("for epoch")
        if not groups or (part.key and not in_loop) or begins:
            groups.append([])
        in_loop = in_loop or begins
        groups[-1].append(part)
    return groups


def _cell(kind: str, source: str) -> dict[str, object]:
    more: dict[str, object] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), **more}


def _opening(settings: Settings, threads: int) -> str:
    mini = settings.dataset == "fashion-mnist-mini"
    subset = ", Subset" if mini or settings.train_size is not None else ""
    return f'''"""Train a multilayer perceptron: python train.py [folder of the images, default "data"]."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader{subset}
from torchvision import datasets, transforms

torch.set_num_threads({threads})  # another number changes the last digits'''


def _data(settings: Settings) -> str:
    kind = CATALOG[settings.dataset].torchvision_name or FULL_SET_OF_MINI
    lines = [
        'root = sys.argv[1] if sys.argv[1:] and not sys.argv[1].startswith("-") else "data"',
        "to_tensor = transforms.ToTensor()",
        f"train_set = datasets.{kind}(root, train=True, download=True, transform=to_tensor)",
        f"test_set = datasets.{kind}(root, train=False, download=True, transform=to_tensor)",
    ]
    if settings.dataset == "fashion-mnist-mini":
        lines.append("\n" + MINI)
    if settings.train_size is not None:
        lines.append(f"train_set = Subset(train_set, range({settings.train_size}))")
    lines += [
        f"train_loader = DataLoader(train_set, batch_size={settings.batch_size}, shuffle=True)",
        f"test_loader = DataLoader(test_set, batch_size={evaluation_batch_size(settings)})",
    ]
    return "\n".join(lines) + "\n"


def _net(settings: Settings) -> str:
    sizes = settings.layer_sizes
    layers = ["nn.Flatten()"]
    for i in range(len(sizes) - 1):
        if i > 0:
            layers.append(MODULES[settings.activation])
        layers.append(f"nn.Linear({sizes[i]}, {sizes[i + 1]})")
    return f"net = nn.Sequential({', '.join(layers)})"


def init_line(settings: Settings) -> str:
    """The line that draws a layer's weights; empty for PyTorch's own initialisation."""
    return INIT_LINES.get(settings.init, "").format(std=settings.init_std)


def _init(settings: Settings) -> list[Part]:
    if settings.init == "pytorch":
        return []
    body = f"        {init_line(settings)}\n        nn.init.zeros_(m.bias)"
    code = f"\n\ndef init_weights(m):\n    if isinstance(m, nn.Linear):\n{body}\n\n\nnet.apply(init_weights)"
    return [Part("init", code, shown=-1)]


def _optimizer(settings: Settings) -> str:
    options = [f"lr={settings.learning_rate!r}"]
    if settings.momentum:
        options.append(f"momentum={settings.momentum!r}")
    if settings.nesterov:
        options.append("nesterov=True")
    if settings.weight_decay or settings.optimizer == "adamw":  # AdamW's default is not 0
        options.append(f"weight_decay={settings.weight_decay!r}")
    return f"optimizer = torch.optim.{OPTIMIZERS[settings.optimizer].__name__}(net.parameters(), {', '.join(options)})"


def _changes(settings: Settings, changes: Changes) -> str:
    """What was changed while it trained, as a table for the loop; empty if nothing was."""
    lines, before = [], optimizer_options(settings)
    for step, later in changes:
        options = optimizer_options(later)
        new = {name: value for name, value in options.items() if value != before.get(name)}
        if new:
            lines.append(f"    {step}: {new!r},")
        before = options
    if not lines:
        return ""
    listed = "\n".join(lines)
    return f"\nchanges = {{  # of the optimizer: after so many steps, these values\n{listed}\n}}\nsteps = 0"


def _test_pass() -> str:
    return "        tested = [(net(X.to(device)), y.to(device)) for X, y in test_loader]"


def _accuracy() -> str:
    return (
        "    logits, labels = (torch.cat(tensors) for tensors in zip(*tested))\n"
        "    accuracy = (logits.argmax(dim=1) == labels).sum().item() / len(labels)"
    )


def _report() -> str:
    return (
        "    test_loss = loss_fn(logits, labels).item()\n"
        '    print(f"epoch {epoch}: test loss {test_loss:.9g}, test accuracy {accuracy:.4f}, "\n'
        '          f"loss of the last mini-batch {loss.item():.9g}", flush=True)'
    )
