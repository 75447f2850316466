import inspect
import random

import pytest
import torch
from torch import nn
from torchvision import transforms

from benchmarks.article import run_article
from mlpviz import Settings, Trainer
from mlpviz.trainer import pick_device, pixels, train_step

SMALL = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=64)


@pytest.mark.parametrize("seed", [0, 1])
def test_bit_for_bit_with_the_articles_script(article_root, mini, seed):
    """The real script runs, with torchvision's dataset and DataLoader. After three epochs, every kind of random draw
    between epochs has happened twice."""
    with torch.random.fork_rng():
        losses, accuracies, net = run_article(article_root, seed, epochs=3)
    trainer = Trainer(Settings(dataset="fashion-mnist-mini", seed=seed), mini)
    assert trainer.steps_per_epoch == 40
    for epoch in range(3):
        ours = trainer.train(40)
        assert ours.tolist() == losses[40 * epoch : 40 * (epoch + 1)]
        assert trainer.evaluate().accuracy == accuracies[epoch]
    for ours, theirs in zip(trainer.net.parameters(), net.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_two_steps_are_plain_gradient_descent(tiny):
    """Computed by hand in float64. A forgotten zero_grad would show only in the second step."""
    trainer = Trainer(SMALL, tiny)
    parameters = [p.detach().double().requires_grad_() for p in trainer.net.parameters()]
    for _ in range(2):
        X, y = trainer.next_batch()
        x = X.reshape(len(X), -1).double()
        h = (x @ parameters[0].T + parameters[1]).clamp(min=0)
        z = h @ parameters[2].T + parameters[3]
        loss = (torch.logsumexp(z, dim=1) - z[torch.arange(len(y)), y]).mean()
        grads = torch.autograd.grad(loss, parameters)
        assert trainer.train(1).item() == pytest.approx(loss.item(), rel=1e-5)
        for p, ours, grad in zip(parameters, trainer.net.parameters(), grads, strict=True):
            assert torch.allclose(ours.grad.double(), grad, atol=1e-6)
            p.data -= 0.1 * grad
            assert torch.allclose(ours.double(), p, atol=1e-6)


def test_the_five_lines_fit_on_a_slide():
    code = [line.strip() for line in inspect.getsource(train_step).splitlines() if line.startswith("    ")]
    assert code[-6:] == [
        "logits = net(X)",
        "loss = loss_fn(logits, y)",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
        "return logits, loss",
    ]


@pytest.mark.parametrize(
    ("settings", "oracle"),
    [
        ({"momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        ({"momentum": 0.9, "nesterov": True}, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
        ({"weight_decay": 0.01}, lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01)),
        ({"optimizer": "adam"}, lambda p: torch.optim.Adam(p, lr=0.1)),
        ({"optimizer": "adamw", "weight_decay": 0.1}, lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1)),
        ({"optimizer": "adamw"}, lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.0)),
        ({"optimizer": "rmsprop"}, lambda p: torch.optim.RMSprop(p, lr=0.1)),
    ],
)
def test_optimizers_agree_with_pytorch(tiny, settings, oracle):
    ours, theirs = Trainer(SMALL.replace(**settings), tiny), Trainer(SMALL, tiny)
    theirs.optimizer = oracle(theirs.net.parameters())
    assert ours.train(12).tolist() == theirs.train(12).tolist()


@pytest.mark.usefixtures("global_generator_untouched")
def test_interleaved_trainers_give_the_same_numbers_as_alone(tiny):
    settings = [SMALL, SMALL.replace(seed=1, optimizer="adam", learning_rate=0.01), SMALL.replace(batch_size=7)]
    alone = [Trainer(s, tiny).train(60).tolist() for s in settings]
    trainers = [Trainer(s, tiny) for s in settings]
    together = [[] for _ in settings]
    shuffle = random.Random(0)
    while any(len(losses) < 60 for losses in together):
        i = shuffle.randrange(3)
        chunk = min(shuffle.randrange(1, 9), 60 - len(together[i]))
        together[i] += trainers[i].train(chunk).tolist()
        trainers[i].evaluate()
    assert together == alone


