"""The figures of a class."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mlpviz import Settings
from mlpviz.diagnosis import Kind, Severity
from mlpviz.figures.classroom import (
    class_charts,
    class_headline,
    class_map,
    members,
    places,
    predictions,
    state,
    where,
)
from mlpviz.grid import Axis, Cell
from mlpviz.snapshot import ClassSnapshot, Glance, Poll, Seat, Status

RATES, SIZES = Axis("learning_rate", (0.01, 0.1, 1.0)), Axis("batch_size", (16, 64, 256))
NETWORKS = Axis("hidden_sizes", ((), (16,), (64, 64)))


def cell(accuracy=0.5, kind=Kind.HEALTHY, severity=Severity.HEALTHY, curve=(2.3, 1.0), **settings):
    settings = Settings(dataset="fashion-mnist-mini", **settings)
    return Cell(settings, kind, severity, 100, 400, 1.0, 1.1, accuracy, np.array(curve, np.float32))


def seat(number, cell, status=Status.PAUSED, **more):
    glance = Glance(f"run {number}", 1, status, cell) if cell is not None else None
    return replace(Seat(f"id {number}", number, f"Name {number}", True, False, glance), **more)


def snapshot(*seats, poll=None, x=SIZES, y=RATES):
    cells = [each.glance.cell for each in seats if each.glance is not None]
    steps = sum(each.step for each in cells), sum(each.total_steps for each in cells)
    return ClassSnapshot(1, "class", Status.PAUSED, "", *steps, x, y, False, tuple(seats), poll)


def dead(**settings):
    return cell(0.1, Kind.DEAD, Severity.ALARM, **settings)


def test_the_strip_counts_and_names_nobody():
    seats = [
        seat(1, cell(0.8), Status.TRAINING),
        seat(2, cell(0.6), here=False),
        seat(3, dead()),
        seat(4, cell(math.nan)),
        seat(5, None),
    ]
    strip = class_headline(snapshot(*seats))
    values = {label: (value, note) for label, value, note in strip["values"]}
    assert values["Students"] == ("5", "4 here now")
    assert values["Best test accuracy"][0] == "80.0 %"
    assert values["Median"][0] == "60.0 %"  # of 80, 60 and 10
    assert values["With an alarm"][0] == "1"
    assert strip["status"] == "1 of 5 training" and strip["progress"] == 0.25
    assert "Name" not in str(strip)


def test_a_class_without_students_has_a_strip_and_a_map():
    empty = snapshot()
    assert class_headline(empty)["status"] == "Waiting for students" and class_headline(empty)["progress"] == 0.0
    (chart,) = class_charts(empty)
    assert chart.sentence == "Nobody has joined yet." and members(empty) == {"seats": []}


def test_a_tile_says_what_the_run_is():
    poll = Poll("Why?", ("a", "b"), 1, (), None)
    tiles = members(snapshot(seat(1, cell(0.812), predicts=True), seat(2, dead(), name=""), seat(3, None), poll=poll))
    first, second, third = tiles["seats"]
    assert (first["name"], first["accuracy"], first["share"], first["predicts"]) == ("Name 1", "81 %", 0.812, True)
    assert first["curve"] == [pytest.approx(0.92), pytest.approx(0.4)]
    assert (second["name"], second["letter"], second["state"]) == ("Student 2", "†", "dead units") and second["color"]
    assert (third["accuracy"], third["curve"], third["state"]) == ("–", [], "not here yet")


def test_a_curve_that_leaves_its_tile_is_cut_and_has_gaps():
    wild = cell(curve=(2.3, 1e30, math.nan, math.inf, 0.0))
    (tile,) = members(snapshot(seat(1, wild)))["seats"]
    assert tile["curve"] == [pytest.approx(0.92), 1.0, None, None, 0.0]


def test_what_it_is_doing_in_words():
    assert state(Glance("r", 1, Status.TRAINING, cell())) == "training"
    assert state(Glance("r", 1, Status.PAUSED, dead())) == "dead units"


@pytest.mark.parametrize(
    ("axis", "settings", "place"),
    [
        (RATES, {"learning_rate": 0.1}, 1.0),
        (RATES, {"learning_rate": 10**-1.5}, 0.5),  # in the middle, on a logarithmic scale
        (RATES, {"learning_rate": 9.0}, math.nan),
        (SIZES, {"batch_size": 32}, 0.5),
        (NETWORKS, {"hidden_sizes": (64, 64)}, 2.0),
        (NETWORKS, {"hidden_sizes": (7,)}, math.nan),
    ],
)
def test_the_place_of_a_run_on_an_axis(axis, settings, place):
    assert where(axis, cell(**settings)) == pytest.approx(place, nan_ok=True)


def test_runs_with_the_same_settings_lie_side_by_side_in_their_cell():
    seats = [seat(i, cell(batch_size=64, learning_rate=0.1)) for i in range(40)]
    found = np.array(list(places(snapshot(*seats)).values()))
    assert len({tuple(at) for at in found}) == 40
    assert np.abs(found - [1, 1]).max() < 0.5, "none is nearer to another cell"
    distances = np.linalg.norm(found[:, None] - found, axis=-1) + np.eye(40)
    assert distances.min() > 0.03


def test_two_runs_with_the_same_settings_are_far_enough_apart_to_read():
    others = [seat(i, cell(batch_size=16, learning_rate=0.01)) for i in range(30)]
    pair = [seat(i, cell(batch_size=64, learning_rate=0.1)) for i in (40, 41)]
    found = places(snapshot(*others, *pair))
    assert math.dist(found["id 40"], found["id 41"]) > 0.3


def test_the_map_has_a_point_for_each_run_that_is_on_it():
    well, ill = cell(0.7, batch_size=64, learning_rate=0.1), dead(batch_size=256, learning_rate=1.0)
    outside = cell(0.9, batch_size=64, learning_rate=9.0)
    seats = [seat(1, well), seat(2, ill), seat(3, outside), seat(4, None)]
    chart = class_map(snapshot(*seats))
    points = chart.data[-1]
    assert (points["x"], points["y"], points["text"]) == ([1.0, 2.0], [1.0, 2.0], ["70", "†"])
    assert points["hovertext"][0].startswith("Name 1: learning rate 0.1, batch size 64: test accuracy 70.0 %")
    dots, squares = chart.data[:2]
    assert dots["marker"]["color"].tolist() == [0.7] and squares["name"] == "† dead units"
    assert chart.sentence == (
        "Best: 70.0 % at batch size 64, learning rate 0.1. Lowest: 10.0 % at batch size 256, learning rate 1.0. "
        "1 run is not on this map."
    )
    assert "Name" not in chart.sentence


def test_an_untested_run_is_faint_and_has_no_number():
    chart = class_map(snapshot(seat(1, cell(math.nan, batch_size=64, learning_rate=0.1))))
    assert chart.data[0]["marker"]["opacity"].tolist() == [0.45] and chart.data[-1]["text"] == [""]
    assert chart.sentence == "No run was tested yet."


def test_names_and_answers_are_text_for_plotly():
    evil = '<a href="x">&amp;</a>'
    chart = class_map(snapshot(seat(1, cell(batch_size=64, learning_rate=0.1), name=evil)))
    assert "<a" not in str(chart.data[-1]["hovertext"]) and "&lt;a" in chart.data[-1]["hovertext"][0]
    bars = predictions(Poll("Why?", (evil, "b"), 0, (), None), 3, 3)
    assert "<a" not in str(bars.layout["yaxis"]["ticktext"])


def test_predictions_are_hidden_then_shown_then_compared():
    hidden = Poll("Why?", ("falls", "rises"), 3, (), None)
    chart = predictions(hidden, 5, 4)
    assert chart.data[0]["x"] == [0, 0] and chart.data[0]["text"] == ["", ""]
    assert chart.sentence == "3 of 5 students answered (4 here now). The predictions are hidden."
    shown = replace(hidden, counts=(2, 1))
    chart = predictions(shown, 5, 4)
    assert chart.data[0]["x"] == [1, 2] and chart.layout["yaxis"]["ticktext"] == ["rises", "falls"]
    told = predictions(replace(shown, outcome=0), 5, 4)
    assert told.sentence == "2 of 3 predicted what happened."
    assert told.layout["yaxis"]["ticktext"] == ["rises", "✓ falls"]
    first, second = told.data[0]["marker"]["color"]
    assert first != second
