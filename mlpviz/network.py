"""The network: Flatten, then Linear layers with an activation after each hidden one. The output: ten logits."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mlpviz.settings import Settings

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "identity": nn.Identity,
}


def build_network(settings: Settings, generator: torch.Generator) -> nn.Sequential:
    """The untrained network on the CPU, with the same weights that the article's script draws.

    All random numbers come from `generator`, in the order in which PyTorch draws them: first the default
    initialisation of `nn.Linear`, layer by layer, then `init_weights`, which overwrites it. The global generator is
    not used.
    """
    sizes = settings.layer_sizes
    layers: list[nn.Module] = [nn.Flatten()]
    for i in range(len(sizes) - 1):
        if i > 0:
            layers.append(ACTIVATIONS[settings.activation]())
        linear = nn.utils.skip_init(nn.Linear, sizes[i], sizes[i + 1])
        reset_linear(linear, generator)
        layers.append(linear)
    net = nn.Sequential(*layers)
    for linear in linears(net):
        init_weights(linear, settings, generator)
    return net


def linears(net: nn.Sequential) -> list[nn.Linear]:
    """The linear layers, from the input to the logits."""
    return [layer for layer in net if isinstance(layer, nn.Linear)]


def is_activation(layer: nn.Module) -> bool:
    """Whether this is the activation of a hidden layer, or something after it, such as dropout."""
    return not isinstance(layer, nn.Flatten | nn.Linear)


def activations(net: nn.Sequential) -> list[int]:
    """The positions of the hidden layers' activations in the network, from the input to the output."""
    return [i for i, layer in enumerate(net) if is_activation(layer)]


def reset_linear(linear: nn.Linear, generator: torch.Generator) -> None:
    """The same as `nn.Linear.reset_parameters`, but with `generator`: weights and biases from U(−1/√n, 1/√n)."""
    nn.init.kaiming_uniform_(linear.weight, a=math.sqrt(5), generator=generator)
    bound = 1 / math.sqrt(linear.in_features)
    nn.init.uniform_(linear.bias, -bound, bound, generator=generator)


def init_weights(linear: nn.Linear, settings: Settings, generator: torch.Generator) -> None:
    """Draw one layer's weights by the rule `settings.init` and set its biases to 0. `pytorch` changes neither."""
    weight: Tensor = linear.weight
    match settings.init:
        case "pytorch":
            return
        case "zeros":
            nn.init.zeros_(weight)
        case "normal":
            nn.init.normal_(weight, mean=0.0, std=settings.init_std, generator=generator)
        case "xavier":
            nn.init.xavier_normal_(weight, generator=generator)
        case "kaiming":
            nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(linear.bias)
