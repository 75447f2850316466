"""The documents must stay true: tests of the commands, the code and the links in the README and in docs/."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import mlpviz
from mlpviz import Settings, Trainer, load_dataset
from mlpviz.__main__ import _parser
from mlpviz.lessons import read_lesson

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def blocks(path, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / path).read_text(encoding="utf-8"), re.S)


def test_the_example_of_ten_lines_runs(capsys):
    (code,) = blocks("docs/LIBRARY.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    scope: dict = {}
    exec(code, scope)
    assert scope["losses"].shape == (40,)
    assert scope["losses"][-1] < scope["losses"][0] - 0.3
    assert scope["evaluation"].logits.shape == (2000, 10)


def test_the_example_lesson_can_be_read_and_its_answer_is_true(tmp_path):
    (text,) = blocks("docs/CLASS.md", "markdown")
    path = tmp_path / "twice-the-rate.md"
    path.write_text(text, encoding="utf-8")
    lesson = read_lesson(path)
    ends = [
        Trainer(settings, load_dataset(settings.dataset)).train(400)[-25:].mean()
        for settings in (Settings.from_params(lesson.settings), Settings.from_params(lesson.variants["Twice"]))
    ]
    assert ends[1] < ends[0] and lesson.options[lesson.right] == "It is lower"


def test_the_first_two_commands_name_existing_files():
    commands = [block.strip() for block in blocks("README.md", "sh")]
    assert commands[:2] == [
        "pip install -r requirements.txt && streamlit run app.py",
        "pip install -r requirements-dev.txt && pytest",
    ]
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pictures_and_links_exist(path):
    for target in re.findall(r"\]\((?!https)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_readme_is_short_and_lists_every_option():
    assert len(README.splitlines()) <= 150
    for action in _parser()._actions:
        for name in action.option_strings:
            if name.startswith("--") and name not in ("--help", "--version"):
                assert f"`{name}" in README, name
    for name in re.findall(r"MLPVIZ_[A-Z]+", _parser().format_help()):
        assert f"`{name}`" in README, name


def test_every_quoted_program_exists():
    for path in PAGES:
        for name in re.findall(r"python -m (benchmarks\.\w+|mlpviz[\w.]*)", path.read_text(encoding="utf-8")):
            assert importlib.util.find_spec(name), f"{path.name}: {name}"


def test_the_version_is_the_same_everywhere():
    assert re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.M)[1] == mlpviz.__version__
    assert re.search(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)[1] == mlpviz.__version__


def test_the_tested_versions_are_allowed_versions():
    """The pinned versions in requirements.txt are among those that the package allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["download"]]
    pinned = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.strip()]

    for line in asked:
        wanted = Requirement(line)
        (pin,) = [Requirement(each) for each in pinned if Requirement(each).name == wanted.name]
        versions = [spec.version.removesuffix(".*") for spec in pin.specifier]
        assert all(wanted.specifier.contains(version) for version in versions), line
    assert len(asked) == len(pinned)


def test_the_container_starts_an_existing_command():
    text = (ROOT / "Dockerfile").read_text()
    assert 'CMD ["mlpviz"]' in text and project_scripts() == {"mlpviz": "mlpviz.__main__:main"}
    for path in re.findall(r"^COPY (.*) \S+$", text, re.M):
        for each in path.split():
            assert (ROOT / each).exists() and f"!{each}" in (ROOT / ".dockerignore").read_text(), each
    for name in re.findall(r"MLPVIZ_[A-Z]+", text):
        assert name in _parser().format_help()
    versions = dict(re.findall(r"(torch|torchvision)==([\d.]+)", text))
    assert all(f"{name}=={version}" in (ROOT / "requirements.txt").read_text() for name, version in versions.items())


def project_scripts():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
