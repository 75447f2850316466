import math

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from mlpviz import Settings
from mlpviz.figures.comparison import comparison_charts, comparison_headline, outcome
from mlpviz.figures.step_zero import initial_loss, layered
from mlpviz.figures.sweep import sweep_charts, sweep_headline
from mlpviz.figures.update import logit_bars, logit_gradient_bars, probability_bars, value_histogram, vee
from mlpviz.history import History
from mlpviz.images.predictions import softmax
from mlpviz.line_by_line.ablations import ABLATIONS
from mlpviz.runs.comparison import Comparison
from mlpviz.snapshot import ComparisonSnapshot, SweepSnapshot

CLASSES = tuple("abcdefghij")
LOGITS = np.array([0.5, -2, 3, 0, 1, 1, -1, 2, 0.25, -0.5], dtype=np.float32)


def drawn(chart):
    go.Figure(chart.data, chart.layout)  # raises an error for a property that Plotly doesn't know
    assert chart.sentence.endswith(".") and "nan" not in chart.sentence
    return chart


def compared(ours, theirs, accuracies, status="finished"):
    series, lost = [], []
    for losses in (ours, theirs):
        history = History(["loss", "accuracy"])
        history.extend(np.array([[loss, 0.5] for loss in losses]).reshape(-1, 2))
        series.append(history.series())
        lost.append(next((i + 1 for i, loss in enumerate(losses) if not math.isfinite(loss)), None))
    sides = zip((ours, theirs), accuracies, strict=True)
    tests = tuple(np.array([[0, 2.3, 0.1], [len(losses), losses[-1], accuracy]]) for losses, accuracy in sides)
    return ComparisonSnapshot(
        1, "r", status, "", len(ours), 4, "A change", tuple(series), tests, not_finite_steps=tuple(lost), facts=()
    )


@pytest.mark.parametrize(
    ("theirs", "accuracy", "expected"),
    [
        ([2, 1, 1, 1], 0.70, "same"),
        ([2, 1, 1, 1], 0.72, "same"),
        ([2, 1, 1, 1], 0.60, "slower"),
        ([2, 1, 1, 1], 0.80, "better"),
        ([2, 3, 2.3, 2.3], 0.10, "dead"),
        ([2, 1e30, math.inf, math.nan], 0.10, "nan"),
    ],
)
def test_the_outcome_is_judged_by_the_last_test(theirs, accuracy, expected):
    assert outcome(compared([2, 1, 1, 1], theirs, (0.70, accuracy))) == expected


def test_the_outcome_when_the_original_program_is_dead_itself():
    assert outcome(compared([2.3], [2.3], (0.10, 0.10))) == "same"
    assert outcome(compared([2.3], [1.0], (0.10, 0.70))) == "better"
    assert outcome(compared([math.nan], [math.nan], (0.10, 0.10))) == "same"
    assert outcome(compared([math.nan], [1.0], (0.10, 0.70))) == "better"


def test_the_comparison_shows_both_curves():
    losses, accuracy = (drawn(c) for c in comparison_charts(compared([2, 1, 0.5, 0.25], [2, 3, 4, 5], (0.7, 0.1))))
    assert [trace["name"] for trace in losses.data] == ["original", "changed", "guessing"]
    assert losses.data[0]["y"].tolist() == [2, 1, 0.5, 0.25] and losses.data[1]["y"].tolist() == [2, 3, 4, 5]
    assert accuracy.data[0]["y"] == pytest.approx([0.1, 0.7]) and accuracy.data[1]["y"] == pytest.approx([0.1, 0.1])
    assert losses.layout["yaxis"]["type"] == "linear" and "70.0 %" in accuracy.sentence
    head = comparison_headline(compared([2], [2], (0.7, 0.1)))
    assert head["progress"] == 0.25 and head["setting"] == "A change"


def test_a_loss_that_is_not_finite_is_marked_at_its_step():
    losses, _ = comparison_charts(compared([2, 1, 1, 1], [2, 1e30, math.inf, math.nan], (0.7, 0.1)))
    drawn(losses)
    assert losses.layout["yaxis"]["type"] == "log"
    assert losses.layout["annotations"][0]["text"] == "changed: not finite from step 3"


