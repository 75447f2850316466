"""The generated script is run and compared with what the page shows, bit for bit."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mlpviz import Settings, Trainer
from mlpviz.datasets import Dataset
from mlpviz.line_by_line.script import edited, five_lines, notebook, parts, script
from mlpviz.page.line_by_line.listing import texts
from mlpviz.trainer import train_step

pytestmark = pytest.mark.slow

SPREAD = (
    {},
    {"hidden_sizes": (), "seed": 7},
    {"hidden_sizes": (20, 30), "activation": "gelu", "init": "kaiming", "batch_size": 32},
    {"activation": "tanh", "init": "xavier", "optimizer": "adam", "learning_rate": 0.001, "weight_decay": 0.01},
    {"activation": "sigmoid", "init": "pytorch", "optimizer": "adamw", "learning_rate": 0.002},
    {"activation": "leaky_relu", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4, "init_std": 0.05},
    {"activation": "identity", "optimizer": "rmsprop", "learning_rate": 0.0005, "init": "zeros"},
    {"learning_rate": 0.07, "batch_size": 600, "epochs": 3},
)


def run(code: str, root: Path, capsys, monkeypatch) -> list[tuple[float, float, float]]:
    """Execute a script. Returns the test loss, test accuracy and last loss that it prints for each epoch."""
    monkeypatch.setattr(sys, "argv", ["train.py", str(root)])
    state = torch.get_rng_state()
    try:
        exec(compile(code, "train.py", "exec"), {"__name__": "__main__"})
    finally:
        torch.set_rng_state(state)
    pattern = r"epoch \d+: test loss (\S+), test accuracy (\S+), loss of the last mini-batch (\S+)"
    return [tuple(map(float, found)) for found in re.findall(pattern, capsys.readouterr().out)]


def trained(settings: Settings, dataset: Dataset) -> list[tuple[float, float, float]]:
    trainer, rows = Trainer(settings, dataset), []
    for _ in range(settings.epochs):
        losses = trainer.train(trainer.steps_per_epoch)
        evaluation = trainer.evaluate()
        rows.append((evaluation.loss, round(evaluation.accuracy, 4), losses[-1].item()))
    return rows


def same(printed, expected):
    """Nine digits are enough to tell all float32 numbers apart."""
    assert [(f"{a:.9g}", b, f"{c:.9g}") for a, b, c in printed] == [(f"{a:.9g}", b, f"{c:.9g}") for a, b, c in expected]


@pytest.mark.parametrize("changes", SPREAD, ids=str)
def test_the_script_prints_what_the_page_shows(mini, article_root, capsys, monkeypatch, changes):
    settings = Settings(**{"epochs": 2, "train_size": 600, "dataset": "fashion-mnist", **changes})
    same(run(script(settings, 1), article_root, capsys, monkeypatch), trained(settings, mini))


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({}, {3: {"learning_rate": 0.02}, 5: {"learning_rate": 0.5, "weight_decay": 0.001}}),
        ({}, {0: {"learning_rate": 0.2}, 4: {"momentum": 0.9}, 8: {"momentum": 0.5}}),
        ({"optimizer": "adamw", "learning_rate": 0.001}, {2: {"learning_rate": 0.01, "weight_decay": 0.1}}),
        ({}, {2: {"epochs": 3}}),
    ],
    ids=str,
)
def test_the_script_makes_the_changes_at_their_steps(mini, article_root, capsys, monkeypatch, first, later):
    settings = Settings(**{"epochs": 2, "train_size": 600, "dataset": "fashion-mnist", "batch_size": 100, **first})
    trainer, log, now = Trainer(settings, mini), [], settings
    for step, changed in later.items():
        now = now.replace(**changed)
        log.append((step, now))
    shown = []
    for step in range(now.epochs * trainer.steps_per_epoch):
        for at, settings_then in log:
            if at == step:
                trainer.change(settings_then)
        loss = trainer.train_one()[1]
        if trainer.step % trainer.steps_per_epoch == 0:
            evaluation = trainer.evaluate()
            shown.append((evaluation.loss, round(evaluation.accuracy, 4), loss.item()))
    code = script(settings.replace(epochs=now.epochs), 1, changes=log)
    assert ("changes.get" in code) == (list(later.values()) != [{"epochs": 3}])
    same(run(code, article_root, capsys, monkeypatch), shown)


def test_the_small_set_is_found_in_the_full_one(mini, article_root, capsys, monkeypatch):
    """The folder holds the small set in place of the full one, so the first of each class are all its images."""
    settings = Settings(dataset="fashion-mnist-mini", epochs=1)
    same(run(script(settings, 1), article_root, capsys, monkeypatch), trained(settings, mini))


def test_the_notebook_computes_the_same(mini, article_root, capsys, monkeypatch):
    settings = Settings(epochs=2, train_size=600)
    book = json.loads(notebook(settings, 1, texts()))
    assert book["nbformat"] == 4
    code = "\n".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code")
    same(run(code, article_root, capsys, monkeypatch), trained(settings, mini))
    prose = "\n".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown")
    assert all(text.strip() in prose for text in texts().values())
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            ast.parse("".join(cell["source"]))


def test_the_script_runs_as_a_program(mini, article_root, tmp_path):
    settings = Settings(epochs=1, train_size=300, batch_size=50, learning_rate=0.03)
    (tmp_path / "train.py").write_text(script(settings, 1))
    command = [sys.executable, "train.py", str(article_root)]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120).stdout
    ((loss, accuracy, last),) = trained(settings, mini)
    assert (
        output
        == f"epoch 1: test loss {loss:.9g}, test accuracy {accuracy:.4f}, loss of the last mini-batch {last:.9g}\n"
    )


@pytest.mark.parametrize("changes", SPREAD, ids=str)
def test_it_needs_only_torch_and_torchvision(changes):
    names = set()
    for node in ast.walk(ast.parse(script(Settings(**changes), 1))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names <= {"sys", "torch", "torchvision"}


@pytest.mark.parametrize(
    ("dataset", "name"), [("mnist", "MNIST"), ("kmnist", "KMNIST"), ("fashion-mnist", "FashionMNIST")]
)
def test_each_dataset_is_torchvisions(dataset, name):
    code = script(Settings(dataset=dataset), 1)
    assert code.count(f"datasets.{name}(root, train=") == 2


def test_the_five_lines_are_those_that_train():
    lines = five_lines()
    assert lines == [
        "logits = net(X)",
        "loss = loss_fn(logits, y)",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
    ]
    names = train_step.__code__.co_names
    assert [name for name in names if name in ("zero_grad", "backward", "step")] == ["zero_grad", "backward", "step"]


def test_every_part_with_a_key_has_a_text_and_every_text_a_part():
    keys = {part.key for part in parts(Settings(), 1) if part.key}
    assert keys == set(texts())


def test_an_edit_changes_only_its_part():
    before = parts(Settings(), 1)
    after = edited(before, {"optimizer": ("lr=", "lr=10 * ")})
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [
        [part.key for part in before].index("optimizer")
    ]
