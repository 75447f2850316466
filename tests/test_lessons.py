"""Each lesson is run to its end, and what its answer claims is checked against the numbers."""

import functools
import math
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mlpviz import Settings, Trainer, load_dataset
from mlpviz.datasets import default_dataset, find_dataset
from mlpviz.lessons import (
    BUILT_IN,
    FIELDS,
    GROUPS,
    LessonError,
    covers,
    known_controls,
    load_lessons,
    names,
    parse_controls,
    read_lesson,
)
from mlpviz.network import linears
from mlpviz.observe.dead_units import dead_shares
from mlpviz.runs.branch import branch
from mlpviz.runs.run import Run
from mlpviz.stability.sharpness import measure_sharpness
from mlpviz.trainer import pixels
from tests.runs.working import work_off

LESSONS, PROBLEMS = load_lessons()
MINI = load_dataset("fashion-mnist-mini")


class Outcome:
    """A run to its end, and what can be asked of it."""

    def __init__(self, settings, then=None):
        """`then`: a step and the settings from there on."""
        self.trainer = trainer = Trainer(settings, load_dataset(settings.dataset))
        self.first_gradients = self.tests = None
        losses, tests = [], [trainer.evaluate()]
        for epoch in range(settings.epochs):
            if then is not None and then[0] == epoch:
                trainer.change(then[1])
            losses.append(trainer.train(trainer.steps_per_epoch))
            tests.append(trainer.evaluate())
        self.losses, self.tests = torch.cat(losses), tests

    @property
    def loss(self):
        return self.losses[-25:].mean().item()

    @property
    def accuracy(self):
        return self.tests[-1].accuracy

    def train_accuracy(self):
        t = self.trainer
        with torch.no_grad():
            logits = t.net(pixels(t.dataset.train.images[: t.train_size]))
        return (logits.argmax(dim=1) == t.dataset.train.labels[: t.train_size]).float().mean().item()

    def dead(self):
        return dead_shares(self.trainer.net, pixels(self.trainer.dataset.test.images[:512]))

    def norms(self):
        return [linear.weight.norm().item() for linear in linears(self.trainer.net)]

    def sharpness(self):
        d = self.trainer.dataset
        return measure_sharpness(self.trainer.net, pixels(d.train.images[:512]), d.train.labels[:512]).value

    def steps_to(self, loss):
        means = self.losses.unfold(0, 25, 1).mean(dim=1)
        return int((means < loss).nonzero()[0]) + 25


@functools.cache
def outcome(name, seed, variant="", dataset=""):
    lesson = LESSONS[name]
    query = lesson.variants[variant] if variant else lesson.settings
    torch.set_num_threads(1)
    settings = Settings.from_params(
        {"dataset": "fashion-mnist-mini"} | query | ({"dataset": dataset} if dataset else {})
    )
    return Outcome(settings.replace(seed=seed))


def right(name):
    lesson = LESSONS[name]
    return lesson.options[lesson.right]


#: What a lesson claims must hold whatever the seed is.
ten_seeds = pytest.mark.parametrize("seed", range(10))
GUESSING = math.log(10)


@pytest.mark.seeds
@ten_seeds
def test_only_the_last_line_changes_the_weights(seed):
    lesson = LESSONS["one-step"]
    assert right("one-step") == "`optimizer.step()`" and lesson.speed == "slow"
    trainer = Trainer(
        Settings.from_params({"dataset": "fashion-mnist-mini"} | lesson.settings).replace(seed=seed), MINI
    )
    weights = [linear.weight for linear in linears(trainer.net)]
    for _ in range(10):
        before = [weight.detach().clone() for weight in weights]
        X, y = trainer.next_batch()
        loss = trainer.loss_fn(trainer.net(X), y)
        trainer.optimizer.zero_grad()
        loss.backward()
        assert all(torch.equal(old, new) for old, new in zip(before, weights, strict=True))
        trainer.optimizer.step()
        trainer.step += 1
        moves = [((new - old).norm() / old.norm()).item() for old, new in zip(before, weights, strict=True)]
        assert all(0 < move < 0.1 for move in moves), moves


@pytest.mark.seeds
@ten_seeds
def test_the_article_s_run(seed):
    done = outcome("article", seed)
    assert 0.65 < done.accuracy < 0.9 and 0.69 < done.accuracy < 0.82
    assert right("article") == "Between 65 % and 90 %"
    assert done.losses[0].item() == pytest.approx(GUESSING, abs=0.01)