def test_each_epoch_uses_every_image_once(tiny):
    trainer = Trainer(SMALL.replace(batch_size=64), tiny)
    sizes, labels = [], []
    for _ in range(trainer.steps_per_epoch):
        _, y = trainer.next_batch()
        sizes.append(len(y))
        labels += y.tolist()
        trainer.train(1)
    assert sizes == [64] * 15 + [40]
    assert sorted(labels) == sorted(tiny.train.labels.tolist())


def test_looking_at_the_next_batch_does_not_take_it(tiny):
    trainer = Trainer(SMALL, tiny)
    first, second = trainer.next_batch(), trainer.next_batch()
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_the_evaluation_agrees_with_pytorch_on_the_whole_test_set(tiny):
    trainer = Trainer(SMALL, tiny)
    trainer.train(30)
    evaluation = trainer.evaluate()
    with torch.no_grad():
        logits = trainer.net(torch.stack([transforms.ToTensor()(image.numpy()) for image in tiny.test.images]))
    assert torch.allclose(evaluation.logits, logits, atol=1e-5)
    assert evaluation.loss == pytest.approx(nn.functional.cross_entropy(logits, tiny.test.labels).item(), rel=1e-5)
    assert evaluation.accuracy == (logits.argmax(1) == tiny.test.labels).double().mean().item()
    assert evaluation.step == 30


def test_pixels_have_the_bits_of_totensor():
    image = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    assert torch.equal(pixels(image), transforms.ToTensor()(image[0].numpy()))


def test_live_settings_take_effect_at_the_next_step(tiny):
    """Compared with a plain optimizer on the same batches, whose learning rate changes after 5 steps."""
    trainer, oracle = Trainer(SMALL, tiny), Trainer(SMALL, tiny)
    losses = [*trainer.train(5).tolist()]
    trainer.change(SMALL.replace(learning_rate=0.5, momentum=0.9, weight_decay=0.01, epochs=3))
    losses += trainer.train(5).tolist()
    expected = oracle.train(5).tolist()
    oracle.optimizer = torch.optim.SGD(oracle.net.parameters(), lr=0.5, momentum=0.9, weight_decay=0.01)
    expected += oracle.train(5).tolist()
    assert losses == expected


def test_a_change_that_needs_a_new_trainer_is_refused(tiny):
    with pytest.raises(ValueError, match="batch_size can't change during a run"):
        Trainer(SMALL, tiny).change(SMALL.replace(batch_size=8, learning_rate=1.0))


def test_settings_that_do_not_fit_the_data_are_refused(tiny):
    with pytest.raises(ValueError, match=r"batch_size is 1,001; it must be at most 1,000"):
        Trainer(SMALL.replace(batch_size=1001), tiny)
    with pytest.raises(ValueError, match=r"train_size is 2,000, but tiny has only 1,000"):
        Trainer(SMALL.replace(train_size=2000), tiny)
    assert Trainer(SMALL.replace(train_size=100, batch_size=100), tiny).steps_per_epoch == 1


def test_a_missing_device_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("cuda", "mps"):
        with pytest.raises(ValueError, match=f"device is '{name}', which this machine doesn't have; it has cpu"):
            pick_device(name)
    assert pick_device("auto").type == "cpu"


def test_training_no_steps_gives_no_losses(tiny):
    assert Trainer(SMALL, tiny).train(0).shape == (0,)


def test_train_size_uses_only_the_first_images(tiny):
    X, y = Trainer(SMALL.replace(train_size=100, batch_size=100), tiny).next_batch()
    assert sorted(y.tolist()) == sorted(tiny.train.labels[:100].tolist())
    ours, theirs = (images.double().sum(dim=(1, 2)).sort().values for images in (X * 255, tiny.train.images[:100]))
    assert torch.allclose(ours, theirs)
    with pytest.raises(ValueError, match="it must be at most 100, the number of training images"):
        Trainer(SMALL.replace(train_size=100, batch_size=101), tiny)


def test_an_evaluation_keeps_no_graph(tiny):
    assert not Trainer(SMALL, tiny).evaluate().logits.requires_grad
