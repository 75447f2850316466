"""Each ablation does what its text says and what the edited script does."""

import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from mlpviz import Settings, Trainer
from mlpviz.figures.comparison import outcome
from mlpviz.line_by_line.ablations import ABLATIONS, SeededDropout
from mlpviz.line_by_line.script import edited, parts
from mlpviz.line_by_line.what_ifs import WHAT_IFS
from mlpviz.network import linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.page.texts import TEXT
from mlpviz.runs.comparison import Comparison
from mlpviz.trainer import pixels
from tests.line_by_line.test_script import run as run_script
from tests.runs.working import finish

pytestmark = pytest.mark.slow

ARTICLE = Settings(dataset="fashion-mnist-mini")
#: The outcome of each with the article's settings on the small set, by the page's rule.
OUTCOMES = {
    "raw-pixels": {"dead"},
    "sorted": {"slower"},
    "no-relu": {"same", "better"},
    "softmax-first": {"slower"},
    "zero-weights": {"dead"},
    "sum": {"dead"},
    "rate-10": {"slower", "dead"},
    "rate-100": {"dead"},
    "no-zero-grad": {"slower"},
    "ascent": {"nan"},
    "no-eval": {"same", "slower"},
    "tested-on-training": {"better"},
}


@pytest.fixture(scope="module")
def compared(mini):
    """A function that runs a comparison to its end, each only once."""
    done = {}

    def compare(name):
        torch.set_num_threads(1)
        if name not in done:
            comparison = Comparison(ARTICLE, mini, ABLATIONS[name])
            while comparison.has_work():
                comparison.advance()
            comparison.refresh(1)
            done[name] = comparison
        return done[name]

    return compare


def accuracies(comparison):
    ours, theirs = comparison.snapshot.evaluations
    return ours[:, 2], theirs[:, 2]


def losses(comparison):
    ours, theirs = comparison.snapshot.steps
    return ours.column("loss"), theirs.column("loss")


def dead(trainer):
    return max(dead_shares(trainer.net, trainer.probe()))


@pytest.mark.seeds
@pytest.mark.parametrize("name", list(ABLATIONS))
@pytest.mark.parametrize("seed", range(10))
def test_what_the_text_says_holds_for_every_seed(mini, name, seed):
    """The outcome by the page's rule, and the numbers under “You see”."""
    comparison = Comparison(ARTICLE.replace(seed=seed), mini, ABLATIONS[name])
    finish(comparison)
    assert outcome(comparison.snapshot) in OUTCOMES[name]
    mine, theirs = accuracies(comparison)
    ours, loss = losses(comparison)
    match name:
        case "raw-pixels":
            assert loss.max() > 1000 and loss[-25:].mean() == pytest.approx(math.log(10), abs=0.01)
            assert theirs[-1] == pytest.approx(0.1, abs=0.002)
        case "sorted":
            per_epoch = comparison.changed.steps_per_epoch
            late = loss[per_epoch * 4 :].reshape(-1, per_epoch)
            ups = np.diff(late, axis=1) > 1
            assert 5 <= ups.sum(axis=1).mean() <= 10, "it jumps up at nearly every new class"
            assert theirs[-1] < mine[-1] - 0.3
            share, called = re.search(r"calls (\d+) % of the test images “(.+)”", comparison.snapshot.facts[0]).groups()
            assert int(share) >= 40 and called in comparison.changed.dataset.classes[7:]
        case "no-relu":
            assert theirs[1] > mine[1], "at first a little ahead"
        case "softmax-first":
            assert loss.min() > 1.46 and theirs[-1] < mine[-1] - 0.05
        case "zero-weights":
            assert np.abs(loss - math.log(10)).max() < 0.05 and theirs[-1] == pytest.approx(0.1, abs=0.001)
        case "sum":
            assert loss.max() > 1000 and loss[100:].mean() > math.log(10) - 0.05
        case "rate-10":
            assert 0.9 < dead(comparison.changed) < 1 and theirs[-1] < mine[-1] - 0.2
        case "rate-100":
            assert np.isfinite(loss).all() and abs(loss[-25:].mean() - math.log(10)) < 0.1
            assert dead(comparison.changed) > 0.97 and theirs[-1] == pytest.approx(0.1, abs=0.001)
            gradient = linears(comparison.changed.net)[0].weight.grad
            assert (gradient == 0).float().mean() > 0.95
        case "no-zero-grad":
            assert theirs[1] > mine[1] + 0.05 and theirs[-1] < 0.61 and theirs[-1] < theirs.max() - 0.1
        case "ascent":
            assert loss[20] > loss[0] and np.isnan(loss[-1])
        case "no-eval":
            assert ours.tolist() == loss.tolist() and 0.005 < (mine[1:] - theirs[1:]).mean() < 0.035
        case "tested-on-training":
            assert theirs[-1] > mine[-1] + 0.1
            assert ours.tolist() == loss.tolist(), "the two networks are the same"
        case _:
            raise AssertionError("a text without a test")


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_the_outcome_is_the_one_in_the_text(compared, name):
    comparison = compared(name)
    assert outcome(comparison.snapshot) in OUTCOMES[name]


