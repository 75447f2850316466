"""Prose that can rot is tested: the README's code and commands."""

import re
from pathlib import Path

from mlpviz import Settings, Trainer, load_dataset
from mlpviz.lessons import read_lesson

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
ROOT = Path(__file__).parent.parent


def test_the_ten_lines_run(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    scope: dict = {}
    exec(code, scope)
    assert scope["losses"].shape == (40,)
    assert scope["losses"][-1] < scope["losses"][0] - 0.3
    assert scope["evaluation"].logits.shape == (2000, 10)


def test_the_lesson_in_the_readme_is_one_and_its_answer_is_true(tmp_path):
    (text,) = re.findall(r"```markdown\n(.*?)```", README, re.S)
    path = tmp_path / "twice-the-rate.md"
    path.write_text(text, encoding="utf-8")
    lesson = read_lesson(path)
    ends = [
        Trainer(settings, load_dataset(settings.dataset)).train(400)[-25:].mean()
        for settings in (Settings.from_params(lesson.settings), Settings.from_params(lesson.variants["Twice"]))
    ]
    assert ends[1] < ends[0] and lesson.options[lesson.right] == "It is lower"


def test_the_two_commands_name_files_that_are_there():
    commands = re.findall(r"```sh\n(.*?)\n```", README, re.S)
    assert commands[:2] == [
        "pip install -r requirements.txt && streamlit run app.py",
        "pip install -r requirements-dev.txt && pytest",
    ]
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text()


def test_pictures_and_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