def test_a_comparison_that_has_just_begun_can_be_drawn(tiny):
    comparison = Comparison(Settings(dataset="fashion-mnist-mini", batch_size=100), tiny, ABLATIONS["sum"])
    comparison.refresh(1)
    for chart in comparison_charts(comparison.snapshot):
        drawn(chart)
    assert comparison_headline(comparison.snapshot)["status"] == "Comparing"


@pytest.mark.parametrize("through", [0, 2])
def test_the_sweep_names_the_best_so_far(through):
    values = np.array([0.5, 0.7])[:through]
    snapshot = SweepSnapshot(
        1, "r", "training", "", 5, 10, np.array([0.01, 0.1])[:through], values, values, values[:, None]
    )
    accuracy, *others = [drawn(chart) for chart in sweep_charts(snapshot)]
    assert (accuracy.sentence == "Best so far: 70.0 % at init std 0.1.") == (through == 2)
    assert len(others) == 2 and sweep_headline(snapshot)["progress"] == 0.5


def test_bars_show_logits_and_their_softmax():
    chart = drawn(logit_bars(LOGITS, 7, CLASSES))
    assert chart.data[0]["x"].tolist() == LOGITS.tolist()
    assert "3.00, for c" in chart.sentence and "class is h" in chart.sentence
    probabilities = drawn(probability_bars(LOGITS, 7, CLASSES))
    oracle = torch.softmax(torch.tensor(LOGITS, dtype=torch.float64), 0).numpy()
    np.testing.assert_allclose(probabilities.data[0]["x"], oracle, rtol=1e-12)
    assert f"{100 * oracle[7]:.1f} %" in probabilities.sentence
    low, high = chart.layout["xaxis"]["range"]
    assert low < -2 and high > 3


def test_softmax_works_for_large_logits():
    assert softmax(np.array([1e30, 0.0], dtype=np.float32)).tolist() == [1.0, 0.0]


def test_two_gradients_side_by_side_and_their_distance():
    chart = drawn(logit_gradient_bars(np.full(10, 0.5), np.full(10, 0.25), CLASSES))
    assert "0.25" in chart.sentence and [bar["name"] for bar in chart.data][1] == "autograd"


def test_a_histogram_counts_all_and_says_how_many_are_zero():
    values = np.array([[0.0, 0.0, 1.0, 2.0]])
    chart = drawn(value_histogram("W1", values))
    assert chart.data[0]["y"].sum() == 4 and "50.0 %" in chart.sentence
    drawn(value_histogram("W1", np.full((2, 2), np.nan)))


def test_the_vee_leaves_out_errors_of_exactly_zero():
    h = np.array([1.0, 0.1])
    chart = drawn(vee(h, {"float32": np.array([0.5, 0.0]), "float64": np.array([0.5, 0.25])}))
    assert np.isnan(chart.data[0]["y"][1]) and chart.data[1]["y"].tolist() == [0.5, 0.25]
    drawn(vee(h, {"float32": np.array([np.nan, np.nan]), "float64": np.array([np.nan, np.nan])}))


def test_step_zero_marks_where_the_reader_is():
    stds, values = np.array([0.001, 0.01, 0.1]), np.array([[1.0], [2.0], [3.0]])
    marks = {"article": 0.01, "Xavier": 0.04}
    chart = drawn(layered("Signals", "A sentence.", stds, values, values, 0.05, marks, type="log"))
    assert [shape["x0"] for shape in chart.layout["shapes"]] == [0.01, 0.04, 0.05]
    assert chart.layout["annotations"][1]["x"] == pytest.approx(math.log10(0.04)), "annotations need the logarithm"
    loss = drawn(initial_loss(stds, values[:, 0], values[:, 0], 0.09, [2.5, 2.25], marks))
    assert "At init std 0.09: 2.5 for this network, 2.25 predicted" in loss.sentence
    drawn(initial_loss(stds, values[:, 0], values[:, 0], 0.0, [2.3, 2.3], marks))
