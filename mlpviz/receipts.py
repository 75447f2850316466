"""A receipt of a run: what is needed to train it again, and what must come out. Anybody can check it.

mlpviz verify receipt.json
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from mlpviz.datasets import Dataset
from mlpviz.settings import Settings
from mlpviz.trainer import Evaluation, Trainer, pick_device

FORMAT = 1
# On another processor, or with another version of PyTorch, sums are rounded differently. A run that learns still comes
# out about the same. It counts as equal within these bounds.
ACCURACY_BOUND = 0.02  # of the test accuracy, from 0 to 1
LOSS_BOUND = 0.05  # of the test loss, relative to it
PIECE = 4096  # images that are hashed at once
LARGEST_FILE = 2**20  # bytes; a receipt of a thousand epochs has about 200 kB


_KNOWN: WeakKeyDictionary[Dataset, dict[str, str]] = WeakKeyDictionary()


class ReceiptError(ValueError):
    """The receipt can't be read or checked. The message says why, for a person."""


class Outcome(StrEnum):
    """How the run that was trained again compares with the receipt."""

    EQUAL = "equal"  # bit for bit
    CLOSE = "close"  # within the bounds
    DIFFERENT = "different"


@dataclass(frozen=True)
class Comparison:
    """The comparison at one step.

    Attributes:
        what: "test set" or "weights".
        said, found: the test loss and accuracy in the receipt and now; None for the weights.
    """

    step: int
    what: str
    outcome: Outcome
    said: tuple[float, float] | None = None
    found: tuple[float, float] | None = None


def fingerprint(*tensors: Tensor) -> str:
    """The SHA-256 of the values, as bytes, one tensor after another."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()


def make_receipt(
    trainer: Trainer,
    settings_log: Sequence[tuple[int, Settings]],
    evaluations: Sequence[tuple[int, float, float]],
    fingerprints: Mapping[int, str],
    threads: int,
) -> Generator[float, None, str]:
    """The receipt of a run at its present step, as JSON. Works in pieces, and yields how much is done.

    Args:
        settings_log: the settings of the run, each with the step at which they began, from step 0 on.
        evaluations: step, test loss and test accuracy of each. fingerprints: of their logits, by step.
    """
    data = yield from _data(trainer.dataset)
    content = {
        "what": "A receipt of a run in mlpviz. Check it with: mlpviz verify FILE",
        "format": FORMAT,
        "settings": settings_log[0][1].to_dict(),
        "changes": [[step, settings.to_dict()] for step, settings in settings_log[1:]],
        "step": trainer.step,
        "data": data,
        "made with": _versions() | {"threads": threads, "device": trainer.device.type, "processor": _processor()},
        "evaluations": [
            {"step": step, "loss": loss, "accuracy": accuracy, "logits": fingerprints[step]}
            for step, loss, accuracy in evaluations
            if step in fingerprints
        ],
        "weights": fingerprint(*trainer.net.parameters()),
    }
    return json.dumps(content | {"seal": _seal(content)}, indent=1)


def read_receipt(path: Path) -> dict[str, Any]:
    """The content of a receipt's file.

    Raises:
        ReceiptError: there is no such file, it is not a receipt, or somebody has changed it.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ReceiptError(f"{path.name} is too large for a receipt.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReceiptError(f"{path} can't be read ({error.strerror}).") from None
    except ValueError as error:
        if isinstance(error, ReceiptError):
            raise
        raise ReceiptError(f"{path.name} is not a receipt: it is not valid JSON.") from None
    if not isinstance(content, dict) or "seal" not in content or "format" not in content:
        raise ReceiptError(f"{path.name} is not a receipt of mlpviz.")
    if content["format"] != FORMAT:
        raise ReceiptError(f"{path.name} has format {content['format']!r:.40}. This mlpviz reads {FORMAT}. Update it.")
    seal = content.pop("seal")
    if seal != _seal(content):
        raise ReceiptError(f"{path.name} was changed after it was made: its seal does not fit its content.")
    return content


def check_receipt(content: Mapping[str, Any], dataset: Dataset) -> Iterator[Comparison]:
    """Train the run of a receipt again, and compare after each evaluation, and at the end.

    Raises:
        ReceiptError: this machine has other data, or a value in the receipt makes no sense.
    """
    if content["data"] != _at_once(_data(dataset)):
        raise ReceiptError(f"The data of {dataset.title} on this machine are not those of the receipt.")
    try:
        device = _device(content["made with"]["device"])
        settings = Settings.from_dict({**content["settings"], "device": device})
        changes = [(int(step), Settings.from_dict({**each, "device": device})) for step, each in content["changes"]]
        said = [(each["step"], each["loss"], each["accuracy"], each["logits"]) for each in content["evaluations"]]
        last, threads = int(content["step"]), int(content["made with"]["threads"])
        steps = [step for step, *_ in said]
        if steps != sorted(set(steps)) or not all(0 <= step <= last for step in steps):
            raise ValueError("the steps of its evaluations")
    except (KeyError, TypeError, ValueError) as error:
        raise ReceiptError(f"A value in the receipt makes no sense ({error}).") from None
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(threads, 1024)))
    try:
        trainer = Trainer(settings, dataset)
        outcomes = set()
        for step, loss, accuracy, logits in said:
            _train_to(trainer, step, changes)
            evaluation = trainer.evaluate()
            outcome = _outcome(evaluation, loss, accuracy, logits)
            outcomes.add(outcome)
            yield Comparison(step, "test set", outcome, (loss, accuracy), (evaluation.loss, evaluation.accuracy))
        _train_to(trainer, last, changes)
        equal = fingerprint(*trainer.net.parameters()) == content["weights"]
        close = outcomes == {Outcome.CLOSE} or outcomes == {Outcome.CLOSE, Outcome.EQUAL}
        yield Comparison(last, "weights", Outcome.EQUAL if equal else Outcome.CLOSE if close else Outcome.DIFFERENT)
    finally:
        torch.set_num_threads(before)