def test_each_has_a_text_with_its_three_parts():
    texts = {path.stem for path in (TEXT / "ablations").glob("*.md")}
    assert texts == set(ABLATIONS) == set(WHAT_IFS) == set(OUTCOMES)
    for path in (TEXT / "ablations").glob("*.md"):
        headings = re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), re.M)
        assert headings == ["You see", "Why", "In your own code"]


@pytest.mark.parametrize("name", [name for name in ABLATIONS if name not in ("no-eval", "tested-on-training")])
def test_the_original_program_is_the_trainer_itself(compared, mini, name):
    comparison = compared(name)
    alone = Trainer(ARTICLE, mini)
    assert losses(comparison)[0].tolist() == alone.train(400).tolist()
    assert accuracies(comparison)[0][-1] == alone.evaluate().accuracy


@pytest.mark.parametrize(
    "name", ["raw-pixels", "no-relu", "softmax-first", "sum", "rate-10", "rate-100", "no-zero-grad", "ascent", "sorted"]
)
def test_running_the_edited_script_gives_the_same(mini, article_root, capsys, monkeypatch, name):
    """The change in the listing and the change in the class do the same: equal bits after an epoch."""
    ablation = ABLATIONS[name]
    settings = Settings(epochs=1, train_size=600, batch_size=50)
    changed = edited(parts(settings, 1), WHAT_IFS[name].edits(settings))
    code = "\n".join(part.code for part in changed)
    assert code != "\n".join(part.code for part in parts(settings, 1))
    ((loss, accuracy, last),) = run_script(code, article_root, capsys, monkeypatch)

    leader = Trainer(settings, mini)
    follower = ablation(settings, mini, leader)
    for _ in range(12):
        leader.train(1)
        mine = follower.train(1).item()
    evaluation = follower.evaluate()
    assert round(evaluation.accuracy, 4) == accuracy
    if name == "sum":  # the script prints sums, the page shows means
        loss, last = loss / 2000, last / 50
    for printed, computed in ((loss, evaluation.loss), (last, mine)):
        exact = name not in ("sum", "raw-pixels")
        assert printed == pytest.approx(computed, rel=1e-8 if exact else 1e-5, nan_ok=True)


def test_without_zero_grad_the_gradients_add_up(tiny):
    """After three updates, `.grad` is the sum of the three mini-batches' gradients, each at its own weights."""
    settings = ARTICLE.replace(hidden_sizes=(8,), batch_size=100)
    leader = Trainer(settings, tiny)
    follower = ABLATIONS["no-zero-grad"](settings, tiny, leader)
    total = [torch.zeros_like(p) for p in follower.net.parameters()]
    for _ in range(3):
        leader.train(1)
        X, y = follower.next_batch()
        loss = nn.functional.cross_entropy(follower.net(X), y)
        for sum_, gradient in zip(total, torch.autograd.grad(loss, list(follower.net.parameters())), strict=True):
            sum_ += gradient
        follower.train(1)
    for sum_, p in zip(total, follower.net.parameters(), strict=True):
        torch.testing.assert_close(p.grad, sum_)


