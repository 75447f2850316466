"""What if a line were gone? Each class is the trainer with one line of the program changed, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mlpviz.datasets import Dataset
from mlpviz.line_by_line.script import INIT_LINES, MODULES, init_line
from mlpviz.network import CLASSES, linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.settings import Settings
from mlpviz.trainer import Evaluation, Trainer

PROBE_IMAGES = 512
NO_HIDDEN_LAYER = "These settings have no hidden layer, which this is about."


class Ablation(Trainer):
    """A changed program that follows an unchanged one: the same seed, the same mini-batches.

    Attributes:
        name: names the text in `text/ablations`.
        line: the part of the script that it belongs to, by its key in `mlpviz.line_by_line.script`.
        steps: how long the two are compared.
        companion: the class of the unchanged program.
        note: what else is special about both programs.
    """

    name: str
    title: str
    line: str
    steps = 400
    companion: type[Trainer] = Trainer
    note = ""

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset)
        self.leader = leader

    def shuffle(self) -> Tensor:
        return self.leader.order

    @classmethod
    def adapt(cls, settings: Settings) -> Settings:
        """The settings under which the difference shows, for both programs."""
        return settings

    @classmethod
    def pointless(cls, settings: Settings) -> str:
        """Why the change would change nothing with these settings; empty where it does."""
        return ""

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        """What to replace by what in the script, by the key of the part: the same change, in the file."""
        return {}

    def facts(self) -> tuple[str, ...]:
        """What is found in the changed network afterwards, in sentences."""
        return ()

    def probe(self) -> Tensor:
        """Some test images as pixels, (n, 28, 28)."""
        return self.pixels(self.dataset.test_images[:PROBE_IMAGES])

    def dead_units(self) -> tuple[str, ...]:
        """A sentence on dead units, if there is a hidden layer."""
        shares = dead_shares(self.net, self.probe())
        if not shares:
            return ()
        return (f"Dead hidden units, in the worst layer: {100 * max(shares):.0f} %.",)


class NoZeroGrad(Ablation):
    name, title, line = "no-zero-grad", "No zero_grad", "zero_grad"

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"zero_grad": ("optimizer.zero_grad()", "")}

    def update(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.net(X)
        loss = self.loss_fn(logits, y)
        loss.backward()
        self.optimizer.step()
        return logits, loss

    def facts(self) -> tuple[str, ...]:
        kept = _norm([p.grad for p in self.net.parameters() if p.grad is not None])
        X, y = self.next_batch()
        fresh = _norm(list(torch.autograd.grad(self.loss_fn(self.net(X), y), list(self.net.parameters()))))
        return (f"‖.grad‖ after {self.step:,} steps: {kept:.3g}. The gradient of one mini-batch alone: {fresh:.3g}.",)


class SoftmaxFirst(Ablation):
    name, title, line = "softmax-first", "Softmax before the loss", "net"

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"net": (f"{CLASSES}))", f"{CLASSES}), nn.Softmax(dim=1))")}

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        self.net.append(nn.Softmax(dim=1))

    def facts(self) -> tuple[str, ...]:
        floor = -1 + math.log(math.e + 9)
        return (f"The smallest loss that it could ever show: −1 + log(e + 9) = {floor:.3f}.",)


class ZeroWeights(Ablation):
    name, title, line = "zero-weights", "All weights begin at zero", "init"

    @classmethod
    def pointless(cls, settings: Settings) -> str:
        if not settings.hidden_sizes:
            return NO_HIDDEN_LAYER + " A linear classifier may begin at zero."
        return "These settings begin at zero already." if settings.init == "zeros" else ""

    @classmethod
    def adapt(cls, settings: Settings) -> Settings:
        """With a line that draws the weights, so that it can be changed."""
        return settings.replace(init="normal") if settings.init == "pytorch" else settings

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"init": (init_line(settings), INIT_LINES["zeros"])}

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings.replace(init="zeros"), dataset, leader)

    def facts(self) -> tuple[str, ...]:
        weight = linears(self.net)[0].weight.detach().cpu()
        different = len(weight.unique(dim=0))
        return (f"Different rows among the {len(weight)} of W₁: {different}.",)


class SortedLabels(Ablation):
    name, title, line = "sorted", "No shuffle, labels sorted", "data"

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        old = f"DataLoader(train_set, batch_size={settings.batch_size}, shuffle=True)"
        new = f"DataLoader(sorted(train_set, key=lambda pair: pair[1]), batch_size={settings.batch_size})"
        return {"data": (old, new)}

    def shuffle(self) -> Tensor:
        return self.dataset.train_labels[: self.train_size].argsort(stable=True)

    def facts(self) -> tuple[str, ...]:
        predictions = self.evaluate().logits.argmax(dim=1)
        counts = torch.bincount(predictions, minlength=10)
        favourite = self.dataset.classes[int(counts.argmax())]
        share = counts.max().item() / len(predictions)
        return (f"It calls {100 * share:.0f} % of the test images “{favourite}”.",)


class GradientAscent(Ablation):
    name, title, line = "ascent", "+ for − in the update", "step"

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"optimizer": ("net.parameters(), ", "net.parameters(), maximize=True, ")}

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        for group in self.optimizer.param_groups:
            group["maximize"] = True


class TenTimesTheRate(Ablation):
    name, title, line = "rate-10", "Learning rate × 10", "optimizer"
    factor = 10.0

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"optimizer": ("lr=", f"lr={cls.factor:g} * ")}

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        for group in self.optimizer.param_groups:
            group["lr"] *= self.factor

    def facts(self) -> tuple[str, ...]:
        return self.dead_units()


class HundredTimesTheRate(TenTimesTheRate):
    name, title = "rate-100", "Learning rate × 100"
    factor = 100.0


class RawPixels(Ablation):
    name, title, line = "raw-pixels", "Forgotten / 255", "data"

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"data": ("transforms.ToTensor()", "transforms.Compose([transforms.PILToTensor(), torch.Tensor.float])")}

    def pixels(self, images: Tensor) -> Tensor:
        return images.float()

    def facts(self) -> tuple[str, ...]:
        return self.dead_units()


class NoActivation(Ablation):
    name, title, line = "no-relu", "No ReLU", "net"

    @classmethod
    def pointless(cls, settings: Settings) -> str:
        if settings.activation == "identity":
            return "These settings have no activation as it is."
        return "" if settings.hidden_sizes else NO_HIDDEN_LAYER

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"net": (f"{MODULES[settings.activation]}, ", "")}

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings.replace(activation="identity"), dataset, leader)

    def facts(self) -> tuple[str, ...]:
        weight, bias = self.collapsed()
        X = self.probe()
        with torch.no_grad():
            logits = self.net(X)
            distance = (logits - (X.flatten(1) @ weight.T + bias)).abs().max().item()
        return (
            f"Multiplied into one layer 784 → 10, its matrices give the same logits, to {distance:.1e} "
            f"(the largest logit is {logits.abs().max().item():.1f}).",
        )

    def collapsed(self) -> tuple[Tensor, Tensor]:
        """The one layer that all of them make: weight (10, 784) and bias (10,)."""
        with torch.no_grad():
            weight, bias = torch.eye(784, device=self.device), torch.zeros(784, device=self.device)
            for linear in linears(self.net):
                weight, bias = linear.weight @ weight, linear.weight @ bias + linear.bias
        return weight, bias


class SumForMean(Ablation):
    name, title, line = "sum", "Sum for mean in the loss", "loss_fn"

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"loss_fn": ("CrossEntropyLoss()", 'CrossEntropyLoss(reduction="sum")')}

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        self.loss_fn = nn.CrossEntropyLoss(reduction="sum")

    def update(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits, loss = super().update(X, y)
        return logits, loss / len(y)  # drawn per image, so that the curves can be compared

    def facts(self) -> tuple[str, ...]:
        rate, m = self.settings.learning_rate, self.settings.batch_size
        return (f"The learning rate in effect: m η = {m:,} · {rate:g} = {m * rate:g}.",)


class SeededDropout(nn.Module):
    """`nn.Dropout(0.5)` with draws from a generator of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, h: Tensor) -> Tensor:
        if not self.training:
            return h
        kept = torch.rand(h.shape, generator=self.generator) >= 0.5
        return h * kept.to(h.device) * 2


