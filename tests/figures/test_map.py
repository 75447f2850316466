"""The map of settings, with cells that were made by hand."""

import json
import math

import numpy as np
import pytest

from mlpviz import Settings
from mlpviz.diagnosis import Kind
from mlpviz.figures.encoding import as_json
from mlpviz.figures.map import (
    ACCURACY,
    ILL,
    LOSS,
    SCALE,
    cell_curve,
    cell_sentence,
    hover,
    map_charts,
    map_headline,
    nearest,
    settings_map,
    shared,
    stable_rate,
)
from mlpviz.figures.palette import WHITE, rgb
from mlpviz.grid import ILL as OTHER
from mlpviz.grid import LETTERS, Cell, Grid, read_axis
from mlpviz.snapshot import MapSnapshot, Status

MINI = Settings(dataset="fashion-mnist-mini")
GRID = Grid(MINI, 100, read_axis("batch_size=16,64,256"), read_axis("learning_rate=0.01,0.1,1,10"))


def cell(place, accuracy=0.8, kind="healthy", severity="healthy", grid=GRID, loss=0.5, sharpness=math.nan, step=100):
    curve = np.full(50, 2.0, np.float32)
    return Cell(grid.settings_of(place), kind, severity, step, 100, loss, loss, accuracy, curve, sharpness)


def dead(place, **more):
    return cell(place, 0.1, "dead", "alarm", **more)


CELLS = {
    (0, 0): cell((0, 0), 0.5, sharpness=2.0),
    (2, 0): cell((2, 0), 0.7, loss=0.25, sharpness=20.0),
    (0, 3): cell((0, 3), 0.1, "overflow", "alarm", loss=math.nan),
    (2, 3): dead((2, 3)),
    (1, 2): cell((1, 2), 0.84, loss=0.4),
}


def drawn(grid, cells, measure):
    return settings_map(grid, cells, nearest(grid, cells), measure)


def heats(chart, opacity):
    return [trace for trace in chart.data if trace["type"] == "heatmap" and trace["opacity"] == opacity]


def traces(chart):
    return {trace["name"]: trace for trace in chart.data if trace["type"] == "scatter"}


def test_a_well_cell_has_its_value_at_its_place():
    first, *_ = heats(drawn(GRID, CELLS, ACCURACY), 1.0)
    expected = np.full((4, 3), np.nan)
    expected[0, 0], expected[0, 2], expected[2, 1] = 0.5, 0.7, 0.84
    assert np.array_equal(first["z"], expected, equal_nan=True)
    assert (first["zmin"], first["zmax"]) == (0.5, pytest.approx(0.9))
    losses, *_ = heats(drawn(GRID, CELLS, LOSS), 1.0)
    assert np.array_equal(losses["z"][0], [0.5, np.nan, 0.25], equal_nan=True) and losses["reversescale"]


def test_an_ill_cell_has_a_letter_a_colour_and_a_name():
    chart = drawn(GRID, CELLS, ACCURACY)
    points = traces(chart)["runs"]
    texts = {(x, y): text for x, y, text in zip(points["x"], points["y"], points["text"], strict=True)}
    assert texts[0, 3] == "∞" and texts[2, 3] == "†" and texts[0, 0] == "50" and texts[1, 0] == "·"
    assert {"∞ diverged", "† dead units"} <= set(traces(chart)) and "~ oscillates" not in traces(chart)
    (overflow,) = [each for each in heats(chart, 1.0) if each["name"] == "diverged"]
    assert np.argwhere(np.isfinite(overflow["z"])).tolist() == [[3, 0]]
    colors = {each["colorscale"][0][1] for each in heats(chart, 1.0)[1:]}
    assert len(colors) == 2 and "#808080" not in colors


def test_every_letter_has_a_meaning():
    assert set(LETTERS.values()) | {OTHER} == set(ILL)
    assert len({color for _, color in ILL.values()}) == len(ILL)


def test_what_is_not_done_is_faint_and_like_the_nearest_cell():
    faint, *ill = heats(drawn(GRID, CELLS, ACCURACY), 0.3)
    assert np.isnan(faint["z"][0, 0]), "done"
    assert faint["z"][0, 1] in (0.5, 0.7) and faint["z"][1, 1] == 0.84
    assert {each["name"] for each in ill} == {"diverged", "dead units"}
    shown = sum(np.isfinite(each["z"]).sum() for each in (faint, *ill))
    assert shown == len(GRID) - len(CELLS), "each place once"


def test_the_points_go_row_by_row_from_the_top():
    points = traces(drawn(GRID, CELLS, ACCURACY))["runs"]
    assert list(zip(points["x"], points["y"], strict=True))[:4] == [(0, 3), (1, 3), (2, 3), (0, 2)]
    assert drawn(GRID, CELLS, ACCURACY).data[-1] is not None
    assert drawn(GRID, CELLS, ACCURACY).data[-1]["name"] == "runs", "the last trace is the one that is chosen"