def test_no_zero_grad_starts_well_and_then_gets_worse(compared):
    ours, theirs = accuracies(compared("no-zero-grad"))
    assert theirs[1] > ours[1] - 0.05
    assert theirs[-1] < theirs.max() - 0.15
    (fact,) = compared("no-zero-grad").snapshot.facts
    kept, fresh = (float(number) for number in re.findall(r": ([\d.e+-]+?)\.(?:\s|$)", fact))
    assert kept > 5 * fresh


def test_no_zero_grad_is_momentum_of_one(tiny):
    settings = ARTICLE.replace(hidden_sizes=(8,), batch_size=100)
    leader = Trainer(settings, tiny)
    follower = ABLATIONS["no-zero-grad"](settings, tiny, leader)
    oracle = Trainer(settings, tiny)
    oracle.optimizer = torch.optim.SGD(oracle.net.parameters(), lr=0.1, momentum=1.0)
    for _ in range(10):
        leader.train(1)
        assert follower.train(1).item() == pytest.approx(oracle.train(1).item(), rel=1e-5)


def test_softmax_first_is_slower_and_its_loss_has_a_floor(compared):
    ours, theirs = losses(compared("softmax-first"))
    floor = -1 + math.log(math.e + 9)
    assert theirs.min() > floor > 1.46 and ours.min() < floor
    perfect = torch.eye(10)  # all probability on the right class
    assert nn.functional.cross_entropy(perfect, torch.arange(10)).item() == pytest.approx(floor)
    accuracy = accuracies(compared("softmax-first"))
    assert accuracy[1][2] < accuracy[0][2] - 0.2


def test_with_zero_weights_units_stay_equal_and_only_the_last_bias_learns(compared):
    changed = compared("zero-weights").changed
    assert all((linear.weight == 0).all() for linear in linears(changed.net))
    assert (linears(changed.net)[-1].bias != 0).any() and (linears(changed.net)[0].bias == 0).all()
    assert "256 of W₁: 1." in compared("zero-weights").snapshot.facts[0]


def test_sorted_labels_arrive_class_by_class(tiny):
    settings = ARTICLE.replace(hidden_sizes=(8,), batch_size=50)
    leader = Trainer(settings, tiny)
    follower = ABLATIONS["sorted"](settings, tiny, leader)
    seen = []
    for _ in range(20):
        leader.train(1)
        seen += follower.next_batch()[1].tolist()
        follower.train(1)
    assert seen == sorted(tiny.train.labels.tolist())


def test_sorted_labels_are_slower_and_favour_one_class(compared):
    ours, theirs = accuracies(compared("sorted"))
    assert theirs[-1] < ours[-1] - 0.3
    share = int(re.search(r"calls (\d+) %", compared("sorted").snapshot.facts[0]).group(1))
    assert share >= 30


def test_plus_instead_of_minus_raises_the_loss(tiny, compared):
    settings = ARTICLE.replace(hidden_sizes=(8,), batch_size=100)
    leader = Trainer(settings, tiny)
    follower = ABLATIONS["ascent"](settings, tiny, leader)
    before = [p.detach().clone() for p in follower.net.parameters()]
    leader.train(1)
    follower.train(1)
    for old, p in zip(before, follower.net.parameters(), strict=True):
        torch.testing.assert_close(p.detach(), old + 0.1 * p.grad)
    theirs = losses(compared("ascent"))[1]
    assert theirs[20] > theirs[0] and np.isnan(theirs[-1])


@pytest.mark.parametrize(("name", "factor"), [("rate-10", 10), ("rate-100", 100)])
def test_the_higher_rates_are_the_rate_times_the_factor(tiny, name, factor):
    settings = ARTICLE.replace(hidden_sizes=(8,), batch_size=100, learning_rate=0.01)
    leader = Trainer(settings, tiny)
    follower = ABLATIONS[name](settings, tiny, leader)
    oracle = Trainer(settings.replace(learning_rate=0.01 * factor), tiny)
    for _ in range(5):
        leader.train(1)
        assert follower.train(1).item() == pytest.approx(oracle.train(1).item(), rel=1e-6)


