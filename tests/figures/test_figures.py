import itertools
import math
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from mlpviz import Settings
from mlpviz.diagnosis import Diagnosis, Vitals
from mlpviz.figures import FIGURES, charts, palette
from mlpviz.figures.chart import axis_end, log_axis, moving_mean, number, step_layout
from mlpviz.figures.distributions import density
from mlpviz.figures.first_layer import first_layer_weights
from mlpviz.figures.headline import headline, notice, notice_kind, time_left
from mlpviz.figures.sharpness import sharpness_curve
from mlpviz.history import History
from mlpviz.runs.run import Run
from mlpviz.snapshot import SHARPNESS_COLUMNS, Histogram, step_columns
from tests.runs.working import SMALL, work_off

NAMES = ["Loss", "Accuracy", "Gradient norms", "Biases", "Weights", "Gradients", "Update ratio", "Dead units"]


def snapshot_after(tiny, epochs=1, **settings):
    values = {"dataset": "fashion-mnist-mini", "hidden_sizes": (16,), "batch_size": 100, "epochs": epochs or 1}
    run = Run(Settings(**values | settings), tiny)
    if epochs:
        run.start()
    return work_off(run)


def numbered(name):
    return {figure.name: figure.draw for figure in FIGURES}[name]


@pytest.mark.parametrize("sizes", [(), (16,), (8, 8), (4,) * 6])
@pytest.mark.parametrize("epochs", [0, 1])
def test_plotly_accepts_every_figure(tiny, sizes, epochs):
    snapshot = snapshot_after(tiny, epochs, hidden_sizes=sizes, init="kaiming")
    made = charts(snapshot)
    assert [c.name for c in made] == NAMES
    for c in made:
        go.Figure(c.data, c.layout)  # raises on a property that Plotly doesn't know
        assert c.sentence.endswith(".") and "nan" not in c.sentence


def trace(c, name):
    return next(t for t in c.data if t["name"] == name)


def test_the_loss_curve_shows_the_losses(tiny):
    snapshot = snapshot_after(tiny, 3)
    c = numbered("Loss")(snapshot)
    assert np.array_equal(trace(c, "each step")["y"], snapshot.steps.mean[:, 0])
    assert trace(c, "each step")["x"].tolist() == list(range(1, 31))
    assert trace(c, "test")["x"].tolist() == [0, 10, 20, 30]
    assert trace(c, "test")["y"] == pytest.approx(snapshot.evaluations[:, 1])
    assert trace(c, "guessing")["y"] == pytest.approx([math.log(10)] * 2)
    expected = snapshot.steps.mean[5:30, 0].mean()
    assert trace(c, "train")["y"][-1] == pytest.approx(expected)
    assert number(float(expected)) in c.sentence
    assert c.layout["yaxis"]["type"] == "linear"


def test_wide_buckets_still_show_their_extremes(tiny):
    snapshot = snapshot_after(tiny)
    history = History(step_columns(2), capacity=4)
    rows = np.zeros((16, 6), dtype=np.float32)
    rows[5, 0] = 70.0
    history.extend(rows)
    c = numbered("Loss")(replace(snapshot, steps=history.series()))
    assert trace(c, f"lowest and highest of {history.series().width} steps")["y"].max() == 70.0
    assert c.layout["yaxis"]["type"] == "log", "on a linear scale such a high spike is unreadable"


def test_the_moving_mean_recovers_after_a_huge_value():
    history = History("a")
    values = np.ones((200, 1), dtype=np.float32)
    values[20] = 1e30
    history.extend(values)
    mean = moving_mean(history.series().column("a"), 1)
    assert mean[19] == 1.0 and mean[20] > 1e28 and mean[44] > 1e28
    assert mean[45] == 1.0 and mean[-1] == 1.0


def test_the_moving_mean_skips_values_that_are_not_finite():
    history = History("a")
    history.extend(np.array([[1.0], [3.0], [np.nan], [2.0]]))
    mean = moving_mean(history.series().column("a"), 1)
    assert mean[:2].tolist() == [1.0, 2.0] and math.isnan(mean[2]) and mean[3] == 2.0