@pytest.mark.seeds
def test_the_article_s_run_on_the_full_set():
    if find_dataset("fashion-mnist") is None:
        pytest.skip("the full set is not on this machine")
    assert outcome("article", 0, dataset="fashion-mnist").accuracy == pytest.approx(0.85, abs=0.01)


@pytest.mark.seeds
@ten_seeds
def test_too_high(seed):
    done = outcome("too-high", seed)
    assert abs(done.loss - GUESSING) < 0.1 and done.accuracy < 0.12 and "2.30" in right("too-high")
    assert torch.isfinite(done.losses).all() and done.losses[:30].max() > 5, "it jumps up"
    first = done.trainer.net[1]
    with torch.no_grad():
        first.bias.zero_()
    assert done.dead()[0] > 0.95, "by their weights, not their biases"


@pytest.mark.seeds
@ten_seeds
def test_back_to_just_before(seed):
    """By the button: the run stops by itself, and the branch takes the rate that was tried."""
    settings = Settings.from_params(LESSONS["back-to-just-before"].settings).replace(seed=seed)
    run = Run(settings, load_dataset(settings.dataset))
    run.start()
    work_off(run)
    way_back = run.health.post_mortem.way_back
    assert run.step < run.total_steps and way_back.rate < settings.learning_rate
    back = branch(run, way_back.step)
    back.change(back.settings.replace(learning_rate=way_back.rate))
    back.start()
    work_off(back)
    assert back.step == 400 and back.recording.evaluations[-1][2] > 0.6 and back.recording.recent_means()[0] < 0.8
    assert outcome("back-to-just-before", seed).accuracy < 0.2, "without going back it is lost"
    assert right("back-to-just-before").startswith("Yes")


@pytest.mark.seeds
@ten_seeds
def test_batch_size(seed):
    one, usual, all_ = (outcome("batch-size", seed, variant) for variant in ("Size 1", "", "All images at once"))
    assert (len(one.losses), len(usual.losses), len(all_.losses)) == (10_000, 40, 1)
    assert one.accuracy > 0.7 and usual.accuracy < 0.5 and all_.accuracy < 0.2
    assert right("batch-size") == "Size 1"


@pytest.mark.seeds
@ten_seeds
def test_momentum(seed):
    without, with_it = outcome("momentum", seed), outcome("momentum", seed, "With momentum")
    assert without.steps_to(1.0) == pytest.approx(250, abs=10) and with_it.steps_to(1.0) == pytest.approx(55, abs=3)
    assert with_it.accuracy > without.accuracy and "several times" in right("momentum")


@pytest.mark.seeds
@ten_seeds
def test_init_too_small(seed):
    done = outcome("init-too-small", seed)
    assert (done.losses - GUESSING).abs().max() < 0.02 and right("init-too-small") == "Nothing at all"
    larger = outcome("init-too-small", seed, "Ten times as large")
    per_epoch = larger.trainer.steps_per_epoch
    assert larger.losses[2 * per_epoch - 5 : 2 * per_epoch].mean() > 2.15 and larger.loss < 1.2, (
        "a plateau, then a fall"
    )


@pytest.mark.seeds
@ten_seeds
def test_init_too_large(seed):
    done = outcome("init-too-large", seed)
    assert 1e3 < done.losses[0] < 1e4 and "above 1,000" in right("init-too-large")
    assert done.accuracy < 0.2 and (not torch.isfinite(done.losses).all() or min(done.dead()) > 0.7)


@pytest.mark.seeds
@ten_seeds
def test_deep_badly_and_well(seed):
    badly, well = outcome("deep-badly", seed), outcome("deep-well", seed)
    assert set(badly.trainer.settings.differences(well.trainer.settings)) == {"init"}
    assert (badly.losses - GUESSING).abs().max() < 0.02 and "nothing" in right("deep-badly")
    article = outcome("article", seed, dataset="fashion-mnist-mini")
    assert well.losses[40:50].mean() < 1.5 and well.loss < article.loss
    assert "from the first steps" in right("deep-well")


@pytest.mark.seeds
def test_more_layers_are_of_no_use_on_the_small_set():
    deep, one = (np.mean([outcome(name, seed).accuracy for seed in range(10)]) for name in ("deep-well", "article"))
    assert deep < one


@pytest.mark.seeds
@ten_seeds
def test_tanh_or_relu(seed):
    relu, tanh = outcome("tanh-or-relu", seed), outcome("tanh-or-relu", seed, "tanh")
    assert abs(relu.accuracy - tanh.accuracy) < 0.05 and "less than 5 points" in right("tanh-or-relu")


