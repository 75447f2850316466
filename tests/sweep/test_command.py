"""`mlpviz sweep`, as somebody types it."""

import csv
import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from mlpviz import Settings, Trainer, load_dataset
from mlpviz.__main__ import main
from mlpviz.grid import Cell, Grid, read_axis
from mlpviz.sweep import command
from mlpviz.sweep.table import as_csv, as_text
from tests.waiting import until

REPOSITORY = Path(__file__).parent.parent.parent
SETTINGS = ["--set", "dataset=fashion-mnist-mini", "--set", "hidden_sizes=16"]
MINI = Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,))


def run(*arguments, cwd):
    program = [sys.executable, "-m", "mlpviz", "sweep", *arguments]
    return subprocess.run(program, cwd=cwd, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_writes_a_table_of_real_runs(tmp_path, workers):
    done = run(
        "learning_rate=0.01:1:3", "batch_size=16,64", *SETTINGS, "--steps", "30", "--workers", workers, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "map.csv has the table." in done.stdout and "6 runs of 30 steps each" in done.stderr
    with (tmp_path / "map.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["learning_rate"], row["batch_size"]) for row in rows] == [
        (rate, size) for rate in ("0.01", "0.1", "1.0") for size in ("16", "64")
    ]
    for row in rows:
        oracle = Trainer(
            MINI.replace(learning_rate=float(row["learning_rate"]), batch_size=int(row["batch_size"])),
            load_dataset(MINI.dataset),
        )
        oracle.train(30)
        evaluation = oracle.evaluate()
        assert (row["dataset"], row["hidden_sizes"], row["seed"]) == ("fashion-mnist-mini", "16", "0")
        assert (row["step"], row["total_steps"], row["diagnosis"]) == ("30", "30", "young")
        assert float(row["test_loss"]) == pytest.approx(evaluation.loss, rel=1e-5)
        assert float(row["test_accuracy"]) == evaluation.accuracy


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["learning_rat=1"], "Did you mean learning_rate"),
        (["seed=1", "batch_size=2", "momentum=0.5"], "one or two settings, not 3"),
        (["learning_rate=1", "--set", "nonsense=1"], "'nonsense=1' is no setting"),
        (["learning_rate=1", "--set", "dataset=imagenet"], "dataset is 'imagenet'"),
        (["learning_rate=1", "--set", "dataset=kmnist"], "not on this machine"),
        (["learning_rate=1", "--set", "epochs=3"], "Give the number of steps: --steps N"),
        (["learning_rate=1", "--set", "learning_rate=0.5"], "learning_rate is given twice"),
        (["learning_rate=1", "--set", "seed=1", "--set", "seed=2"], "seed is given twice"),
        (["learning_rate=1", "--data", "nowhere"], "The folder 'nowhere'"),
        (["batch_size=16,20000", "--set", "dataset=fashion-mnist-mini"], "batch_size is 20,000"),
        (["learning_rate=1", "--steps", "0"], "The number of steps (--steps) is '0'"),
        (["learning_rate=1", "--steps", "many"], "The number of steps (--steps) is 'many'"),
        (["learning_rate=1", "--workers", "0"], "The number of workers (--workers or MLPVIZ_WORKERS) is '0'"),
        (["learning_rate=1", "-o", "no/such/folder.csv"], "can’t be written (No such file or directory)"),
        (["learning_rate=1", "-o", "there.csv"], "there.csv exists already"),
        ([], "the following arguments are required: AXIS"),
    ],
)
def test_a_mistake_gives_a_sentence_and_writes_nothing(monkeypatch, capsys, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPVIZ_WORKERS", "1")
    monkeypatch.setenv("MLPVIZ_DATA", "")  # so that it is restored afterwards
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(SystemExit) as stop:
        main(["sweep", *arguments])
    assert stop.value.code == 2 and said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"] and (
        tmp_path / "there.csv"
    ).read_text() == "mine"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "It was stopped"),
        (BrokenProcessPool(), 1, "perhaps because of too little memory. --workers 1 needs the least"),
        (RuntimeError("not enough memory"), 1, "There was an error (RuntimeError: not enough memory)"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_done_is_kept_when_it_is_stopped(monkeypatch, capsys, tmp_path, error, status, said):
    def until_stopped(grid, processes, all_steps):
        yield (0, 0), cell(0.1, 0.7)
        assert len((tmp_path / "map.csv").read_text().splitlines()) == 2, "it is in the file already"
        raise error

    monkeypatch.setattr(command, "deal", until_stopped)
    fixed = ["dataset=fashion-mnist-mini", "hidden_sizes=16"]
    order = command.Order(["learning_rate=0.1,1"], fixed, 10, tmp_path / "map.csv", 2)
    assert command.sweep(order) == status
    assert f"{said}: 1 of 2 runs are done." in capsys.readouterr().out
    assert len((tmp_path / "map.csv").read_text().splitlines()) == 2


def obey_ctrl_c():
    """Where the tests run in the background of a shell, Ctrl+C is ignored there, and so it would be in this process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_and_keeps_what_is_done(tmp_path):
    program = [sys.executable, "-m", "mlpviz", "sweep", "seed=0:999:lin:1000", *SETTINGS, "--steps", "200"]
    done = subprocess.Popen(
        [*program, "--workers", "2"], cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, process_group=0, preexec_fn=obey_ctrl_c,
    )  # fmt: skip
    until(lambda: (tmp_path / "map.csv").exists() and len((tmp_path / "map.csv").read_text().splitlines()) > 2, 60)
    os.killpg(done.pid, signal.SIGINT)  # as a terminal does
    try:
        out, err = done.communicate(timeout=60)
    finally:
        done.kill()  # so that a failure here disturbs no other test
    assert done.returncode == 130 and "Traceback" not in err, err
    assert "It was stopped" in out and 1 < len((tmp_path / "map.csv").read_text().splitlines()) < 1000


HANGS = """
import threading, time
from mlpviz.__main__ import main
from mlpviz.sweep import command

def stopped(*_):
    raise KeyboardInterrupt
    yield

command.deal, command.LEAVE = stopped, 0.5
threading._register_atexit(time.sleep, 3600)  # as the pool's thread, when it waits for a lock for ever
main(["sweep", "learning_rate=0.1,1", "--set", "dataset=fashion-mnist-mini"])
"""


def test_it_ends_even_if_the_pool_of_processes_does_not(tmp_path):
    program = [sys.executable, "-c", HANGS]
    done = subprocess.run(
        program, cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 130 and "It was stopped: 0 of 2 runs are done." in done.stdout, done.stderr


def cell(rate, accuracy, kind="healthy", severity="healthy", loss=1.0):
    return Cell(MINI.replace(learning_rate=rate), kind, severity, 10, 10, loss, loss, accuracy)


def test_the_map_of_letters_has_the_last_value_on_top():
    grid = Grid(MINI, 10, read_axis("learning_rate=0.1,1"), read_axis("batch_size=16,64"))
    cells = {
        (0, 0): cell(0.1, 0.71),
        (1, 0): cell(1.0, 0.1, "overflow", "alarm", float("nan")),
        (0, 1): cell(0.1, 0.1, "dead", "alarm"),
    }
    lines = as_text(grid, cells).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["batch", "size"],
        ["64", "†", "·"],
        ["16", "71", "∞"],
        ["0.1", "1.0", "learning", "rate"],
    ]
    assert (
        as_csv(grid, cells).splitlines()[3].startswith("1.0,256,overflow,alarm,10,10,,,0.1,fashion-mnist-mini,16,relu,")
    )


def test_the_longer_axis_goes_up():
    grid = Grid(MINI, 10, read_axis("learning_rate=0.1,0.2,0.3,0.4"), read_axis("batch_size=16,64"))
    *lines, _ = as_text(grid, {(3, 1): cell(0.4, 0.5)}).splitlines()
    assert [line.split() for line in lines] == [
        ["learning", "rate"],
        ["0.4", "·", "50"],
        ["0.3", "·", "·"],
        ["0.2", "·", "·"],
        ["0.1", "·", "·"],
        ["16", "64", "batch", "size"],
    ]


def test_a_base_that_is_impossible_alone_is_fine_if_the_axis_makes_it_possible(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "deal", lambda *_: iter(()))
    order = command.Order(["momentum=0.5,0.9"], ["dataset=fashion-mnist-mini", "Nesterov=true"], 10, tmp_path / "a", 1)
    assert command.sweep(order) == 0
    assert "Fashion-MNIST mini, nesterov true" in capsys.readouterr().err
