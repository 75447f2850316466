import numpy as np
import plotly.graph_objects as go
import pytest

from mlpviz.figures.evaluation import class_histograms, confused_most, confusion, contribution_bars, reliability, story
from mlpviz.images.predictions import calibration, confusion_matrix

CLASSES = tuple("abcdefghij")
COUNTS = np.eye(10, dtype=int) * 50
COUNTS[6, 0], COUNTS[2, 4] = 13, 9


def drawn(chart):
    go.Figure(chart.data, chart.layout)  # raises on a property that Plotly doesn't know
    assert chart.sentence.endswith(".") and "nan" not in chart.sentence
    return chart


@pytest.mark.parametrize("share", [False, True])
def test_each_cell_says_what_it_is_and_the_diagonal_is_pale(share):
    heat, cells = drawn(confusion(COUNTS, CLASSES, share)).data
    assert np.isnan(np.diag(heat["z"])).all() and heat["z"][6, 0] == pytest.approx(13 / 63)
    at = [i for i, cell in enumerate(zip(cells["y"], cells["x"], strict=True)) if cell == (6, 0)]
    assert len(at) == 1
    assert cells["hovertext"][at[0]] == "g, predicted as a: 13 of 63"
    assert cells["text"][at[0]] == ("21" if share else "13")
    assert len(cells["text"]) == 100


def test_the_pair_confused_most_in_words():
    assert confused_most(COUNTS, CLASSES) == "Most frequent mistake: g predicted as a, 13 of 63."
    assert confused_most(np.eye(10, dtype=int), CLASSES) == "There are no mistakes."


def test_an_empty_class_draws():
    drawn(confusion(confusion_matrix(np.zeros(5, dtype=int), np.ones(5, dtype=int)), CLASSES, True))


def test_reliability_shows_the_bins_that_have_images():
    found = calibration(np.array([0.95, 0.9, 0.3]), np.array([True, False, True]), bins=10)
    chart = drawn(reliability(found))
    assert chart.data[1]["y"] == pytest.approx([1, 0, 1]) or len(chart.data[1]["y"]) == (found.counts > 0).sum()
    assert "calibration error" in chart.sentence


def test_the_story_of_an_image():
    chart = drawn(story(np.array([0, 10, 20]), np.array([0.1, 0.6, 0.4]), ["a", "b", "a"]))
    assert chart.data[0]["y"] == pytest.approx([0.1, 0.6, 0.4]) and "40.0 %" in chart.sentence


def test_contributions_are_shown_with_their_sum():
    chart = drawn(contribution_bars(["unit 3", "unit 5"], np.array([2.0, -1.0]), 0.5, 0.25, 1.75))
    assert chart.data[0]["x"].tolist() == [2.0, -1.0, 0.5, 0.25] and "The bars add up to 1.75" in chart.sentence
    assert list(chart.data[0]["y"]) == ["unit 3", "unit 5", "all others", "bias"]


def test_a_unit_and_the_classes_it_answers_to():
    labels = np.arange(1000) % 10
    values = np.where(labels == 7, 5.0, 0.0) + np.linspace(0, 1, 1000)
    chart = drawn(class_histograms(values, labels, CLASSES))
    assert "most to h" in chart.sentence
    (heat,) = chart.data
    np.testing.assert_allclose(heat["customdata"].sum(axis=1), 1)
    expected, edges = np.histogram(values[labels == 3], bins=40, range=(values.min(), values.max()))
    np.testing.assert_allclose(heat["customdata"][3], expected / 100)
    np.testing.assert_allclose(heat["x"], (edges[:-1] + edges[1:]) / 2)


@pytest.mark.parametrize("values", [np.full(100, np.nan), np.zeros(100)])
def test_a_dead_or_broken_unit_answers_to_no_class(values):
    assert "No class stands out" in drawn(class_histograms(values, np.arange(100) % 10, CLASSES)).sentence
