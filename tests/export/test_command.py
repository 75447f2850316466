"""The command `mlpviz export`, on a file that a server has written."""

import pytest

from mlpviz import options
from mlpviz.__main__ import main
from mlpviz.backend.commands import Start
from tests.runs.working import SMALL
from tests.store.keeping import ADA, serve, trained
from tests.store.test_store import begun
from tests.waiting import until


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A file with two runs; one has a name."""
    path = tmp_path_factory.mktemp("store") / "runs.sqlite"
    backend = serve(path)
    runs = [begun(backend, SMALL.replace(seed=seed), steps=3) for seed in (0, 1)]
    backend.tell(runs[0].id, ADA, Start()).result(20)
    trained(backend, runs[0].id, 200)
    until(lambda: 200 in [run.step for run in backend.store.about(ADA)])
    assert backend.store.finish() and backend.store.write_words(runs[0].id, ADA, "My run", "")
    backend.close()
    return path, runs


def export(monkeypatch, store, *arguments):
    monkeypatch.setenv(options.STORE, str(store))
    with pytest.raises(SystemExit) as end:
        main(["export", *map(str, arguments)])
    return end.value.code


def test_without_a_name_it_lists_all_runs(saved, monkeypatch, capsys):
    path, runs = saved
    assert export(monkeypatch, path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {run.id for run in runs}
    assert any("My run: 200 of 200 steps, test accuracy" in line for line in lines)


@pytest.mark.parametrize("name", ["film.html", "film.gif", "events"])
def test_it_writes_the_kind_of_file_that_the_name_says(saved, monkeypatch, capsys, tmp_path, name):
    path, _ = saved
    before = path.read_bytes()
    assert export(monkeypatch, path, "My run", "-o", tmp_path / name) == 0
    assert "My run, 200 steps" in capsys.readouterr().out
    to = tmp_path / name
    if to.is_dir():
        assert [each.name.split(".")[0] for each in to.iterdir()] == ["events"]
    else:
        assert to.read_bytes()[:3] in (b"<!D", b"GIF")
        assert to.suffix != ".html" or b"<h1>My run</h1>" in to.read_bytes()
    assert path.read_bytes() == before, "nothing is changed"


def test_a_server_may_have_the_file_open(saved, monkeypatch, tmp_path):
    path, runs = saved
    backend = serve(path)
    assert backend.find(runs[0].id, ADA) is not None
    assert export(monkeypatch, path, "My run", "-o", tmp_path / "a.gif") == 0
    assert backend.find(runs[0].id, ADA).step == 200
    backend.close()


def test_the_beginning_of_an_id_is_enough(saved, monkeypatch, tmp_path):
    path, runs = saved
    assert export(monkeypatch, path, runs[1].id[:6], "-o", tmp_path / "a.gif") == 0


@pytest.mark.parametrize(
    ("run", "to", "says"),
    [
        ("nobody", "a.html", "No saved runs are called 'nobody'"),
        ("My run", "a.mp3", "can’t write a file that ends in .mp3"),
        ("My run", "there.html", "exists already"),
        ("My run", "no/folder/a.html", "can’t be written (No such file or directory)"),
    ],
)
def test_what_is_wrong_is_said(saved, monkeypatch, capsys, tmp_path, run, to, says):
    (tmp_path / "there.html").write_text("mine")
    assert export(monkeypatch, saved[0], run, "-o", tmp_path / to) == 2
    assert says in capsys.readouterr().err
    assert (tmp_path / "there.html").read_text() == "mine"


def test_files_that_are_no_store_are_left_alone(monkeypatch, capsys, tmp_path):
    other = tmp_path / "other.sqlite"
    assert export(monkeypatch, other) == 2 and "Train a run on the page first" in capsys.readouterr().err
    assert not other.exists()
    other.write_text("something else")
    assert export(monkeypatch, other) == 2 and "no file of mlpviz" in capsys.readouterr().err
    assert export(monkeypatch, "none") == 2 and "--store FILE" in capsys.readouterr().err
