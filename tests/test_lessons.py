"""Each lesson is run to its end, and what its answer claims is checked against the numbers."""

import functools
import math
import os
import re
from pathlib import Path

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
from mlpviz.stability.sharpness import measure_sharpness
from mlpviz.trainer import pixels

LESSONS, PROBLEMS = load_lessons()


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
def outcome(name, variant="", dataset=""):
    lesson = LESSONS[name]
    query = lesson.variants[variant] if variant else lesson.settings
    torch.set_num_threads(1)
    return Outcome(Settings.from_params(query | ({"dataset": dataset} if dataset else {})))


def right(name):
    lesson = LESSONS[name]
    return lesson.options[lesson.right]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "low", "high"), [("fashion-mnist", 0.83, 0.87), ("fashion-mnist-mini", 0.72, 0.80)]
)
def test_the_article_s_run(dataset, low, high):
    if dataset == "fashion-mnist" and find_dataset(dataset) is None:
        pytest.skip("the full set is not on this machine")
    done = outcome("article", dataset=dataset)
    assert low < done.accuracy < high and right("article") == "Three quarters or more"
    assert done.losses[0].item() == pytest.approx(math.log(10), abs=0.01)


@pytest.mark.slow
def test_too_high():
    done = outcome("too-high")
    assert abs(done.loss - math.log(10)) < 0.1 and done.accuracy < 0.12 and "2.30" in right("too-high")
    first = done.trainer.net[1]
    with torch.no_grad():
        first.bias.zero_()
    assert done.dead()[0] > 0.95, "by their weights, not their biases"
    assert torch.isfinite(done.losses).all() and done.losses[:20].max() > 5


@pytest.mark.slow
def test_back_to_just_before():
    from tests.stability.test_diagnosis import watch

    settings = Settings.from_params(LESSONS["back-to-just-before"].settings)
    run, _ = watch(settings, 400)
    way_back = run.health.post_mortem.way_back
    assert run.status == "paused" and way_back.step < 60
    back = branch(run, way_back.step)
    back.change(back.settings.replace(learning_rate=way_back.rate))
    back.start()
    while back.has_work():
        back.look()
        back.advance()
    results = back.recording.results
    assert results.step == 400
    predicted = results.logits.argmax(axis=1)
    assert (predicted == results.labels).mean() > outcome("article", dataset="fashion-mnist-mini").accuracy - 0.05
    assert right("back-to-just-before").startswith("Yes")


@pytest.mark.slow
def test_warm_up():
    at_once = outcome("warm-up")
    warm = LESSONS["warm-up"].variants["Warm up first"]
    settings = Settings.from_params(warm)
    warmed = Outcome(settings, then=(1, settings.replace(learning_rate=0.2)))
    assert at_once.loss == pytest.approx(0.64, abs=0.12) and warmed.loss == pytest.approx(0.41, abs=0.06)
    assert 0.3 < at_once.dead()[0] < 0.6 and warmed.dead()[0] < 0.2
    assert "clearly lower" in right("warm-up")


@pytest.mark.slow
def test_init_too_small():
    done = outcome("init-too-small")
    assert (done.losses - math.log(10)).abs().max() < 0.02 and right("init-too-small") == "Nothing at all"
    larger = outcome("init-too-small", "Ten times as large")
    per_epoch = larger.trainer.steps_per_epoch
    assert larger.losses[2 * per_epoch - 5 : 2 * per_epoch].mean() > 2.2 and larger.loss < 1.2, "a plateau, then a fall"


@pytest.mark.slow
def test_init_too_large():
    done = outcome("init-too-large")
    assert 1e3 < done.losses[0] < 1e4 and "thousands" in right("init-too-large")
    assert done.accuracy < 0.2 and (not torch.isfinite(done.losses).all() or min(done.dead()) > 0.7)