def test_marks_show_where_the_loss_broke_and_where_settings_changed(tiny):
    broken = Diagnosis("overflow", "alarm", Vitals(Settings(), not_finite_step=7))
    snapshot = replace(snapshot_after(tiny), diagnosis=broken, changes=((3, "learning rate 0.1 → 1"),))
    for name in ("Loss", "Accuracy", "Gradient norms", "Update ratio", "Dead units"):
        layout = numbered(name)(snapshot).layout
        assert sorted(shape["x0"] for shape in layout["shapes"]) == [3, 7]
        marks = {a["text"] for a in layout["annotations"] if a.get("yref") == "paper"}
        assert marks == {"learning rate 0.1 → 1", "not finite from step 7"}


def test_gradient_norms_are_those_of_the_steps(tiny):
    snapshot = snapshot_after(tiny)
    for name, letter, columns in (("Gradient norms", "W", (2, 4)), ("Biases", "b", (3, 5))):
        data = numbered(name)(snapshot).data
        labels = [f"{letter}₁", f"{letter}₂"]
        assert [t["name"] for t in data] == [*(f"{label}, each step" for label in labels), *labels]
        for column, faint, mean in zip(columns, data[:2], data[2:], strict=True):
            norms = snapshot.steps.mean[:, column]
            assert np.array_equal(faint["y"], norms)
            expected = [norms[max(0, i - 24) : i + 1].mean() for i in range(len(norms))]
            assert mean["y"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.3, 0.9], [0.2, 0.5, 1.0]),
        ([2.0, 40.0], [2.0, 5.0, 10.0, 20.0, 50.0]),
        ([1e-3, 1.0], None),
        ([1e-3, 1e30], None),
        ([], None),
        ([0.0, -1.0, np.nan, np.inf], None),
    ],
)
def test_a_logarithmic_axis_has_few_even_ticks(values, ticks):
    axis = log_axis([{"y": np.array(values)}, {"name": "no values"}])
    assert axis["type"] == "log"
    if ticks is not None:
        assert set(ticks) <= set(axis["tickvals"]) and len(axis["ticktext"]) == len(axis["tickvals"])
        assert all(round(tick / 10 ** np.floor(np.log10(tick) + 1e-9)) in (1, 2, 5) for tick in axis["tickvals"])
    else:
        positive = [value for value in values if value > 0 and np.isfinite(value)]
        decades = np.log10(max(positive) / min(positive)) if positive else 0
        assert axis["dtick"] == int(axis["dtick"]) and 0 <= decades / axis["dtick"] <= 6


def test_layers_differ_by_more_than_their_colour(tiny):
    snapshot = snapshot_after(tiny, hidden_sizes=(6,) * 6)
    for name in ("Gradient norms", "Biases", "Update ratio", "Dead units"):
        traces = [t for t in numbered(name)(snapshot).data if t["name"][0] in "Wbh" and "each" not in t["name"]]
        dashes = {t["line"]["dash"] for t in traces}
        assert len(dashes) == len(traces) >= 6 and "dot" not in dashes, "dots belong to a twin"


def test_every_line_of_a_figure_has_a_name_of_its_own(tiny):
    """Otherwise nobody can tell them apart in a saved table."""
    snapshot = snapshot_after(tiny, hidden_sizes=(6, 6))
    for name in NAMES:
        names = [t["name"] for t in numbered(name)(snapshot).data]
        assert len(set(names)) == len(names), name


def test_densities_integrate_to_one():
    histogram = Histogram(-1.0, 3.0, np.array([1, 2, 3, 2]))
    assert density(histogram).sum() * 1.0 == pytest.approx(1.0)
    assert density(Histogram(0.0, 1.0, np.zeros(3, dtype=int))).tolist() == [0, 0, 0]


def test_the_title_names_the_share_of_weights_that_are_not_finite(tiny):
    snapshot = snapshot_after(tiny)
    inspection = replace(snapshot.inspection, weights=(Histogram(0, 1, np.ones(15), 5), snapshot.inspection.weights[1]))
    layout = numbered("Weights")(replace(snapshot, inspection=inspection)).layout
    assert layout["annotations"][0]["text"] == "25.0 % not finite"


