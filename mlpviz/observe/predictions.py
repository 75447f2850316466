"""The predictions of each evaluation for each test image, in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor

from mlpviz.keeping import Keeps
from mlpviz.results import PastPredictions, Results
from mlpviz.trainer import Evaluation

CAPACITY = 32  # evaluations kept, besides the latest


class PredictionRecorder(Keeps):
    """Keeps the predictions of at most 33 evaluations: at first all, later every second, every fourth, …, and always
    the latest. An evaluation of 10,000 images takes 30 kB."""

    KEPT = ("_kept", "_count", "_stride", "_latest")

    def __init__(self) -> None:
        self._kept: list[tuple[int, PastPredictions]] = []  # with the evaluation's ordinal number
        self._count = 0
        self._stride = 1
        self._latest: PastPredictions | None = None

    def record(self, evaluation: Evaluation, labels: Tensor) -> Results:
        """Take in an evaluation. `labels` are those of the test set, (n,)."""
        if self._kept and self._kept[-1][0] % self._stride:
            self._kept.pop()  # it was kept only because it was the latest
        before, self._latest = self._latest, _past(evaluation, labels)
        self._kept.append((self._count, self._latest))
        self._count += 1
        while len(self._kept) > CAPACITY + 1:
            self._stride *= 2
            latest = self._kept[-1]
            self._kept = [entry for entry in self._kept[:-1] if entry[0] % self._stride == 0] + [latest]
        return Results(
            step=evaluation.step,
            logits=evaluation.logits.cpu().numpy(),
            labels=labels.cpu().numpy(),
            past=tuple(past for _, past in self._kept),
            before=before.predicted if before is not None else None,
            evaluations=self._count,
        )


def _past(evaluation: Evaluation, labels: Tensor) -> PastPredictions:
    probabilities = torch.softmax(evaluation.logits, dim=1).gather(1, labels[:, None])[:, 0]
    return PastPredictions(
        step=evaluation.step,
        predicted=evaluation.logits.argmax(dim=1).to(torch.uint8).cpu().numpy(),
        true_probability=probabilities.half().cpu().numpy(),
    )