@pytest.mark.slow
def test_batch_size():
    one, usual, all_ = (
        outcome("batch-size", "A batch of 1"),
        outcome("batch-size"),
        outcome("batch-size", "All at once"),
    )
    assert (len(one.losses), len(usual.losses), len(all_.losses)) == (10_000, 40, 1)
    assert one.accuracy > 0.7 and usual.accuracy < 0.4 and all_.accuracy < 0.15
    assert right("batch-size") == "A batch of 1"


@pytest.mark.slow
def test_deep_badly_and_well():
    badly, well = outcome("deep-badly"), outcome("deep-well")
    assert set(badly.trainer.settings.differences(well.trainer.settings)) == {"init"}
    assert (badly.losses - math.log(10)).abs().max() < 0.02 and "nothing" in right("deep-badly")
    assert well.losses[45:50].mean() < 1.5 and well.loss < outcome("article", dataset="fashion-mnist-mini").loss
    assert "at once" in right("deep-well")


@pytest.mark.slow
def test_tanh_or_relu():
    relu, tanh = outcome("tanh-or-relu"), outcome("tanh-or-relu", "tanh")
    assert abs(relu.accuracy - tanh.accuracy) < 0.05 and "few points" in right("tanh-or-relu")


@pytest.mark.slow
def test_momentum():
    without, with_it = outcome("momentum"), outcome("momentum", "With momentum")
    assert without.steps_to(0.85) > 3 * with_it.steps_to(0.85) and with_it.accuracy > without.accuracy
    assert "several times" in right("momentum")


@pytest.mark.slow
def test_weight_decay():
    without, with_it = outcome("weight-decay"), outcome("weight-decay", "Decay of 0.03")
    assert without.train_accuracy() == pytest.approx(0.95, abs=0.03)
    assert without.accuracy == pytest.approx(0.80, abs=0.03)
    assert with_it.train_accuracy() == pytest.approx(0.87, abs=0.04)
    assert with_it.accuracy == pytest.approx(0.77, abs=0.03)
    gaps = [done.train_accuracy() - done.accuracy for done in (without, with_it)]
    assert gaps[1] < gaps[0] and with_it.accuracy <= without.accuracy
    assert without.norms()[0] == pytest.approx(23, abs=1) and with_it.norms()[0] == pytest.approx(5, abs=0.6)
    assert "shrinks the gap" in right("weight-decay")


@pytest.mark.slow
def test_few_examples():
    done = outcome("few-examples")
    assert done.train_accuracy() == 1.0 and 0.70 < done.accuracy < 0.80
    assert sum(p.numel() for p in done.trainer.net.parameters()) == 203_530
    tests = [evaluation.loss for evaluation in done.tests]
    assert min(tests) < tests[0] and tests[-1] > 1.05 * min(tests), "the test loss turns round"
    best = tests.index(min(tests))
    assert done.accuracy > done.tests[best].accuracy - 0.03, "while the accuracy stays"


@pytest.mark.slow
def test_edge_of_stability():
    start = Trainer(Settings.from_params(LESSONS["edge-of-stability"].settings), load_dataset("fashion-mnist-mini"))
    d = start.dataset
    first = measure_sharpness(start.net, pixels(d.train.images[:512]), d.train.labels[:512]).value
    done, slower = outcome("edge-of-stability"), outcome("edge-of-stability", "A third of the rate")
    assert first == pytest.approx(1.5, abs=0.3) and 0.6 * 20 < done.sharpness() < 1.6 * 20
    watched = Outcome.__new__(Outcome)
    watched.trainer = Trainer(done.trainer.settings, d)
    watched.trainer.train(800)
    seen = []
    for _ in range(8):
        watched.trainer.train(200)
        seen.append(watched.sharpness())
    assert min(seen) > 0.5 * 20 and max(seen) < 1.7 * 20 and 0.7 * 20 < sum(seen) / 8 < 1.3 * 20, "it hovers"
    assert slower.sharpness() > done.sharpness() and pytest.approx(67, abs=0.5) == 2 / 0.03
    assert "2/η" in right("edge-of-stability")


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
