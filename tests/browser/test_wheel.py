"""mlpviz as a package: the wheel, in an environment of its own, far from the checkout.

All that the wheel asks for is installed into that environment, but for torch and what torch asks for. These take 5 GB,
so they are linked from the environment that runs the tests; pip finds them there and takes them as installed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from benchmarks.ports import free_port
from tests.browser.conftest import REPOSITORY, Board

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]


def run(*command: object, **options: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """The folder of a virtual environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, REPOSITORY)
    (wheel,) = folder.glob("mlpviz-*.whl")
    run(sys.executable, "-m", "venv", folder / "env")
    place = Path(run(folder / "env/bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for name in with_what_it_needs("torch"):
        link(name, place)
    run(folder / "env/bin/python", "-m", "pip", "install", wheel)
    return folder / "env"


def with_what_it_needs(name: str) -> set[str]:
    """A package and all that it asks for here, extras too: torch asks for ``cuda-toolkit[cublas]``."""
    found, left = set(), [Requirement(name)]
    while left:
        asked = left.pop()
        for extra in asked.extras or {""}:
            if (asked.name, extra) not in found:
                found.add((asked.name, extra))
                needs = map(Requirement, distribution(asked.name).requires or [])
                left += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return {name for name, _extra in found} - {"numpy", "setuptools", "pip"}


def link(name: str, place: Path) -> None:
    """Link a package's files from here, and what tells pip that it is installed."""
    files = distribution(name).files or []
    for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
        target = Path(str(distribution(name).locate_file(top)))
        if not (place / top).exists():
            (place / top).symlink_to(target)


@pytest.fixture
def serve(environment, tmp_path) -> Iterator[object]:
    """Starts the installed command in an empty folder; gives the process and the page's address."""
    running = []

    def start(*command: object, **variables: str) -> tuple[subprocess.Popen, str]:
        port, log = free_port(), tmp_path / "log.txt"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLPVIZ"))}
        with log.open("w") as output:
            process = subprocess.Popen(
                [*map(str, command), "--port", str(port), "--no-open"],
                cwd=tmp_path,
                env=clean | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        running.append(process)
        end = time.monotonic() + 90
        while "URL:" not in log.read_text():
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        return process, f"http://localhost:{port}/"

    yield start
    for process in running:
        process.kill()
        process.wait(20)


@pytest.mark.parametrize("command", ["mlpviz", "python -m mlpviz"])
def test_the_installed_command_opens_a_page_that_trains(serve, environment, board: Board, command):
    first, *rest = command.split()
    process, address = serve(environment / "bin" / first, *rest, MLPVIZ_THREADS="1")
    board.open(f"{address}?dataset=fashion-mnist-mini")
    board.press("Start")
    board.until(lambda: board.step() > 100)
    color = board.page.get_by_role("button", name="Pause").evaluate("e => getComputedStyle(e).backgroundColor")
    assert color != "rgb(255, 75, 75)", "Streamlit's own red: the theme didn't come along"
    assert len(board.page.get_by_role("figure").all()) >= 6
    board.page.goto("about:blank")
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert time.monotonic() - begun < 10, "two seconds as a rule; tests may wait for the processor"


def test_the_library_comes_with_its_data_and_its_texts(environment, tmp_path):
    """In an empty folder, with nothing of the checkout on the path."""
    program = """
import mlpviz, pathlib
from mlpviz.lessons import load_lessons
trainer = mlpviz.Trainer(mlpviz.Settings(dataset="fashion-mnist-mini"), mlpviz.load_dataset("fashion-mnist-mini"))
trainer.train(steps=3)
folder = pathlib.Path(mlpviz.__file__).parent
print(len(load_lessons()[0]), trainer.step, (folder / "py.typed").exists(), folder)
"""
    lessons, step, typed, folder = run(environment / "bin/python", "-I", "-c", program, cwd=tmp_path).split()
    assert (int(lessons), step, typed) == (len(list((REPOSITORY / "mlpviz/text/lessons").glob("*.md"))), "3", "True")
    assert Path(folder).is_relative_to(environment) and not Path(folder).is_symlink()


def test_what_the_wheel_asks_for_is_all_that_it_needs(environment):
    installed = run(environment / "bin/python", "-m", "pip", "list", "--format=freeze").lower()
    assert "pytest" not in installed and "scikit-learn" not in installed, "the tests' own packages are not there"
    run(environment / "bin/python", "-m", "pip", "check")