def add_dropout(net: nn.Sequential, seed: int) -> None:
    """Put dropout behind each hidden layer's activation."""
    layers = list(net)
    for i in reversed(range(len(layers))):
        if not isinstance(layers[i], nn.Flatten | nn.Linear):
            net.insert(i + 1, SeededDropout(seed + i))


class WithDropout(Trainer):
    """The unchanged program, with dropout."""

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        super().__init__(settings, dataset)
        add_dropout(self.net, settings.seed)


class NoEvaluationMode(Ablation):
    name, title, line = "no-eval", "No eval() with dropout", "eval"
    companion = WithDropout
    note = "Both programs have `nn.Dropout(0.5)` behind each activation."

    @classmethod
    def pointless(cls, settings: Settings) -> str:
        return "" if settings.hidden_sizes else NO_HIDDEN_LAYER

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"eval": ("net.eval()", "")}

    def __init__(self, settings: Settings, dataset: Dataset, leader: Trainer) -> None:
        super().__init__(settings, dataset, leader)
        add_dropout(self.net, settings.seed)

    def evaluation_mode(self) -> None:
        pass

    def evaluate_in_parts(self) -> Iterator[Evaluation | None]:
        """Its draws are undone afterwards, so that the two networks stay the same and only the test differs."""
        generators = [layer.generator for layer in self.net if isinstance(layer, SeededDropout)]
        states = [generator.get_state() for generator in generators]
        yield from super().evaluate_in_parts()
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)

    def facts(self) -> tuple[str, ...]:
        pairs = zip(self.net.parameters(), self.leader.net.parameters(), strict=True)
        same = all(torch.equal(mine, theirs) for mine, theirs in pairs)
        return (f"The two networks’ weights are {'the same, bit for bit' if same else 'different'}.",)


class TestedOnTraining(Ablation):
    name, title, line = "tested-on-training", "Testing on the training set", "test"
    steps = 1600
    note = "Both programs train on 1,000 images at most, in mini-batches of 32 at most: few enough to know by heart."

    @classmethod
    def edits(cls, settings: Settings) -> dict[str, tuple[str, str]]:
        return {"eval": ("test_loader", "train_loader")}

    @classmethod
    def adapt(cls, settings: Settings) -> Settings:
        """A thousand images, gone through often: then there is something to know by heart."""
        size = min(settings.train_size or 1000, 1000)
        return settings.replace(train_size=size, batch_size=min(settings.batch_size, size, 32))

    def test_set(self) -> tuple[Tensor, Tensor]:
        return self.dataset.train_images[: self.train_size], self.dataset.train_labels[: self.train_size]


ABLATIONS: dict[str, type[Ablation]] = {
    ablation.name: ablation
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
        TestedOnTraining,
    )
}


def _norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(torch.linalg.vector_norm(gradient).item() ** 2 for gradient in gradients))
