"""The drawing of the network, and the answers for the examples."""

from dataclasses import replace

import numpy as np
import pytest

from mlpviz.examples import HARDEST, Examples
from mlpviz.figures import FIGURES
from mlpviz.figures.chart import number
from mlpviz.figures.examples import answers, examples
from mlpviz.figures.help import HELP
from mlpviz.figures.network import EDGES, OF_EACH, network
from mlpviz.runs.run import Run
from mlpviz.snapshot import Answers
from tests.figures.test_figures import snapshot_after
from tests.runs.working import SMALL, work_off


def changed(snapshot, **changes):
    """The snapshot with something else in its answers."""
    seen = snapshot.answers
    fields = {name: getattr(seen, name) for name in Answers.__dataclass_fields__}
    return replace(snapshot, answers=Answers(**fields | changes))


@pytest.mark.parametrize("sizes", [(), (16,), (12, 8, 9)], ids=str)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_edges_are_the_largest_values_of_the_portrait(tiny, sizes, direction):
    snapshot = snapshot_after(tiny, hidden_sizes=sizes, init="kaiming")
    values = getattr(snapshot.answers.portrait, direction)
    edges = network(snapshot)[direction]["edges"]
    assert {edge[0] for edge in edges} == set(range(len(sizes) + 1))
    for column, between in enumerate(values):
        drawn = [edge for edge in edges if edge[0] == column]
        rest = np.abs(between.astype(float))
        largest = rest.max()
        for _, origin, to, share, text in drawn:
            assert share == pytest.approx(between[to, origin] / largest, abs=6e-4)
            assert text == number(float(between[to, origin]))
            rest[to, origin] = 0
        assert len(drawn) == min(EDGES, np.count_nonzero(between))
        if column == len(sizes):  # the answer and the right class come first
            for c in {int(snapshot.answers.probabilities[0].argmax()), snapshot.answers.labels[0]}:
                of_class = sorted((abs(share) for _, _, to, share, _ in drawn if to == c), reverse=True)
                expected = sorted(np.abs(between[c]) / largest, reverse=True)[:OF_EACH]
                assert of_class[:OF_EACH] == pytest.approx([size for size in expected if size > 0], abs=6e-4)
                drawn = [edge for edge in drawn if edge[2] != c]
                rest[c] = 0
        if drawn:
            assert rest.max() <= min(abs(share) for *_, share, _ in drawn) * largest + 1e-3 * largest


def test_the_sentence_says_how_much_is_drawn_and_what_the_answer_is(tiny):
    snapshot = snapshot_after(tiny, hidden_sizes=(40,))
    seen, shown = snapshot.answers, network(snapshot)
    answer, label = seen.probabilities[0].argmax(), seen.labels[0]
    sentence = shown["forward"]["sentence"]
    assert f"Answer: {snapshot.classes[answer]}, {100 * seen.probabilities[0].max():.0f} %" in sentence
    assert (" %, right." in sentence) == (answer == label)
    assert f"8 of 40 units, {100 * seen.portrait.layers[0].share:.0f} % of what the layer passes on" in sentence
    at_truth = f"{snapshot.classes[label]} should be 100 % and is {100 * seen.probabilities[0, label]:.0f} %"
    assert at_truth in shown["backward"]["sentence"]
    _, origin, to, _, value = next(edge for edge in shown["forward"]["edges"] if edge[0] == 1)
    unit = seen.portrait.layers[0].units[origin]
    assert f"unit {unit} to {snapshot.classes[to]}: {value}" in shown["forward"]["spoken"]
    assert f"unit {unit} of hidden layer 1: output " in shown["layers"][0]["labels"][origin]


def test_a_layer_that_passes_nothing_on_has_no_lines(tiny):
    snapshot = snapshot_after(tiny, init="zeros")
    shown = network(snapshot)
    assert shown["forward"]["edges"] == [] and "the layer passes nothing on" in shown["forward"]["sentence"]


def test_numbers_that_are_not_finite_give_no_answer(tiny):
    snapshot = changed(snapshot_after(tiny), probabilities=np.full((10, 10), np.nan))
    assert answers(snapshot)["answers"] == [("no answer", 0.0, False)] * 10
    assert "No answer" in network(snapshot)["forward"]["sentence"]
    assert network(snapshot)["outputs"]["shares"] == [0.0] * 10


def test_the_answers_count_what_is_right(tiny):
    snapshot = snapshot_after(tiny)
    seen, shown = snapshot.answers, answers(snapshot)
    right = seen.probabilities.argmax(axis=1) == np.array(seen.labels)
    assert shown["sentence"] == f"{right.sum()} of 10 right after step {snapshot.step:,}."
    for (answer, probability, is_right), row, truth in zip(shown["answers"], seen.probabilities, right, strict=True):
        assert (answer, is_right) == (snapshot.classes[row.argmax()], truth)
        assert probability == pytest.approx(row.max(), abs=1e-4)
    for run, words in (
        (snapshot.run, "these had the largest loss in the test at step 7"),
        ("other", "these were the hardest for an earlier run"),
    ):
        hardest = changed(snapshot, examples=Examples(HARDEST, seen.examples.indices, run=run, step=7))
        assert answers(hardest)["sentence"].endswith(f"{words}.")


def test_the_readers_picture_is_neither_right_nor_wrong(tiny):
    run = Run(SMALL, tiny)
    run.inspections.examples.choose(Examples(indices=(1, 2), own=bytes(784)))
    run.one_step()
    snapshot = work_off(run)
    assert examples(snapshot)["labels"][0] == "your picture" and examples(snapshot)["images"] == [None, 1, 2]
    assert answers(snapshot)["answers"][0][2] is None and "of 2 right" in answers(snapshot)["sentence"]
    shown = network(snapshot)
    assert shown["backward"]["edges"] == [] and "no label" in shown["backward"]["sentence"]


def test_every_figure_of_the_board_has_a_help_text():
    others = {"Examples", "Network", "Tiles", "Sharpness", "Test accuracy", "The class", "Prediction"}
    assert {figure.card for figure in FIGURES} | others == set(HELP)
    assert all(text.endswith(".") for help_text in HELP.values() for text in help_text)
