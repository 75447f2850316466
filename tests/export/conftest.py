"""A small run with a film, for all tests of files."""

import pytest

from mlpviz.runs.publishing import take_film
from mlpviz.runs.run import Run
from tests.runs.working import SMALL, work_off


@pytest.fixture(scope="session")
def roll(tiny):
    run = Run(SMALL.replace(epochs=4), tiny)
    run.goal = 12
    work_off(run)
    run.change(run.settings.replace(learning_rate=0.03))
    run.start()
    work_off(run)
    return take_film(run)