def _train_to(trainer: Trainer, step: int, changes: Sequence[tuple[int, Settings]]) -> None:
    """Train to this step, with the changes of settings on the way."""
    while trainer.step < step:
        for at, settings in changes:
            if at == trainer.step:
                trainer.change(settings)
        trainer.train_one()


def _outcome(found: Evaluation, loss: float, accuracy: float, logits: str) -> Outcome:
    if fingerprint(found.logits) == logits:
        same = found.loss == loss or (math.isnan(found.loss) and math.isnan(loss))
        return Outcome.EQUAL if same and found.accuracy == accuracy else Outcome.DIFFERENT
    if not (math.isfinite(loss) and math.isfinite(found.loss)):
        return Outcome.CLOSE if math.isfinite(loss) == math.isfinite(found.loss) else Outcome.DIFFERENT
    near = abs(found.loss - loss) <= LOSS_BOUND * max(loss, found.loss)
    return Outcome.CLOSE if near and abs(found.accuracy - accuracy) <= ACCURACY_BOUND else Outcome.DIFFERENT


def _data(dataset: Dataset) -> Generator[float, None, dict[str, str]]:
    """The dataset's name, and the fingerprints of all its images and labels. They are computed once, in pieces."""
    if dataset not in _KNOWN:
        found = {"name": dataset.name}
        for name, part in {"train": dataset.train, "test": dataset.test}.items():
            digest = hashlib.sha256()
            for i in range(0, len(part.images), PIECE):
                digest.update(part.images[i : i + PIECE].cpu().numpy().tobytes())
                yield i / len(part.images)
            digest.update(part.labels.cpu().numpy().tobytes())
            found[name] = digest.hexdigest()
        _KNOWN[dataset] = found
    return _KNOWN[dataset]


def _at_once(pieces: Generator[float, None, dict[str, str]]) -> dict[str, str]:
    while True:
        try:
            next(pieces)
        except StopIteration as stop:
            found: dict[str, str] = stop.value
            return found


def _device(name: str) -> str:
    """The device of the receipt, if this machine has it; otherwise the fastest."""
    try:
        pick_device(name)
    except (KeyError, ValueError):
        return "auto"
    return name


def _versions() -> dict[str, str]:
    from mlpviz import __version__

    return {"mlpviz": __version__, "torch": torch.__version__, "python": platform.python_version()}


def _processor() -> str:
    """What the system calls its processor, and which kernels PyTorch has chosen for it: bits depend on both."""
    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"


def _seal(content: Mapping[str, Any]) -> str:
    """The SHA-256 of the content. It shows a careless change. Only training the run again shows that it is true."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
