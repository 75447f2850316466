import torch

from mlpviz import Settings, Trainer
from mlpviz.line_by_line.modes import device_error, evaluation_modes
from tests.waiting import worked_off

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(12,), batch_size=100)


def test_no_grad_keeps_nothing_and_autograd_keeps_the_layers_inputs(tiny):
    """The gradient of a linear layer's weights needs its input: x, and h, which ReLU shares."""
    modes = worked_off(evaluation_modes(Trainer(SMALL, tiny)))
    assert modes.images == 300
    assert modes.kept_bytes_no_grad == 0
    assert modes.kept_bytes == 4 * 300 * (784 + 12)
    assert modes.seconds > 0 and modes.seconds_no_grad > 0


def test_eval_changes_nothing_in_a_network_without_dropout(tiny):
    trainer = Trainer(SMALL, tiny)
    before = trainer.net.training
    assert worked_off(evaluation_modes(trainer)).same_logits
    assert trainer.net.training == before
    trainer.net.append(torch.nn.Dropout(0.5))
    assert not worked_off(evaluation_modes(trainer)).same_logits


def test_mixing_devices_raises_what_pytorch_says(tiny):
    other, words = device_error(Trainer(SMALL, tiny))
    assert other == "meta"
    try:
        torch.nn.Linear(2, 2)(torch.zeros(1, 2, device="meta"))
    except RuntimeError as error:
        assert words == str(error)
    assert "device" in words
