import math

import pytest
import torch
from torch import nn

from mlpviz import Settings
from mlpviz.network import ACTIVATIONS, build_network, linears
from mlpviz.settings import ACTIVATION_NAMES

pytestmark = pytest.mark.usefixtures("global_generator_untouched")


def build(seed=0, **settings):
    generator = torch.Generator().manual_seed(seed)
    return build_network(Settings(**settings), generator), generator


@pytest.mark.parametrize("sizes", [(), (256,), (5, 7, 3)])
@pytest.mark.parametrize("init", ["normal", "pytorch", "xavier", "kaiming", "zeros"])
def test_the_same_bits_as_pytorch_drawing_from_the_global_generator(sizes, init):
    net, generator = build(seed=11, hidden_sizes=sizes, init=init, init_std=0.3)
    with torch.random.fork_rng():
        torch.manual_seed(11)
        widths = (784, *sizes, 10)
        oracle = nn.Sequential(*[nn.Linear(widths[i], widths[i + 1]) for i in range(len(widths) - 1)])

        def init_weights(m):
            if isinstance(m, nn.Linear) and init != "pytorch":
                {
                    "normal": lambda w: nn.init.normal_(w, std=0.3),
                    "zeros": nn.init.zeros_,
                    "xavier": nn.init.xavier_normal_,
                    "kaiming": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
                }[init](m.weight)
                nn.init.zeros_(m.bias)

        oracle.apply(init_weights)
        assert torch.equal(generator.get_state(), torch.get_rng_state())
    for ours, theirs in zip(net.parameters(), oracle.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_layers_alternate(activation):
    net, _ = build(hidden_sizes=(8, 4), activation=activation)
    kinds = [type(layer) for layer in net]
    act = type(ACTIVATIONS[activation]())
    assert kinds == [nn.Flatten, nn.Linear, act, nn.Linear, act, nn.Linear]
    assert net(torch.ones(3, 28, 28)).shape == (3, 10)


def test_the_articles_network_is_what_the_formula_says():
    net, _ = build(hidden_sizes=(256,))
    X = torch.rand(5, 28, 28, generator=torch.Generator().manual_seed(0))
    first, second = linears(net)
    x = X.reshape(5, 784).double()
    hidden = (x @ first.weight.double().T + first.bias).clamp(min=0)
    z = hidden @ second.weight.double().T + second.bias
    assert torch.allclose(net(X).double(), z, atol=1e-6)


FORMULAS = {
    "relu": lambda z: max(z, 0.0),
    "tanh": math.tanh,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "gelu": lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "identity": lambda z: z,
}


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_activations_are_what_their_names_say(activation):
    net, _ = build(hidden_sizes=(8,), activation=activation)
    z = [-2.0, -0.3, 0.0, 0.4, 3.0]
    assert net[2](torch.tensor(z)).tolist() == pytest.approx([FORMULAS[activation](value) for value in z], rel=1e-5)