def test_the_bound_is_drawn_where_the_rate_is():
    """2/λ of λ = 2 is 1, the third rate; of λ = 20 it is 0.1, the second."""
    assert stable_rate(CELLS[0, 0]) == 1.0 and stable_rate(CELLS[2, 0]) == 0.1
    bound = traces(drawn(GRID, CELLS, ACCURACY))["2/λ"]
    sides, heights = [-0.45, 0.45, 0.55, 1.45, 1.55, 2.45], [2, 2, np.nan, np.nan, 1, 1]
    assert np.allclose(bound["x"], sides) and np.allclose(bound["y"], heights, equal_nan=True), "one is not known yet"
    turned = Grid(MINI, 100, GRID.y, GRID.x)
    cells = {(row, column): each for (column, row), each in CELLS.items()}
    bound = traces(drawn(turned, cells, ACCURACY))["2/λ"]
    assert np.allclose(bound["y"], sides) and np.allclose(bound["x"], heights, equal_nan=True)
    downwards = Grid(MINI, 100, GRID.x, read_axis("learning_rate=10,1,0.1,0.01"))
    cells = {(0, 3): cell((0, 3), grid=downwards, sharpness=2.0)}
    assert traces(drawn(downwards, cells, ACCURACY))["2/λ"]["y"][0] == 1
    mixed = Grid(MINI, 100, GRID.x, read_axis("learning_rate=10,0.1,1"))
    cells = {(0, 1): cell((0, 1), grid=mixed, sharpness=2.0)}
    assert "2/λ" not in traces(drawn(mixed, cells, ACCURACY)) and "λ" not in drawn(mixed, cells, ACCURACY).sentence


@pytest.mark.parametrize(
    ("changes", "name", "rate"),
    [
        ({"momentum": 0.9}, "3.80/λ", 1.9),
        ({"momentum": 0.5, "nesterov": True}, "1.50/λ", 0.75),
        ({"optimizer": "adam"}, None, None),
    ],
)
def test_the_bound_is_that_of_the_optimizer(changes, name, rate):
    grid = Grid(MINI.replace(**changes), 100, GRID.x, GRID.y)
    cells = {(0, 0): cell((0, 0), grid=grid, sharpness=2.0)}
    assert stable_rate(cells[0, 0]) == rate
    assert (name in traces(drawn(grid, cells, ACCURACY))) == (name is not None)
    assert ("/λ" in drawn(grid, cells, ACCURACY).sentence) == (name is not None)


def test_the_sentence_says_what_is_best_and_where_the_bound_is():
    said = drawn(GRID, CELLS, ACCURACY).sentence
    assert said.startswith("Best so far: 84.0 % at batch size 64, learning rate 1. Blue line: 2/λ, a limit")
    assert drawn(GRID, CELLS, LOSS).sentence.startswith("Best so far: 0.250 at batch size 256, learning rate 0.01.")
    assert drawn(GRID, {}, ACCURACY).sentence == "No run is done yet."
    assert drawn(GRID, {(0, 0): dead((0, 0))}, ACCURACY).sentence == "No run is well so far."
    far = {(0, 0): cell((0, 0), sharpness=0.01)}
    assert drawn(GRID, far, ACCURACY).sentence.endswith("The limit from theory, 2/λ, is not on this map: 200.")
    whole = {place: cell(place) for place in GRID.places()}
    assert drawn(GRID, whole, ACCURACY).sentence.startswith("Best: 80.0 % at batch size 16")


