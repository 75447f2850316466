"""Which runs a sweep has, how it is written, and in which order it goes."""

import numpy as np
import pytest

from mlpviz import Settings
from mlpviz.sweep.grid import Axis, Grid, SweepError, read_axis

MINI = Settings(dataset="fashion-mnist-mini")


def test_a_list_keeps_its_order_and_counts_nothing_twice():
    assert read_axis("batch_size=64,16, 256,16") == Axis("batch_size", (64, 16, 256))
    assert read_axis("Learning-Rate=0.1") == read_axis("learning rate=0.1") == Axis("learning_rate", (0.1,))
    assert read_axis("activation=relu,tanh").values == ("relu", "tanh")
    assert read_axis("hidden_sizes=256,256-128,none").values == ((256,), (256, 128), ())


def test_a_range_is_even_on_its_scale():
    rates = read_axis("learning_rate=0.01:3:log:20").values
    assert len(rates) == 20 and rates[0] == 0.01 and rates[-1] == 3.0
    assert np.allclose(np.diff(np.log(rates)), np.log(300) / 19, atol=1e-3)
    assert read_axis("learning_rate=0.01:3:20").values == rates, "log is the default"
    assert np.allclose(np.diff(read_axis("momentum=0:0.9:lin:10").values), 0.1)
    assert all(float(f"{rate:.4g}") == rate for rate in rates), "short"
    narrow = read_axis("learning_rate=1.00012:1.0009:lin:9").values
    assert len(narrow) == 9 and (narrow[0], narrow[-1]) == (1.00012, 1.0009)


def test_whole_numbers_stay_whole():
    sizes = read_axis("batch_size=1:256:log:9").values
    assert sizes == (1, 2, 4, 8, 16, 32, 64, 128, 256) and all(type(size) is int for size in sizes)
    assert read_axis("seed=0:3:lin:4").values == (0, 1, 2, 3)
    assert read_axis("batch_size=1:3:log:20").values == (1, 2, 3), "each value once"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rat=0.1", "Did you mean learning_rate"),
        ("device=cpu", "no setting that a sweep can change. There are"),
        ("epochs=1,2", "no setting that a sweep can change"),
        ("learning_rate", "a value that is missing"),
        ("learning_rate=", "a value that is missing"),
        ("hidden_sizes=64,128,", "a value that is missing"),
        ("learning_rate=0.1,x", "learning_rate is 'x'"),
        ("learning_rate=0.1:200:5", "learning_rate is 200"),
        ("batch_size=0.5,2", "batch_size is '0.5'"),
        ("learning_rate=0.1:1:cubic:5", "is no range"),
        ("learning_rate=0.1:1", "is no range"),
        ("learning_rate=0.1:1:999999", "is no range"),
        ("learning_rate=0.1:1:1", "at least two values"),
        ("learning_rate=0:1:log:5", "can’t begin at 0. Write learning_rate=0:1:lin:5"),
        ("activation=relu:tanh:2", "has no range"),
        ("activation=relu,swish", "activation is 'swish'"),
        ("<script>=1", "no setting"),
    ],
)
def test_what_can_not_be_read_says_what_to_do(text, said):
    with pytest.raises(SweepError) as error:
        read_axis(text)
    assert said in str(error.value) and len(str(error.value)) < 400


def test_each_cell_has_its_own_settings():
    grid = Grid(MINI, 10, read_axis("learning_rate=0.1,1"), read_axis("batch_size=16,64,256"))
    assert len(grid) == 6 and grid.rows == 3
    assert grid.settings_of((1, 2)) == MINI.replace(learning_rate=1.0, batch_size=256)
    assert {grid.settings_of(place) for place in grid.places()} == {
        MINI.replace(learning_rate=rate, batch_size=size) for rate in (0.1, 1.0) for size in (16, 64, 256)
    }
    line = Grid(MINI, 10, read_axis("learning_rate=0.1,1"))
    assert line.places() == [(0, 0), (1, 0)] and line.settings_of((1, 0)).learning_rate == 1.0


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("rows", [1, 3, 13])
def test_the_order_is_from_coarse_to_fine(columns, rows):
    x, y = Axis("learning_rate", tuple(0.01 * (1 + i) for i in range(columns))), Axis("seed", tuple(range(rows)))
    places = Grid(MINI, 10, x, y).places()
    assert sorted(places) == [(column, row) for column in range(columns) for row in range(rows)], "each once"
    corners = {(column, row) for column in (0, columns - 1) for row in (0, rows - 1)}
    assert set(places[: len(corners)]) == corners
    for part in (0.3, 0.5, 0.7) if columns * rows > 100 else ():
        done = np.array(places[: int(part * len(places))])
        left, low = (done[:, 0] < columns / 2).mean(), (done[:, 1] < rows / 2).mean()
        assert 0.35 < left < 0.65 and 0.35 < low < 0.65, "both halves have their share at any time"


def test_impossible_sweeps_say_so():
    rates = read_axis("learning_rate=0.01:1:200")
    with pytest.raises(SweepError, match="Both axes are learning rate"):
        Grid(MINI, 10, rates, rates)
    with pytest.raises(SweepError, match=r"20,000 cells. At most 10,000"):
        Grid(MINI, 10, rates, read_axis("seed=0:99:lin:100"))
    with pytest.raises(SweepError, match=r"The cell with .* is impossible: .*momentum"):
        Grid(MINI.replace(nesterov=True, momentum=0.9), 10, rates, read_axis("momentum=0.5,0"))
