"""Step 0: what the first weights do to signals and gradients before training, measured and predicted."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor, nn

from mlpviz.answers import Signals
from mlpviz.datasets import Dataset
from mlpviz.network import ACTIVATIONS, build_network, is_activation, linears
from mlpviz.observe.dead_units import DEAD_SLOPE, dead_shares
from mlpviz.settings import CLASSES, Settings
from mlpviz.trainer import pixels

IMAGES = 256
INIT_STDS = np.geomspace(1e-4, 5, 25)
LARGE = 2048  # hidden units; larger networks are tried with fewer init stds
SAMPLES = 4096  # sets of logits drawn for the average loss
GRID = np.linspace(-8, 8, 8001)  # standard deviations
DENSITY = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()


def first_signals(
    settings: Settings, dataset: Dataset, init_std: float | None = None
) -> Generator[float, None, tuple[Signals, Signals]]:
    """Measured and predicted, over the whole range of init stds or at one. Yields how much is done, from 0 to 1."""
    init_stds = np.array([init_std])
    if init_std is None:  # every third one if the network is large
        init_stds = INIT_STDS if sum(settings.hidden_sizes) <= LARGE else INIT_STDS[::3]
    measured = yield from measure(settings, dataset, init_stds)
    return measured, predict(settings, dataset, init_stds)


def measure(settings: Settings, dataset: Dataset, init_stds: np.ndarray = INIT_STDS) -> Generator[float, None, Signals]:
    """Send the first 256 training images through the settings' network, with normal weights of each std in turn and
    zero biases. The weights are the run's own draws, scaled."""
    X, y = pixels(dataset.train.images[:IMAGES].cpu()), dataset.train.labels[:IMAGES].cpu()
    net = build_network(settings.replace(init="normal", init_std=1.0), torch.Generator().manual_seed(settings.seed))
    weights = [linear.weight.detach().clone() for linear in linears(net)]
    rows = []
    for init_std in init_stds:
        for linear, weight in zip(linears(net), weights, strict=True):
            linear.weight.data = weight * float(init_std)
        rows.append((*_signals(net, X, y), dead_shares(net, X), _flat_shares(net, X)))
        yield len(rows) / len(init_stds)
    values, gradients, losses, *shares = (np.array(column) for column in zip(*rows, strict=True))
    dead, flat = (share.reshape(len(init_stds), len(settings.hidden_sizes)) for share in shares)
    return Signals(init_stds, values, gradients, losses, dead, flat)


def predict(settings: Settings, dataset: Dataset, init_stds: np.ndarray = INIT_STDS) -> Signals:
    """The same by variance propagation. With independent weights of mean 0, Var(z) = n Var(W) E[h²]. In the backward
    pass, E[δ²] = E[φ'(z)²] n Var(W) times E[δ²] of the next layer. z is assumed to be normal.

    Sources: LeCun et al., Efficient BackProp (1998); Glorot and Bengio (2010); He et al. (2015).
    """
    square = float((dataset.train.images[:IMAGES].double() / 255).square().mean())
    sizes = settings.layer_sizes
    activation = ACTIVATIONS[settings.activation]()
    rows = [_predict(sizes, activation, float(init_std), square) for init_std in init_stds]
    values, gradients, losses = (np.array(column) for column in zip(*rows, strict=True))
    none = np.empty((len(init_stds), 0))
    return Signals(init_stds, values, gradients, losses, none, none)


def _signals(net: nn.Sequential, X: Tensor, y: Tensor) -> tuple[list[float], list[float], float]:
    zs = []
    for layer in net:
        X = layer(X)
        if isinstance(layer, nn.Linear):
            zs.append(X)
    loss = nn.functional.cross_entropy(X, y, reduction="sum")
    gradients = torch.autograd.grad(loss, zs)
    return [_rms(z) for z in zs], [_rms(gradient) for gradient in gradients], loss.item() / len(y)


def _flat_shares(net: nn.Sequential, X: Tensor) -> list[float]:
    """For each hidden layer, the share of activations with a slope below 10⁻³."""
    shares = []
    for layer in net:
        if is_activation(layer):
            z = X.detach().requires_grad_()
            (slope,) = torch.autograd.grad(layer(z).sum(), z)
            shares.append((slope.abs() < DEAD_SLOPE).float().mean().item())
        with torch.no_grad():
            X = layer(X)
    return shares


def _predict(
    sizes: tuple[int, ...], activation: nn.Module, init_std: float, square: float
) -> tuple[list[float], list[float], float]:
    variances, slopes = [], []
    for i in range(len(sizes) - 1):
        variances.append(sizes[i] * init_std**2 * square)
        square, slope = _moments(activation, variances[-1])
        slopes.append(slope)
    loss, gradient = _at_the_logits(variances[-1])
    gradients = [gradient]
    for i in reversed(range(len(sizes) - 2)):
        gradients.insert(0, slopes[i] * sizes[i + 2] * init_std**2 * gradients[0])
    return [float(np.sqrt(v)) for v in variances], [float(np.sqrt(g)) for g in gradients], loss


def _moments(activation: nn.Module, variance: float) -> tuple[float, float]:
    """E[φ(z)²] and E[φ'(z)²] for z ~ N(0, variance), by the trapezoidal rule."""
    z = torch.from_numpy(GRID * np.sqrt(variance)).requires_grad_()
    h = activation(z)
    (slope,) = torch.autograd.grad(h.sum(), z)
    return float((h.detach().numpy() ** 2 * DENSITY).sum()), float((slope.numpy() ** 2 * DENSITY).sum())


def _at_the_logits(variance: float) -> tuple[float, float]:
    """E[ℓ] and E[(softmax(z) − onehot)²] for ten independent logits z ~ N(0, variance), over fixed draws."""
    z = np.random.default_rng(0).standard_normal((SAMPLES, CLASSES)) * np.sqrt(variance)
    shifted = z - z.max(axis=1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[:, 0]  # all classes are alike: the first is the right one
    onehot = np.eye(CLASSES)[0]
    return float(losses.mean()), float(((p - onehot) ** 2).mean())


def _rms(values: Tensor) -> float:
    return float(values.detach().double().square().mean().sqrt())