@pytest.mark.parametrize(
    "grid",
    [
        Grid(MINI, 100, read_axis("activation=relu,tanh,gelu")),
        Grid(MINI, 100, read_axis("hidden_sizes=none,64,64-64"), read_axis("optimizer=sgd,adam")),
        Grid(MINI, 100, read_axis("learning_rate=0:1:lin:40"), read_axis("seed=0:29:lin:30")),
        Grid(MINI, 100, read_axis("learning_rate=0.1"), read_axis("batch_size=1")),
    ],
    ids=lambda grid: "-".join(axis.name for axis in grid.axes),
)
def test_any_map_can_be_drawn_at_any_moment(grid):
    places = grid.places()
    for done in (0, 1, len(places) // 2, len(places)):
        cells = {
            place: dead(place, grid=grid) if i % 3 == 0 else cell(place, grid=grid, sharpness=5.0)
            for i, place in enumerate(places[:done])
        }
        snapshot = MapSnapshot(1, "a", Status.TRAINING, "", done, len(places), grid, cells, None)
        for chart in map_charts(snapshot):
            drawn = json.loads(as_json(chart))
            assert len(drawn["layout"]["xaxis"]["tickvals"]) <= 12
        assert map_headline(snapshot)["values"][0] == ("Runs", f"{done:,}", f"of {len(places):,}")


def test_what_one_reads_at_a_cell():
    assert hover(GRID, (0, 1), None) == "batch size 16, learning rate 0.1: not trained yet"
    assert hover(GRID, (2, 3), dead((2, 3), step=75)) == "batch size 256, learning rate 10: Dead units, at step 75"
    assert hover(GRID, (1, 2), CELLS[1, 2]).endswith("test accuracy 84.0 %, test loss 0.400")
    noted = cell((1, 2), kind="dying", severity="note")
    assert hover(GRID, (1, 2), noted).endswith("test loss 0.500. Not ill, but: dying units")
    assert cell_sentence(noted).startswith("Not ill, but: dying units. After 100 steps: test accuracy 80.0 %")
    assert cell_sentence(CELLS[1, 2]) == "Healthy. After 100 steps: test accuracy 84.0 %, test loss 0.400."
    assert cell_sentence(dead((2, 3), step=75)).startswith("Dead units. It was stopped at step 75 of 100")
    assert "The loss is not finite" in cell_sentence(CELLS[0, 3])
    assert {kind: hover(GRID, (0, 0), cell((0, 0), kind=kind, severity="alarm")) for kind in Kind}


def test_what_all_runs_share_is_said():
    assert shared(GRID) == "100 steps each · fashion-mnist-mini · 784-256-10 ReLU · sgd · seed 0"
    other = Grid(MINI, 5, read_axis("hidden_sizes=16,none"), read_axis("optimizer=sgd,adam"))
    assert shared(other) == "5 steps each · fashion-mnist-mini · network ReLU · seed 0"
    last = Grid(MINI, 5, read_axis("activation=tanh,relu"), read_axis("seed=1,2"))
    assert shared(last) == "5 steps each · fashion-mnist-mini · 784-256-10 · sgd"


def test_the_curve_of_a_cell_ends_at_its_test():
    training, tested, guessing = cell_curve(CELLS[1, 2]).data
    assert training["x"][-1] == 100 and training["y"].tolist() == [2.0] * 50
    assert (tested["x"][0], tested["y"][0]) == (100, np.float32(0.4)) and guessing["name"] == "guessing"
    assert [trace["name"] for trace in cell_curve(CELLS[0, 3]).data] == ["training loss", "guessing"]
    assert as_json(cell_curve(CELLS[0, 3]))


def test_a_loss_far_above_guessing_does_not_take_all_colours():
    cells = {(0, 0): cell((0, 0), loss=0.5), (1, 0): cell((1, 0), 0.1, "exploded", "note", loss=4.6e25)}
    first, *_ = heats(drawn(GRID, cells, LOSS), 1.0)
    assert (first["zmin"], first["zmax"]) == (0.5, 2.5)
    assert all(len(text) < 9 for text in traces(drawn(GRID, cells, LOSS))["runs"]["text"])


def contrast(one, other):
    """Of two colours, by WCAG 2.2."""
    light = []
    for color in (one, other):
        parts = [value / 255 for value in (rgb(color) if isinstance(color, str) else color)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


def mixed(share):
    """The colour at this share of the scale, as Plotly mixes it: (3,) from 0 to 255."""
    ends = np.array([rgb(color) for _, color in SCALE])
    return [float(np.interp(share, [at for at, _ in SCALE], ends[:, i])) for i in range(3)]


@pytest.mark.parametrize("measure", [ACCURACY, LOSS])
def test_the_text_of_a_cell_can_be_read_on_its_colour(measure):
    values = np.linspace(0.5, 1.0, 21) if measure is ACCURACY else np.linspace(0.5, 2.5, 21)
    grid = Grid(MINI, 100, read_axis("seed=0:20:lin:21"))
    cells = {(i, 0): cell((i, 0), value, grid=grid, loss=value) for i, value in enumerate(values)}
    chart = drawn(grid, cells, measure)
    for share, ink in zip(np.linspace(0, 1, 21), traces(chart)["runs"]["textfont"]["color"], strict=True):
        shade = mixed(share if measure is ACCURACY else 1 - share)
        assert contrast(ink, shade) > 4, share
    assert all(contrast(WHITE, color) > 3 for _, color in ILL.values())


def test_the_cell_that_is_trained_now_has_a_frame():
    snapshot = MapSnapshot(1, "a", Status.TRAINING, "", 1, 2, GRID, CELLS, (1, 0))
    for chart in map_charts(snapshot):
        (frame,) = chart.layout["shapes"]
        assert (frame["x0"], frame["x1"], frame["y0"], frame["y1"]) == (0.5, 1.5, -0.5, 0.5)


def test_values_that_would_look_alike_get_more_digits():
    near = Grid(MINI, 100, read_axis("learning_rate=0.1231:0.1239:lin:3"))
    assert drawn(near, {}, ACCURACY).layout["xaxis"]["ticktext"] == ["0.1231", "0.1235", "0.1239"]
