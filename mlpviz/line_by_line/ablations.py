"""What if a line were gone? Each class is the trainer with one line of the program changed, nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mlpviz.datasets import Dataset
from mlpviz.line_by_line import what_ifs
from mlpviz.line_by_line.what_ifs import WhatIf
from mlpviz.network import activations, linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.settings import IMAGE_SIZE, Settings
from mlpviz.trainer import Evaluation, Trainer

PROBE_IMAGES = 512


class Ablation(Trainer):
    """A changed program that trains along with an unchanged one, on the same seed and the same mini-batches.

    Attributes:
        about: the change, and what it looks like in the script.
        companion: the class of the unchanged program.
    """

    about: WhatIf
    companion: type[Trainer] = Trainer

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset)
        self.leader = leader

    def shuffle(self) -> Tensor:
        return self.leader.order

    def facts(self) -> tuple[str, ...]:
        """Sentences on what the changed network is like after training."""
        return ()

    def probe(self) -> Tensor:
        """The first test images as pixels, (n, 28, 28)."""
        return self.pixels(self.dataset.test.images[:PROBE_IMAGES])

    def dead_units(self) -> tuple[str, ...]:
        """A sentence on dead units, if there is a hidden layer."""
        shares = dead_shares(self.net, self.probe())
        if not shares:
            return ()
        return (f"Dead hidden units in the worst layer: {100 * max(shares):.0f} %.",)


class NoZeroGrad(Ablation):
    """Gradients add up over the steps."""

    about = what_ifs.NO_ZERO_GRAD

    def update(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.net(X)
        loss = self.loss_fn(logits, y)
        loss.backward()
        self.optimizer.step()
        return logits, loss

    def facts(self) -> tuple[str, ...]:
        left = _norm([p.grad for p in self.net.parameters() if p.grad is not None])
        X, y = self.next_batch()
        fresh = _norm(list(torch.autograd.grad(self.loss_fn(self.net(X), y), list(self.net.parameters()))))
        return (f"‖.grad‖ after {self.step:,} steps: {left:.3g}. The same for one mini-batch alone: {fresh:.3g}.",)


class SoftmaxFirst(Ablation):
    """The loss gets probabilities instead of logits."""

    about = what_ifs.SOFTMAX_FIRST

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        self.net.append(nn.Softmax(dim=1))

    def facts(self) -> tuple[str, ...]:
        floor = -1 + math.log(math.e + 9)
        return (f"The smallest loss that it can ever reach: −1 + log(e + 9) = {floor:.3f}.",)


class ZeroWeights(Ablation):
    """All weights start at zero."""

    about = what_ifs.ZERO_WEIGHTS

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings.replace(init="zeros"), dataset, leader)

    def facts(self) -> tuple[str, ...]:
        weight = linears(self.net)[0].weight.detach().cpu()
        different = len(weight.unique(dim=0))
        return (f"Different rows among the {len(weight)} of W₁: {different}.",)


class SortedLabels(Ablation):
    """The images are sorted by class."""

    about = what_ifs.SORTED

    def shuffle(self) -> Tensor:
        return self.dataset.train.labels[: self.train_size].argsort(stable=True)

    def facts(self) -> tuple[str, ...]:
        predictions = self.evaluate().logits.argmax(dim=1)
        counts = torch.bincount(predictions, minlength=10)
        favourite = self.dataset.classes[int(counts.argmax())]
        share = counts.max().item() / len(predictions)
        return (f"It calls {100 * share:.0f} % of the test images “{favourite}”.",)


class GradientAscent(Ablation):
    """Each step goes up the gradient."""

    about = what_ifs.ASCENT

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        for group in self.optimizer.param_groups:
            group["maximize"] = True


class TenTimesTheRate(Ablation):
    """The learning rate is multiplied by ten."""

    about = what_ifs.RATE_10
    factor = 10.0

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        for group in self.optimizer.param_groups:
            group["lr"] *= self.factor

    def facts(self) -> tuple[str, ...]:
        return self.dead_units()


class HundredTimesTheRate(TenTimesTheRate):
    """The learning rate is multiplied by a hundred."""

    about = what_ifs.RATE_100
    factor = 100.0


class RawPixels(Ablation):
    """Pixels stay between 0 and 255."""

    about = what_ifs.RAW_PIXELS

    def pixels(self, images: Tensor) -> Tensor:
        return images.float()

    def facts(self) -> tuple[str, ...]:
        return self.dead_units()


class NoActivation(Ablation):
    """There is no activation between the layers."""

    about = what_ifs.NO_ACTIVATION

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings.replace(activation="identity"), dataset, leader)

    def facts(self) -> tuple[str, ...]:
        weight, bias = self.collapsed()
        X = self.probe()
        with torch.no_grad():
            logits = self.net(X)
            distance = (logits - (X.flatten(1) @ weight.T + bias)).abs().max().item()
        return (
            f"If its matrices are multiplied into one layer 784 → 10, the logits differ by at most {distance:.1e} "
            f"(the largest logit is {logits.abs().max().item():.1f}).",
        )

    def collapsed(self) -> tuple[Tensor, Tensor]:
        """The one linear layer that does the same as all of them: weight (10, 784) and bias (10,)."""
        with torch.no_grad():
            weight, bias = torch.eye(IMAGE_SIZE, device=self.device), torch.zeros(IMAGE_SIZE, device=self.device)
            for linear in linears(self.net):
                weight, bias = linear.weight @ weight, linear.weight @ bias + linear.bias
        return weight, bias


class SumForMean(Ablation):
    """The loss is the sum over the mini-batch."""

    about = what_ifs.SUM

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        self.loss_fn = nn.CrossEntropyLoss(reduction="sum")

    def update(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits, loss = super().update(X, y)
        return logits, loss / len(y)  # per image in the chart, so that the curves can be compared

    def facts(self) -> tuple[str, ...]:
        rate, m = self.settings.learning_rate, self.settings.batch_size
        return (f"The effective learning rate: m η = {m:,} · {rate:g} = {m * rate:g}.",)


class SeededDropout(nn.Module):
    """`nn.Dropout(0.5)` that draws from its own generator."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, h: Tensor) -> Tensor:
        if not self.training:
            return h
        mask = torch.rand(h.shape, generator=self.generator) >= 0.5
        return h * mask.to(h.device) * 2


