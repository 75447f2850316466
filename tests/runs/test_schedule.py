"""The steps at which a run is looked at: they depend on its settings, are dense at first, and cost little."""

from __future__ import annotations

from itertools import pairwise, takewhile

import pytest

from mlpviz import Settings
from mlpviz.runs.schedule import LOOK, look_steps, work_of_a_step

BATCHES = (1, 3, 16, 64, 256, 1024, 10_000)


def looks(batch_size, until):
    return list(takewhile(lambda step: step <= until, look_steps(Settings(batch_size=batch_size))))


@pytest.mark.parametrize("batch_size", BATCHES)
def test_looks_are_dense_at_first_and_then_rarer(batch_size):
    steps = looks(batch_size, 20_000)
    gaps = [after - before for before, after in pairwise(steps)]
    assert steps[:3] == [0, 1, 2] and gaps == sorted(gaps)
    assert gaps[-1] == max(10, round(50 * LOOK / (batch_size + 45)))


@pytest.mark.parametrize("batch_size", BATCHES)
def test_looks_take_at_most_five_per_cent_of_a_long_run_and_few_looks_fall_in_a_short_one(batch_size):
    """In units of the work of a step; the benchmark `instruments` measures it in seconds."""
    settings = Settings(batch_size=batch_size)
    for until in (2_350, 5_000, 100_000):
        assert len(looks(batch_size, until)) * LOOK <= 0.05 * until * work_of_a_step(settings)
    assert len(looks(batch_size, 300)) <= 60  # a third of a second: 5 ms each, for the article's network on two cores


def test_a_branch_is_looked_at_the_same_steps_as_the_run():
    settings = Settings()
    whole = looks(256, 2_000)
    steps = look_steps(settings, start=251)
    assert [next(steps) for _ in range(5)] == [step for step in whole if step > 250][:5]
