"""Which runs a sweep has, how it is written, and in which order it goes."""

import numpy as np
import pytest

from mlpviz import Settings
from mlpviz.grid import Axis, Cell, Grid, SweepError, read_axis, spread

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
        ("train_size=100:all:lin:3", "needs two numbers"),
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


def test_impossible_sweeps_say_so():
    rates = read_axis("learning_rate=0.01:1:200")
    with pytest.raises(SweepError, match="Both axes are learning rate"):
        Grid(MINI, 10, rates, rates)
    with pytest.raises(SweepError, match=r"20,000 cells. At most 10,000"):
        Grid(MINI, 10, rates, read_axis("seed=0:99:lin:100"))
    with pytest.raises(SweepError, match=r"The cell with .* is impossible: .*momentum"):
        Grid(MINI.replace(nesterov=True, momentum=0.9), 10, rates, read_axis("momentum=0.5,0"))


def test_a_value_has_a_place_among_the_others():
    rates = read_axis("learning_rate=0.01,0.1,1")
    assert [rates.position(value) for value in (0.01, 0.1, 1.0)] == [0, 1, 2]
    assert rates.position(0.1 * 10**0.25) == pytest.approx(1.25), "on a logarithmic scale"
    assert rates.position(10**0.4) == pytest.approx(2.4) and np.isnan(rates.position(10**0.6))
    assert np.isnan([rates.position(value) for value in (0.001, 0.0, -1.0, np.nan, np.inf)]).all()
    uneven = read_axis("learning_rate=0.01,0.1,10")
    assert [uneven.position(10**-1.5), uneven.position(1)] == pytest.approx([0.5, 1.5])
    assert read_axis("momentum=0.2,0.6").position(0.3) == pytest.approx(0.25), "on a linear scale"
    assert read_axis("learning_rate=1,0.1").position(10**-0.25) == pytest.approx(0.25), "downwards"
    assert np.isnan(read_axis("learning_rate=1,0.1,0.5").position(0.5)), "not in order"
    assert np.isnan(read_axis("activation=relu,tanh").position(0.5))
    assert np.isnan(read_axis("learning_rate=0.1").position(0.1)), "one value has no scale"


def test_a_part_of_a_grid_is_a_closer_look():
    grid = Grid(MINI, 10, read_axis("batch_size=16:256:log:5"), read_axis("learning_rate=0.01:100:log:5"))
    part = grid.part((1, 3), (2, 3))
    assert part.x.values == (32, 45, 64, 91, 128), "whole numbers, evenly on the scale"
    assert part.y.values == (1.0, 1.778, 3.162, 5.623, 10.0)
    assert (part.settings, part.steps) == (MINI, 10)
    assert grid.part((0, 4), (0, 4)) == grid
    one = grid.part((2, 2), (0, 1))
    assert one.x.values == (64,) and one.y.values[0] == 0.01 and len(one.y.values) == 5
    assert Grid(MINI, 10, read_axis("batch_size=1,2,3")).part((0, 1), (0, 0)).x.values == (1, 2), "no more there are"
    choices = Grid(MINI, 10, read_axis("activation=relu,tanh,gelu")).part((1, 2), (0, 0))
    assert choices.x.values == ("tanh", "gelu") and choices.y is None
    assert read_axis("momentum=0,0.3,0.9").part(0, 2).values == (0.0, 0.45, 0.9), "on a linear scale"


def test_a_narrow_range_stays_in_order():
    assert spread("learning_rate", 0.12351, 0.12356, 3, True) == pytest.approx((0.12351, 0.123535, 0.12356))
    assert spread("learning_rate", 0.1, 1.0, 3, True) == (0.1, 0.3162, 1.0)


def test_only_an_ill_cell_has_a_letter():
    def letter(kind, severity):
        return Cell(MINI, kind, severity, 5, 10, 1.0, 1.0, 0.5).letter

    assert letter("overflow", "alarm") == letter("exploded", "alarm") == "∞"
    assert letter("dead", "alarm") == "†" and letter("plateau", "alarm") == "!"
    assert letter("plateau", "note") == letter("healthy", "healthy") == ""


@pytest.mark.parametrize(("steps", "made", "ends"), [(10, 3, [1, 2, 3]), (120, 10, [3, 6, 9, 10]), (100, 4, [2, 4])])
def test_the_points_of_a_curve_end_where_their_steps_do(steps, made, ends):
    curve = np.zeros(len(ends), np.float32)
    assert Cell(MINI, "young", "healthy", made, steps, 1.0, 1.0, 0.5, curve).ends().tolist() == ends
