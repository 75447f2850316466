"""The options of the server, from environment variables."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from mlpviz import options
from mlpviz.live.school import teacher_secret
from mlpviz.live.serving import serving
from mlpviz.options import CLASS, DATA, FRAMES, LESSONS, RAY, TEACHER, THREADS, WORKERS, OptionError

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (DATA, LESSONS, THREADS, FRAMES, WORKERS, RAY, CLASS, TEACHER):
        monkeypatch.delenv(name, raising=False)


def test_no_option_has_to_be_set():
    options.check()
    assert options.threads() is None and options.data_folder() is None and options.sites_with_frames() == ()
    assert options.lessons_folder() == Path("lessons")


def test_options_that_are_set_are_used(monkeypatch, tmp_path):
    for name, value in {
        DATA: tmp_path,
        LESSONS: tmp_path,
        THREADS: 3,
        FRAMES: "https://a.example, *.b.example",
    }.items():
        monkeypatch.setenv(name, str(value))
    options.check()
    assert options.threads() == 3 and options.data_folder() == options.lessons_folder() == tmp_path
    assert options.sites_with_frames() == ("https://a.example", "*.b.example")


@pytest.mark.parametrize("value", ["abc", "0", "-1", "2.5", "99999999999", "1025", "³", "9" * 5000])
def test_an_invalid_number_of_threads_gives_a_message_before_the_server_starts(monkeypatch, value):
    monkeypatch.setenv(THREADS, value)
    with pytest.raises(SystemExit, match=r"MLPVIZ_THREADS\) is .* whole number from 1 to 1,024") as error:
        serving()
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", ["abc", "0", "-1", "2.5", "1025"])
def test_an_invalid_number_of_workers_gives_a_message_before_the_server_starts(monkeypatch, value):
    monkeypatch.setenv(WORKERS, value)
    with pytest.raises(SystemExit, match=r"MLPVIZ_WORKERS\) is .* whole number from 1 to 1,024"):
        serving()


@pytest.mark.parametrize("value", ["10.0.0.5", "ray://10.0.0.5:10001", "a b:1", "x:123456", "; rm"])
def test_an_invalid_address_of_a_cluster_gives_a_message(monkeypatch, value):
    monkeypatch.setenv(RAY, value)
    with pytest.raises(SystemExit, match=r"MLPVIZ_RAY\) is .* such as 10.0.0.5:6379, or auto"):
        serving()


def test_a_cluster_that_nobody_can_reach_gives_a_message_before_the_server_starts(monkeypatch):
    monkeypatch.setenv(RAY, f"localhost:{free_port()}")
    with pytest.raises(SystemExit, match=r"No Ray cluster answers at .*Connection refused.*ray start --head"):
        serving()


def test_workers_without_ray_say_how_to_install_it(monkeypatch):
    monkeypatch.setenv(WORKERS, "2")
    program = "import sys; sys.modules['ray'] = None; from mlpviz.live.serving import serving; serving()"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == "Workers need the package ray. Install it: pip install 'mlpviz[ray]'"


def test_there_are_workers_only_if_somebody_wants_them(monkeypatch):
    assert not options.has_workers()
    monkeypatch.setenv(WORKERS, "2")
    assert options.has_workers() and options.workers() == 2 and options.ray_address() == ""
    monkeypatch.delenv(WORKERS)
    monkeypatch.setenv(RAY, "[::1]:6379")
    assert options.has_workers() and options.workers() is None and options.ray_address() == "[::1]:6379"


@pytest.mark.parametrize("name", [DATA, LESSONS])
def test_a_missing_folder_is_named(monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    with pytest.raises(OptionError, match=rf"The folder .*nowhere.*{name}\) does not exist"):
        options.check()
    monkeypatch.setenv(name, "")
    options.check()


@pytest.mark.parametrize("value", ["https://a.example; script-src *", "'none'", "!", "javascript:alert(1)"])
def test_an_invalid_site_gives_a_message(monkeypatch, value):
    monkeypatch.setenv(FRAMES, value)
    with pytest.raises(OptionError, match=r"MLPVIZ_FRAMES\) is not the address of a site.* such as https"):
        options.check()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [(TEACHER, "short", "has 5 characters. Give at least 8"), (CLASS, "yes", "must be 1 or 0")],
)
def test_an_option_of_a_class_that_is_not_valid_gives_a_message(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    with pytest.raises(OptionError, match=said):
        options.check()


def test_the_secret_is_printed_unless_somebody_has_set_it(monkeypatch, capsys):
    serving()
    assert teacher_secret() in capsys.readouterr().out
    monkeypatch.setenv(TEACHER, "long enough")
    serving()
    assert capsys.readouterr().out == "" and options.teacher_secret() == "long enough"