def test_first_layer_tiles_are_the_weights_in_127_steps(tiny):
    snapshot = snapshot_after(tiny)
    tiles = first_layer_weights(snapshot)
    images = snapshot.inspection.first_layer_images
    scale = float(np.quantile(np.abs(images), 0.995, method="higher"))
    assert tiles["pixels"].dtype == np.int8 and tiles["pixels"].shape == images.shape
    assert np.abs(tiles["pixels"] / 127 * scale - np.clip(images, -scale, scale)).max() <= scale / 250
    assert tiles["labels"][0] == f"unit {snapshot.inspection.first_layer_units[0]}"
    images = images.copy()
    images[0, 0, :5] = np.nan
    broken = first_layer_weights(replace(snapshot, inspection=replace(snapshot.inspection, first_layer_images=images)))
    assert (broken["pixels"] == -128).sum() == 5 and "not finite (5 weights)" in broken["sentence"]
    linear = first_layer_weights(snapshot_after(tiny, hidden_sizes=()))
    assert sorted(linear["labels"]) == sorted(tiny.classes)


def test_the_headline(tiny):
    snapshot = snapshot_after(tiny, 3)
    values = {label: (value, note) for label, value, note in headline(snapshot)["values"]}
    assert values["Step"] == ("30", "of 30") and values["Epoch"] == ("3", "of 3")
    assert values["Test accuracy"] == (f"{100 * snapshot.evaluations[-1, 2]:.1f} %", "after epoch 3")
    assert headline(snapshot)["status"] == "Finished" and headline(snapshot)["progress"] == 1.0
    assert headline(snapshot)["setting"] == "tiny · 784-16-10 ReLU · CPU, 1 thread"
    assert headline(snapshot_after(tiny, 0))["status"] == "Ready at step 0"


@pytest.mark.parametrize(
    ("speed", "text"), [(0.0, "–"), (3.0, "9 s"), (0.1, "4 min 20 s"), (0.001, "7 h 13 min"), (26.0, "1 s")]
)
def test_time_left(tiny, speed, text):
    snapshot = replace(snapshot_after(tiny), step=4, total_steps=30, steps_per_second=speed)
    assert time_left(snapshot) == text


def test_time_left_at_a_chosen_speed_does_not_waver(tiny):
    paced = replace(snapshot_after(tiny), step=4, total_steps=30, speed="1")
    assert {time_left(replace(paced, steps_per_second=made)) for made in (0.93, 1.0, 1.06)} == {"26 s"}
    assert time_left(replace(paced, steps_per_second=0.5)) == "52 s", "the machine can't keep the speed"


def test_the_measured_speed_in_words(tiny):
    snapshot = snapshot_after(tiny)
    words = {made: headline(replace(snapshot, steps_per_second=made))["speed"] for made in (0, 0.2, 1.0, 19.7, 1234)}
    assert list(words.values()) == ["", "0.2 steps/s", "1 step/s", "20 steps/s", "1,234 steps/s"]