@pytest.mark.seeds
def test_the_seed_matters_more_than_tanh_or_relu():
    both = np.array([[outcome("tanh-or-relu", seed, v).accuracy for v in ("", "tanh")] for seed in range(10)])
    assert np.abs(both[:, 0] - both[:, 1]).max() < np.ptp(both, axis=0).min()


@pytest.mark.seeds
@ten_seeds
def test_few_examples(seed):
    done = outcome("few-examples", seed)
    assert done.train_accuracy() == 1.0 and 0.70 < done.accuracy < 0.80
    assert sum(p.numel() for p in done.trainer.net.parameters()) == 203_530
    tests = [evaluation.loss for evaluation in done.tests]
    assert min(tests) < tests[0] and tests[-1] > 1.04 * min(tests), "the test loss rises again"
    best = tests.index(min(tests))
    assert abs(done.accuracy - done.tests[best].accuracy) < 0.03, "while the accuracy stays"


@pytest.mark.seeds
@ten_seeds
def test_weight_decay(seed):
    without, with_it = outcome("weight-decay", seed), outcome("weight-decay", seed, "Weight decay 0.03")
    assert without.train_accuracy() == pytest.approx(0.95, abs=0.03)
    assert without.accuracy == pytest.approx(0.80, abs=0.03)
    gaps = [done.train_accuracy() - done.accuracy for done in (without, with_it)]
    assert gaps[1] < gaps[0]
    assert with_it.accuracy < without.accuracy and with_it.train_accuracy() < without.train_accuracy()
    assert without.norms()[0] == pytest.approx(23, abs=1) and with_it.norms()[0] == pytest.approx(5, abs=0.6)
    assert "both get worse" in right("weight-decay")


@pytest.mark.seeds
def test_the_two_percentages_of_weight_decay():
    done = [outcome("weight-decay", seed, "Weight decay 0.03") for seed in range(10)]
    assert np.median([each.train_accuracy() for each in done]) == pytest.approx(0.86, abs=0.015)
    assert np.median([each.accuracy for each in done]) == pytest.approx(0.77, abs=0.015)


@pytest.mark.seeds
@ten_seeds
def test_edge_of_stability(seed):
    settings = Settings.from_params(LESSONS["edge-of-stability"].settings).replace(seed=seed)
    watched = Outcome.__new__(Outcome)
    watched.trainer = Trainer(settings, load_dataset(settings.dataset))
    assert watched.sharpness() < 3
    watched.trainer.train(800)
    seen = []
    for _ in range(8):
        watched.trainer.train(200)
        seen.append(watched.sharpness())
    assert 0.7 * 20 < sum(seen) / 8 < 1.4 * 20, "it stays near 2/η"
    slower = outcome("edge-of-stability", seed, "A third of the rate")
    assert slower.sharpness() > seen[-1] and pytest.approx(67, abs=0.5) == 2 / 0.03
    assert "2/η" in right("edge-of-stability")


@pytest.mark.seeds
@ten_seeds
def test_lower_the_rate(seed):
    settings = Settings.from_params(LESSONS["lower-the-rate"].settings).replace(seed=seed)
    lowered = settings.replace(learning_rate=settings.learning_rate / 10, epochs=16)
    done = Outcome(settings.replace(epochs=16), then=(8, lowered))
    accuracies = [evaluation.accuracy for evaluation in done.tests[1:]]
    before, after = accuracies[3:8], accuracies[8:]
    assert accuracies[8] > accuracies[7] + 0.05, "at once"
    assert min(after) > 0.83 and np.mean(after) == pytest.approx(0.85, abs=0.01)
    assert np.ptp(after) < 0.025 < 0.06 < np.ptp(before), "it stops jumping"
    assert "rises at once" in right("lower-the-rate")


# the files


def test_there_are_a_dozen_and_each_has_a_test():
    assert PROBLEMS == [] and len(LESSONS) >= 12
    here = Path(__file__).read_text(encoding="utf-8")
    for name in LESSONS:
        assert f'"{name}"' in here, name
    for lesson in LESSONS.values():
        assert lesson.title and lesson.question.endswith("?") and len(lesson.watch) > 40 and len(lesson.answer) > 100
        Settings.from_params({"dataset": default_dataset()} | lesson.settings)


GOOD = """---
title: My lesson
question: What now?
settings: learning_rate=0.5&epochs=2
predict: This | *That
lock: learning_rate, network
hide: data
variant: Slower: learning_rate=0.05
---
Not shown.
## Watch
The loss.
## Answer
That, since $a$ is $b$.
"""


