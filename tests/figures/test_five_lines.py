"""What the board shows beside each of the five lines."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mlpviz.figures.chart import number
from mlpviz.figures.five_lines import five_lines
from mlpviz.line_by_line.script import five_lines as code
from mlpviz.runs.branch import branch
from mlpviz.runs.run import Run
from tests.figures.test_figures import snapshot_after
from tests.runs.working import SMALL, work_off


def at_step(tiny, steps, settings=SMALL):
    run = Run(settings, tiny)
    for _ in range(steps):
        run.one_step()
        snapshot = work_off(run)
    return snapshot


def test_a_step_is_shown_line_by_line(tiny):
    snapshot = at_step(tiny, 2)
    seen, shown = snapshot.close_up, five_lines(snapshot)
    forward, loss, zero, backward, step = shown["lines"]
    assert (shown["title"], shown["step"], shown["large"]) == ("Step 2, line by line", 2, False)
    assert len(shown["lines"]) == len(code()) == 5
    assert forward["short"] == f"{seen.right} of 100 right" and forward["images"]["pixels"] is seen.images
    names = [snapshot.classes[answer] for answer in seen.answers]
    assert [caption[0] for caption in forward["images"]["captions"]] == names
    assert [caption[2] for caption in forward["images"]["captions"]] == [
        "" if answer == label else snapshot.classes[label]
        for answer, label in zip(seen.answers, seen.labels, strict=True)
    ], "what would have been right"
    before, now = snapshot.steps.column("loss")
    assert loss["number"] == f"{before:.3f} → {now:.3f}" and loss["caption"] == "step 1 → 2, new images"
    assert loss["short"] == f"{now:.3f} (step before: {before:.3f})"
    old, new = snapshot.steps.of_kind("weight_gradient")
    assert zero["cleared"] and [bar[2] for bar in zero["bars"]] == [number(float(norm)) for norm in old]
    assert [(label, value) for label, _, value in backward["bars"]] == [
        ("W₂", number(float(new[1]))),
        ("W₁", number(float(new[0]))),
    ], "the last layer first"
    assert max(length for _, length, _ in backward["bars"]) == 1
    ratios = snapshot.inspection.latest.update_ratios
    assert step["short"] == ", ".join(f"W{i} {number(100 * r)} %" for i, r in zip("₁₂", ratios, strict=True))


def test_the_first_step_has_nothing_before_it(tiny):
    snapshot = at_step(tiny, 1)
    _, loss, zero, *_ = five_lines(snapshot)["lines"]
    assert loss["number"] == f"{snapshot.steps.column('loss')[0]:.3f}" and loss["caption"] == "the first step"
    assert zero["short"] == "nothing to clear yet" and "bars" not in zero


def test_without_a_close_look_each_line_has_its_share_of_the_time(tiny):
    snapshot = replace(at_step(tiny, 1), line_shares=(0.36, 0.02, 0.03, 0.54, 0.05))
    for other in (replace(snapshot, close_up=None), replace(snapshot, step=7)):
        shown = five_lines(other)
        assert shown["step"] == 0 and shown["title"] == "Every step runs these five lines"
        assert [line["short"] for line in shown["lines"]] == [f"{n} % of a step’s time" for n in (36, 2, 3, 54, 5)]
        assert [line["share"] for line in shown["lines"]] == list(snapshot.line_shares)
    unmeasured = five_lines(replace(snapshot, close_up=None, line_shares=None))
    assert {line["short"] for line in unmeasured["lines"]} == {""}


@pytest.mark.parametrize(
    "speed, large, seconds", [("slow", True, 5), ("1", True, 1), ("5", False, 1), ("full", False, 1)]
)
def test_a_slow_run_has_time_for_pictures(tiny, speed, large, seconds):
    shown = five_lines(replace(at_step(tiny, 1), speed=speed))
    assert (shown["large"], shown["seconds"]) == (large, pytest.approx(seconds))


def test_broken_numbers_can_be_shown(tiny):
    snapshot = snapshot_after(tiny)
    broken = replace(
        snapshot.close_up,
        loss=math.nan,
        gradients=(math.inf, math.nan),
        updates=(math.nan, 0.0),
        confidences=(math.nan,) * 3,
    )
    _, loss, _, backward, step = five_lines(replace(snapshot, close_up=broken))["lines"]
    assert "not finite" in loss["number"] and "not finite" in backward["short"]
    assert [bar[1] for bar in step["bars"]] == [0, 0] and step["bars"][0][2] == "not finite"
    forward = five_lines(replace(snapshot, close_up=broken))["lines"][0]
    assert {caption[:2] for caption in forward["images"]["captions"]} == {("no answer", "not finite")}
    assert all(0 <= bar[1] <= 1 for bar in backward["bars"])


def test_weights_that_were_zero_have_moved_from_0(tiny):
    *_, step = five_lines(at_step(tiny, 1, SMALL.replace(init="zeros")))["lines"]
    assert [bar[2] for bar in step["bars"]] == ["from 0", "from 0"]


def test_the_first_step_of_a_branch_is_not_called_the_first_step(tiny):
    run = Run(SMALL.replace(epochs=30), tiny)
    run.start()
    work_off(run)
    other = branch(run, run.health.checkpoints.steps()[-1])
    other.one_step()
    snapshot = work_off(other)
    _, loss, zero, *_ = five_lines(snapshot)["lines"]
    assert snapshot.close_up.step > 1 and loss["caption"] == "the first step of this branch"
    assert zero["caption"] == "nothing to clear: this run begins here"


def test_every_layer_has_a_bar(tiny):
    snapshot = at_step(tiny, 1, SMALL.replace(hidden_sizes=(4,) * 6, init="kaiming"))
    *_, backward, step = five_lines(snapshot)["lines"]
    assert [bar[0] for bar in backward["bars"]] == [f"W{i}" for i in "₇₆₅₄₃₂₁"]
    assert len(step["bars"]) == 7
    assert np.isclose(max(bar[1] for bar in step["bars"]), 1)
