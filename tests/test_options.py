"""The options of the server, from environment variables."""

from pathlib import Path

import pytest

from mlpviz import options
from mlpviz.live.serving import serving
from mlpviz.options import DATA, FRAMES, LESSONS, THREADS, OptionError


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (DATA, LESSONS, THREADS, FRAMES):
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
