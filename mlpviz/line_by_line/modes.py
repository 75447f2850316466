"""What `no_grad`, `eval` and the device change, measured on a run's network."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Generator
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from mlpviz.answers import EvaluationModes
from mlpviz.trainer import Trainer, pixels

IMAGES = 1000
ROUNDS = 3


def evaluation_modes(trainer: Trainer) -> Generator[float, None, EvaluationModes]:
    """Measure it on a copy; the trainer does not change. Yields how much is done, from 0 to 1."""
    net = copy.deepcopy(trainer.net)
    X = pixels(trainer.dataset.test.images[:IMAGES])
    times: dict[bool, list[float]] = {True: [], False: []}
    for done in range(ROUNDS):
        for recording in times:
            times[recording].append(_seconds(net, X, recording))
            yield done / ROUNDS
    with torch.no_grad():
        same = torch.equal(net.train()(X), net.eval()(X))
    return EvaluationModes(
        images=len(X),
        seconds=statistics.median(times[True]),
        seconds_no_grad=statistics.median(times[False]),
        kept_bytes=_kept_bytes(net, X, True),
        kept_bytes_no_grad=_kept_bytes(net, X, False),
        same_logits=same,
    )


def device_error(trainer: Trainer) -> tuple[str, str]:
    """Put an image on another device than the network. Returns that device's name and PyTorch's error message. If the
    network is on the CPU, the other device is `meta`, which has shapes but no data."""
    other = "meta" if trainer.device.type == "cpu" else "cpu"
    X = pixels(trainer.dataset.test.images[:1]).to(other)
    try:
        copy.deepcopy(trainer.net)(X)
    except RuntimeError as error:
        return other, str(error)
    raise AssertionError("PyTorch let two devices mix")


def _seconds(net: nn.Module, X: Tensor, recording: bool) -> float:
    begun = time.perf_counter()
    with nullcontext() if recording else torch.no_grad():
        net(X).sum().item()  # .item() waits for a GPU
    return time.perf_counter() - begun


def _kept_bytes(net: nn.Module, X: Tensor, recording: bool) -> int:
    weights = {parameter.untyped_storage().data_ptr() for parameter in net.parameters()}
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with nullcontext() if recording else torch.no_grad():
            outputs = net(X)  # kept until the count is done, so that no two storages share an address
        del outputs
    return sum(saved.values())
