"""One update, taken apart: what each of the five lines computes, on a copy, just before the run does it."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from mlpviz.answers import Move, Walk, WalkedParameter
from mlpviz.network import is_activation
from mlpviz.settings import Settings
from mlpviz.trainer import Trainer, make_optimizer

SHOWN = 64  # images of the mini-batch that can be looked at one by one
CHECKED = 1024  # images over which a gradient is checked by finite differences


@dataclass(frozen=True, eq=False)
class ParameterUpdate:
    """What an update does to one parameter. Arrays are float32 and have the parameter's shape.

    Attributes:
        name: "W1", "b1", "W2", … as in the formulas.
        old_norm: the norm of the `.grad` that the previous update left; None if there was none.
        state: the optimizer's state before this update, under PyTorch's names; empty for plain SGD.
    """

    name: str
    before: np.ndarray
    gradient: np.ndarray
    after: np.ndarray
    old_norm: float | None
    state: dict[str, np.ndarray]

    def summary(self) -> WalkedParameter:
        """The part that a page needs first."""
        sizes = np.abs(np.nan_to_num(self.gradient))
        place = np.unravel_index(int(sizes.argmax()), sizes.shape)
        return WalkedParameter(self.name, sizes.shape, self.old_norm, tuple(int(i) for i in place))


@dataclass(frozen=True, eq=False)
class WalkedStep:
    """Everything about an update that was taken apart, so that a page can ask for more. It stays with the run.

    Attributes:
        walk: what a page gets.
        updates: W1, b1, W2, b2, …
        net: the network before the update, on the CPU; treat it as read-only.
        X, y: the mini-batch's first 1,024 images, (n, 28, 28), and labels, on the CPU.
    """

    walk: Walk
    updates: tuple[ParameterUpdate, ...]
    net: nn.Sequential
    X: Tensor
    y: Tensor

    def update(self, name: str) -> ParameterUpdate:
        """The update of the parameter called `name`."""
        return next(update for update in self.updates if update.name == name)

    def move(self, name: str, place: tuple[int, ...]) -> Move:
        """The update of one number, computed by hand."""
        return move(self.walk.settings, self.update(name), place)


def take_apart(trainer: Trainer) -> WalkedStep:
    """Take the trainer's next update apart. The trainer's network and optimizer do not change: the five lines run on
    copies, and give the same bits that the trainer will get."""
    X, y = trainer.next_batch()
    net = copy.deepcopy(trainer.net)
    optimizer = make_optimizer(net, trainer.settings)
    optimizer.load_state_dict(copy.deepcopy(trainer.optimizer.state_dict()))
    names = parameter_names(net)
    parameters = list(net.parameters())
    before = [_array(parameter) for parameter in parameters]
    states = [_state(optimizer.state.get(parameter, {})) for parameter in parameters]
    original = copy.deepcopy(net).cpu()
    original.zero_grad()

    logits, hidden = _forward(net, X)
    logits.retain_grad()
    loss = trainer.loss_fn(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    assert logits.grad is not None
    updates = tuple(
        ParameterUpdate(names[i], before[i], _gradient(parameter), _array(parameter), _norm(old.grad), states[i])
        for i, (parameter, old) in enumerate(zip(parameters, trainer.net.parameters(), strict=True))
    )
    walk = Walk(
        step=trainer.step + 1,
        settings=trainer.settings,
        images=_array(X[:SHOWN]),
        labels=_array(y),
        hidden=tuple(_array(h[:SHOWN]) for h in hidden),
        silent=tuple(_array((h == 0).all(dim=0)) for h in hidden),
        logits=_array(logits),
        losses=_array(nn.functional.cross_entropy(logits.detach(), y, reduction="none")),
        loss=loss.item(),
        logit_gradient=_array(logits.grad),
        parameters=tuple(update.summary() for update in updates),
    )
    return WalkedStep(walk, updates, original, X[:CHECKED].cpu(), y[:CHECKED].cpu())


def came_true(walked: WalkedStep, trainer: Trainer) -> bool:
    """Whether the trainer, after its own update, has exactly the bits that the walk predicted."""
    if trainer.step != walked.walk.step:
        return False
    pairs = zip(walked.updates, trainer.net.parameters(), strict=True)
    return all(np.array_equal(predicted.after, _array(real), equal_nan=True) for predicted, real in pairs)


def parameter_names(net: nn.Module) -> list[str]:
    """W1, b1, W2, b2, … in the order of `net.parameters()`."""
    return [f"{'W' if i % 2 == 0 else 'b'}{i // 2 + 1}" for i in range(len(list(net.parameters())))]


def move(settings: Settings, parameter: ParameterUpdate, place: tuple[int, ...]) -> Move:
    """Compute one number's update by hand, with the optimizer's published rule.

    Sources: PyTorch's documentation of `torch.optim.SGD`, `Adam` (Kingma and Ba 2015), `AdamW` (Loshchilov and Hutter
    2019) and `RMSprop` (Hinton 2012), with their default constants.
    """
    theta, gradient = float(parameter.before[place]), float(parameter.gradient[place])
    state = {name: float(value[place] if value.ndim else value) for name, value in parameter.state.items()}
    memory, direction = _direction(settings, theta, gradient, state)
    result = theta - settings.learning_rate * direction
    actual = parameter.after[place]
    size = max(abs(theta), abs(result - theta), float(np.finfo(np.float32).tiny))
    ulps = abs(result - float(actual)) / float(np.spacing(np.float32(size)))
    return Move(theta, gradient, memory, direction, result, float(actual), ulps)


def _direction(
    settings: Settings, theta: float, gradient: float, state: dict[str, float]
) -> tuple[dict[str, float], float]:
    """The rule's memory after this update, and the direction d."""
    decay = settings.weight_decay * theta
    t = state.get("step", 0.0) + 1
    if settings.optimizer == "sgd":
        g, mu = gradient + decay, settings.momentum
        if not mu:
            return {}, g
        velocity = mu * state["momentum_buffer"] + g if "momentum_buffer" in state else g
        return {"v": velocity}, g + mu * velocity if settings.nesterov else velocity
    if settings.optimizer == "rmsprop":
        g = gradient + decay
        square = 0.99 * state.get("square_avg", 0.0) + 0.01 * g * g
        return {"s": square}, g / (math.sqrt(square) + 1e-8)
    g = gradient + (decay if settings.optimizer == "adam" else 0.0)
    mean = (0.9 * state.get("exp_avg", 0.0) + 0.1 * g) / (1 - 0.9**t)
    square = (0.999 * state.get("exp_avg_sq", 0.0) + 0.001 * g * g) / (1 - 0.999**t)
    direction = mean / (math.sqrt(square) + 1e-8) + (decay if settings.optimizer == "adamw" else 0.0)
    return {r"\hat m": mean, r"\hat v": square}, direction


def _forward(net: nn.Sequential, X: Tensor) -> tuple[Tensor, list[Tensor]]:
    """`net(X)`, and the activations of each hidden layer on the way."""
    hidden = []
    for layer in net:
        X = layer(X)
        if is_activation(layer):
            hidden.append(X)
    return X, hidden


def _state(state: dict[str, object]) -> dict[str, np.ndarray]:
    return {name: _array(value) for name, value in state.items() if isinstance(value, Tensor)}


def _gradient(parameter: Tensor) -> np.ndarray:
    assert parameter.grad is not None
    return _array(parameter.grad)


def _norm(gradient: Tensor | None) -> float | None:
    return None if gradient is None else float(np.linalg.norm(_array(gradient).astype(np.float64)))


def _array(values: Tensor) -> np.ndarray:
    """A copy that later updates do not change."""
    array: np.ndarray = values.detach().cpu().numpy().copy()
    return array