def test_higher_rates_make_the_loss_jump_kill_units_and_stay_finite(compared):
    for name, least in (("rate-10", 0.5), ("rate-100", 0.99), ("raw-pixels", 0.99), ("sum", 0.9)):
        comparison = compared(name)
        theirs = losses(comparison)[1]
        assert np.isfinite(theirs).all()
        assert (theirs[1:20] / theirs[:19]).max() > 1.25, "a jump by a quarter or more in the first steps"
        assert dead(comparison.changed) >= least
    assert abs(losses(compared("rate-100"))[1][100:].mean() - math.log(10)) < 1
    gradient = linears(compared("rate-100").changed.net)[0].weight.grad
    assert (gradient == 0).float().mean() > 0.95, "“nearly all of them are exactly 0”"


def test_a_sum_is_a_learning_rate_times_the_batch_size(tiny):
    """If all mini-batches have the same size; equal up to rounding."""
    settings = ARTICLE.replace(hidden_sizes=(8,), batch_size=100, learning_rate=0.001)
    leader = Trainer(settings, tiny)
    follower = ABLATIONS["sum"](settings, tiny, leader)
    oracle = Trainer(settings.replace(learning_rate=0.1), tiny)
    for _ in range(10):
        leader.train(1)
        assert follower.train(1).item() == pytest.approx(oracle.train(1).item(), rel=1e-5)


def test_raw_pixels_are_255_times_as_large(tiny):
    settings = ARTICLE.replace(hidden_sizes=(8,), batch_size=100)
    leader = Trainer(settings, tiny)
    follower = ABLATIONS["raw-pixels"](settings, tiny, leader)
    right, _ = leader.next_batch()
    leader.train(1)
    raw, _ = follower.next_batch()
    torch.testing.assert_close(raw, 255 * right)
    assert torch.equal(follower.pixels(tiny.test.images[:3]), tiny.test.images[:3].float())


def test_without_relu_two_layers_make_one(compared, mini):
    changed = compared("no-relu").changed
    weight, bias = changed.collapsed()
    X = pixels(mini.test.images)
    with torch.no_grad():
        deep = changed.net.double()(X.double())
    one = X.flatten(1).double() @ weight.double().T + bias.double()
    torch.testing.assert_close(one, deep, rtol=1e-4, atol=1e-4)
    changed.net.float()
    distance = float(re.search(r"at most ([\d.e-]+)", compared("no-relu").snapshot.facts[0]).group(1))
    assert distance < 1e-4


def test_no_evaluation_mode_trains_the_same_network_and_tests_another(compared):
    comparison = compared("no-eval")
    ours, theirs = losses(comparison)
    assert ours.tolist() == theirs.tolist()
    mine, others = accuracies(comparison)
    assert others[1:].mean() < mine[1:].mean()
    assert (mine != others).sum() >= 7
    assert "the same, bit for bit" in comparison.snapshot.facts[0]


def test_dropout_keeps_half_and_the_mean():
    layer = SeededDropout(0)
    h = torch.ones(1000, 100)
    dropped = layer(h)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    layer.eval()
    assert layer(h) is h


def test_testing_on_the_training_set_gives_a_higher_accuracy(compared):
    comparison = compared("tested-on-training")
    ours, theirs = accuracies(comparison)
    assert theirs[-1] > ours[-1] + 0.1
    assert theirs[-1] > 0.9 and ours[-1] < 0.84
    trainer = comparison.changed
    with torch.no_grad():
        logits = trainer.net(pixels(trainer.dataset.train.images[:1000]))
    assert theirs[-1] == (logits.argmax(1) == trainer.dataset.train.labels[:1000]).sum().item() / 1000


def test_nothing_touches_the_global_generator(tiny, global_generator_untouched):
    for ablation in ABLATIONS.values():
        comparison = Comparison(ARTICLE.replace(hidden_sizes=(4,), batch_size=50), tiny, ablation)
        for _ in range(30):
            comparison.advance()


def test_the_first_step_with_a_loss_that_is_not_finite_is_exact(compared):
    snapshot = compared("ascent").snapshot
    lost = np.flatnonzero(snapshot.steps[1].not_finite[:, 0])  # 400 steps: one bucket for each
    assert snapshot.steps[1].width == 1 and snapshot.not_finite_steps == (None, int(lost[0]) + 1)