def test_a_healthy_run_has_no_notice_and_a_failed_one_shows_its_error(tiny):
    assert notice(snapshot_after(tiny, 15)) == ""
    zeros = snapshot_after(tiny, 15, init="zeros", hidden_sizes=(16,))
    assert "zero" in notice(zeros) and notice_kind(zeros) == "alarm"
    broken = replace(zeros, message="RuntimeError: no memory")
    assert notice(broken) == "RuntimeError: no memory"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.30259, "2.30"),
        (0.0005, "5.0·10⁻⁴"),
        (6e30, "6.0·10³⁰"),
        (math.nan, "not finite"),
        (1234.5, "1,230"),
        (999.4, "999"),
        (999.7, "1,000"),
        (-999.9, "−1,000"),
        (9999.9, "10,000"),
    ],
)
def test_numbers_for_readers(value, text):
    assert number(value) == text


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("color", sorted({*palette.LAYERS, palette.ALARM}))
@pytest.mark.parametrize("background", ["#ffffff", "#12161d"])
def test_colours_stand_out_on_light_and_dark(color, background):
    """The contrast that WCAG asks for graphics: 3:1."""
    light, dark = sorted([luminance(color), luminance(background)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


#: How people without red or green cones see linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
VISION = {
    "usual": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
SRGB = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def lab(color, vision):
    """CIE L*a*b* of a colour, as somebody sees it."""
    parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = np.array(SRGB) @ np.clip(np.array(VISION[vision]) @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_the_colours_of_four_layers_differ_for_everybody(vision):
    """With more layers, dashes and names tell them apart: there are no seven such colours."""
    for one, other in itertools.combinations(palette.LAYERS[:4], 2):
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 18


def test_the_accuracy_curve_shows_the_accuracies(tiny):
    snapshot = snapshot_after(tiny, 3)
    c = numbered("Accuracy")(snapshot)
    assert np.array_equal(trace(c, "each step")["y"], snapshot.steps.mean[:, 1])
    assert trace(c, "test")["y"] == pytest.approx(snapshot.evaluations[:, 2])
    train, test = 100 * snapshot.steps.mean[5:30, 1].mean(), 100 * snapshot.evaluations[-1, 2]
    assert c.sentence == f"Train {train:.1f} %, test {test:.1f} %; guessing 10 %."


def test_update_ratios_and_dead_shares_are_those_of_the_samples(tiny):
    snapshot = snapshot_after(tiny, 3, hidden_sizes=(16, 8), init="kaiming")
    latest = snapshot.inspection.latest
    trend = np.float32([*snapshot.inspection.trend.mean, [latest.step, *latest.update_ratios, *latest.dead_shares]])
    assert latest.step == snapshot.step == 30
    ratios, dead = numbered("Update ratio")(snapshot), numbered("Dead units")(snapshot)
    drawn = [*ratios.data[:3], *dead.data]
    assert [t["name"] for t in drawn] == ["W₁", "W₂", "W₃", "h₁", "h₂"]
    for column, t in enumerate(drawn, 1):
        rows = trend[1:] if column <= 3 else trend  # at step 0 there was no update
        assert np.array_equal(t["x"], rows[:, 0]) and np.array_equal(t["y"], rows[:, column])
        assert t["mode"] == "lines+markers", "each sample is marked"
    last = f"{trend[-1, 0]:.0f}"
    assert f"at step {last}." in ratios.sentence and f"at step {last}," in dead.sentence


def test_the_sample_at_a_pause_is_the_last_point(tiny):
    run = Run(SMALL.replace(epochs=10), tiny)
    work_off(run)
    run.start()
    while run.step < 12:
        run.advance()
    run.pause()
    snapshot = work_off(run)
    planned = snapshot.inspection.trend.column("step").tolist()
    assert planned[-1] < snapshot.inspection.latest.step == 12
    dead, ratios = numbered("Dead units")(snapshot), numbered("Update ratio")(snapshot)
    assert dead.data[0]["x"].tolist() == [*planned, 12] and "at step 12," in dead.sentence
    assert ratios.data[0]["x"].tolist() == planned[1:], "that update was not measured"
    run.one_step()
    assert "at step 13." in numbered("Update ratio")(work_off(run)).sentence


def test_the_gradient_norms_sentence_gives_the_latest_norms_of_the_weights(tiny):
    snapshot = snapshot_after(tiny)
    first, second = (number(float(snapshot.steps.mean[-1, column])) for column in (2, 4))
    assert numbered("Gradient norms")(snapshot).sentence == f"W₁ {first}, W₂ {second}."


def test_histograms_show_the_initial_and_the_present_weights_and_the_gradients(tiny):
    snapshot = snapshot_after(tiny, 3)
    inspection = snapshot.inspection
    expected = [pair[i] for i in range(2) for pair in (inspection.initial_weights, inspection.weights)]
    weights = numbered("Weights")(snapshot).data
    assert [t["name"] for t in weights] == [f"layer {i} {when}" for i in (1, 2) for when in ("at the start", "now")]
    for drawn, histograms in ((weights, expected), (numbered("Gradients")(snapshot).data, inspection.gradients)):
        for t, histogram in zip(drawn, histograms, strict=True):
            assert (t["x"][0], t["x"][-1]) == pytest.approx((histogram.low, histogram.high), rel=1e-6)
            assert t["y"][:-1] / t["y"].max() == pytest.approx(histogram.counts / histogram.counts.max(), rel=1e-5)


def test_the_headlines_train_loss_is_the_mean_of_the_last_25(tiny):
    snapshot = snapshot_after(tiny, 3)
    values = {label: value for label, value, _ in headline(snapshot)["values"]}
    assert values["Train loss"] == number(float(snapshot.steps.mean[5:30, 0].mean()))


def test_a_single_step_is_drawn_as_a_point(tiny):
    run = Run(Settings(dataset="fashion-mnist-mini", hidden_sizes=(16,), batch_size=100), tiny)
    run.one_step()
    snapshot = work_off(run)
    for name in ("Loss", "Accuracy", "Gradient norms", "Update ratio"):
        for drawn in numbered(name)(snapshot).data:
            if np.isfinite(np.asarray(drawn["y"], dtype=float)).sum() == 1:
                assert "markers" in drawn["mode"], (name, drawn["name"])


def test_labels_of_changes_close_together_are_stacked(tiny):
    snapshot = replace(snapshot_after(tiny), changes=((3, "a"), (4, "b"), (5, "c")))
    heights = [label["y"] for label in numbered("Loss")(snapshot).layout["annotations"]]
    assert len(set(heights)) == 3


@pytest.mark.parametrize(
    ("value", "text"), [(-0.5, "−0.500"), (-1234, "−1,230"), (-1e-7, "−1.0·10⁻⁷"), (1e-7, "1.0·10⁻⁷")]
)
def test_negative_numbers_have_a_true_minus_sign(value, text):
    assert number(value) == number(np.float64(value)) == text


def test_a_figure_has_its_listed_name_and_card(tiny):
    snapshot = snapshot_after(tiny, 1)
    assert [(c.name, c.card) for c in charts(snapshot)] == [(figure.name, figure.card) for figure in FIGURES]


def test_one_figure_that_cannot_be_drawn_says_so_and_the_others_go_on(tiny, monkeypatch, caplog):
    snapshot = snapshot_after(tiny, 1)
    whole = charts(snapshot)

    def explode(snapshot):
        return 1 / 0

    figures = tuple(f._replace(draw=explode) if f.name == "Accuracy" else f for f in FIGURES)
    monkeypatch.setattr("mlpviz.figures.FIGURES", figures)
    monkeypatch.setattr("mlpviz.figures.trouble._told", set())
    for _ in range(3):
        made = charts(snapshot)
    assert [(c.name, c.card) for c in made] == [(c.name, c.card) for c in whole]
    assert "can’t be drawn now (ZeroDivisionError: division by zero)" in made[1].sentence and made[1].data == []
    assert [c.sentence for c in made if c.name != "Accuracy"] == [c.sentence for c in whole if c.name != "Accuracy"]
    go.Figure(made[1].data, made[1].layout)
    assert len(caplog.records) == 1, "the error is logged once"


@pytest.mark.parametrize("value", [0.0, -1e-9])
def test_the_sentence_says_that_a_loss_has_no_curvature(tiny, value):
    """If the loss is flat, no step can overshoot, so there is no largest stable rate."""
    snapshot = snapshot_after(tiny, 1)
    history = History(SHARPNESS_COLUMNS)
    history.extend(np.array([[10, value, value, value, 20.0]]))
    c = sharpness_curve(replace(snapshot, sharpness=history.series()))
    assert "no curvature" in c.sentence


@pytest.mark.parametrize(
    ("step", "total", "end"),
    [(0, 400, 10), (10, 400, 10), (11, 400, 12), (100, 4000, 100), (101, 4000, 120), (310, 400, 400), (390, 395, 395)],
)
def test_the_step_axis_grows_in_steps_up_to_the_end_of_the_run(tiny, step, total, end):
    snapshot = replace(snapshot_after(tiny), step=step, total_steps=total)
    assert axis_end(snapshot) == end
    ends = [axis_end(replace(snapshot, step=each, total_steps=10**6)) for each in range(1000)]
    assert len(set(ends)) < 25 and all(each >= at for at, each in enumerate(ends))
    assert all(each <= 1.34 * at for at, each in enumerate(ends) if at > 10)


def test_moves_of_a_slider_have_one_text_and_other_changes_keep_theirs(tiny):
    rate = "learning rate {} → {}".format
    changes = [(100, rate(0.1, 0.15)), (101, rate(0.15, 0.19)), (102, rate(0.19, 0.2)), (102, "momentum 0 → 0.9")]
    changes += [(step, rate(step, step + 9)) for step in range(200, 400, 9)]  # close to the next, not to the first
    layout = step_layout(replace(snapshot_after(tiny), step=1000, total_steps=1000, changes=tuple(changes[:4])))
    assert [each["text"] for each in layout["annotations"]] == ["learning rate 0.1 → 0.2", "momentum 0 → 0.9"]
    assert [each["x0"] for each in layout["shapes"]] == [100, 101, 102, 102], "each has its mark"
    layout = step_layout(replace(snapshot_after(tiny), step=1000, total_steps=1000, changes=tuple(changes)))
    assert [each["x"] for each in layout["annotations"]] == [308, 335, 362, 389], "the last four of many"