def add_dropout(net: nn.Sequential, seed: int) -> None:
    """Add dropout after each hidden layer's activation."""
    for i in reversed(activations(net)):  # from the end, so that the earlier indices stay valid
        net.insert(i + 1, SeededDropout(seed + i))


class WithDropout(Trainer):
    """The unchanged program, with dropout."""

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        super().__init__(settings, dataset)
        add_dropout(self.net, settings.seed)


class NoEvaluationMode(Ablation):
    """Dropout stays on while the network is tested."""

    about = what_ifs.NO_EVAL
    companion = WithDropout

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        add_dropout(self.net, settings.seed)

    def evaluation_mode(self) -> None:
        pass

    def evaluate_in_parts(self) -> Iterator[Evaluation | None]:
        """The generators are reset afterwards: the two networks stay the same, and only the test differs."""
        generators = [layer.generator for layer in self.net if isinstance(layer, SeededDropout)]
        states = [generator.get_state() for generator in generators]
        yield from super().evaluate_in_parts()
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)

    def facts(self) -> tuple[str, ...]:
        pairs = zip(self.net.parameters(), self.leader.net.parameters(), strict=True)
        same = all(torch.equal(mine, theirs) for mine, theirs in pairs)
        return (f"The two networks’ weights are {'the same, bit for bit' if same else 'different'}.",)


class EvaluatedOnTraining(Ablation):
    """It is tested on its training images."""

    about = what_ifs.TESTED_ON_TRAINING

    def evaluation_set(self) -> tuple[Tensor, Tensor]:
        return self.dataset.train.images[: self.train_size], self.dataset.train.labels[: self.train_size]


ABLATIONS: dict[str, type[Ablation]] = {
    ablation.about.name: ablation
    for ablation in (
        RawPixels,
        SortedLabels,
        NoActivation,
        SoftmaxFirst,
        ZeroWeights,
        SumForMean,
        TenTimesTheRate,
        HundredTimesTheRate,
        NoZeroGrad,
        GradientAscent,
        NoEvaluationMode,
        EvaluatedOnTraining,
    )
}


def _norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(torch.linalg.vector_norm(gradient).item() ** 2 for gradient in gradients))