def write(folder, text, name="mine.md"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_teacher_s_own_file_is_read(tmp_path):
    lesson = read_lesson(write(tmp_path, GOOD))
    assert (lesson.name, lesson.title, lesson.options, lesson.right) == ("mine", "My lesson", ("This", "That"), 1)
    assert lesson.settings == {"learning_rate": "0.5", "epochs": "2"}
    assert lesson.variants == {"Slower": {"learning_rate": "0.05"}}
    assert (lesson.lock, lesson.hide) == ({"learning_rate", "network"}, {"data"})
    assert (lesson.watch, lesson.answer) == ("The loss.", "That, since $a$ is $b$.")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("---\ntitle", "title", "line 1: a lesson begins with"),
        ("variant: Slower: learning_rate=0.05\n---", "variant: Slower: learning_rate=0.05", "the header has no end"),
        ("title: My lesson\n", "", "lacks “title"),
        ("title: My lesson", "titel: My lesson", "line 2: 'titel' is not known"),
        ("title: My lesson", "title", "line 2: write it as"),
        ("question: What now?", "title: Again", "line 3: title is given twice"),
        ("learning_rate=0.5&", "learning_rate=fast&", "learning_rate is 'fast'"),
        ("learning_rate=0.5&", "rate=0.5&", "'rate' is no setting"),
        ("This | *That", "This | That", "a * before the one"),
        ("This | *That", "*That", "two answers or more"),
        ("lock: learning_rate, network", "lock: everything", "'everything' is no control"),
        ("variant: Slower: learning_rate=0.05", "variant: Slower", "write a variant as"),
        ("## Answer", "## Solution", "no text under “## Answer”"),
    ],
)
def test_a_broken_file_is_named_with_what_to_do(tmp_path, old, new, what):
    assert GOOD.count(old) >= 1
    with pytest.raises(LessonError, match=re.escape(what)) as error:
        read_lesson(write(tmp_path, GOOD.replace(old, new, 1)))
    assert "mine.md" in str(error.value)


def test_a_broken_file_leaves_the_others_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("MLPVIZ_LESSONS", str(tmp_path))
    write(tmp_path, GOOD)
    write(tmp_path, "nonsense", "broken.md")
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00\x80")
    write(tmp_path, GOOD.replace("My lesson", "Mine instead"), "02-too-high.md")
    lessons, problems = load_lessons()
    assert set(lessons) == {*LESSONS, "mine"} and lessons["too-high"].title == "Mine instead"
    assert len(problems) == 2 and "binary.md" in problems[0] and "broken.md" in problems[1]


def test_an_editor_s_own_files_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("MLPVIZ_LESSONS", str(tmp_path))
    write(tmp_path, GOOD)
    (tmp_path / ".#mine.md").symlink_to("nobody@nowhere.1")
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere.md")
    lessons, problems = load_lessons()
    assert "mine" in lessons and len(problems) == 1 and problems[0].startswith("gone.md")


def test_what_is_no_lesson_is_not_read_as_one(tmp_path, monkeypatch):
    """A pipe would hang the page for ever; a README is about the folder; a book is no lesson."""
    monkeypatch.setenv("MLPVIZ_LESSONS", str(tmp_path))
    write(tmp_path, GOOD)
    write(tmp_path, "# About these lessons", "README.md")
    (tmp_path / "book.md").write_text("a" * 2_000_000)
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    lessons, problems = load_lessons()
    assert set(lessons) == {*LESSONS, "mine"}
    assert [problem.split()[0] for problem in problems] == ["book.md", "folder.md", "pipe.md"]


def test_an_empty_variable_names_no_folder(tmp_path, monkeypatch):
    """Before, it was the folder in which mlpviz was started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPVIZ_LESSONS", "")
    write(tmp_path, GOOD, "elsewhere.md")
    assert set(load_lessons()[0]) == set(LESSONS)


def test_of_a_link_the_controls_that_there_are_hold():
    assert known_controls("all,bananas, pears") == (frozenset(FIELDS), ["bananas", "pears"])
    assert known_controls("data,bananas") == (frozenset({"data"}), ["bananas"])


def test_controls():
    assert parse_controls("") == frozenset() and parse_controls("all") == frozenset(FIELDS)
    assert parse_controls(" learning_rate, share ") == {"learning_rate", "share"}
    for text in ("all", "learning_rate,share", "data"):
        assert parse_controls(names(parse_controls(text))) == parse_controls(text)
    assert covers(parse_controls("network"), "activation") and not covers(parse_controls("network"), "momentum")
    members = [name for group in GROUPS.values() for name in group]
    assert set(members) < set(FIELDS) and len(members) == len(set(members))
    assert BUILT_IN.is_dir()
