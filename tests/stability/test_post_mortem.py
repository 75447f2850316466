"""Where the trouble began: in made-up series, for which the answer is known."""

import numpy as np
import pytest

from mlpviz import Settings
from mlpviz.diagnosis import Diagnosis, Severity, Vitals
from mlpviz.history import History
from mlpviz.snapshot import trend_columns
from mlpviz.stability.post_mortem import onset

SETTINGS = Settings()


def series(losses, start=0):
    history = History(["loss"], start=start)
    history.extend(np.array(losses, dtype=float)[:, None])
    return history.series()


def trend(*rows):
    """A trend with the step, two update ratios and one share of dead units."""
    history = History(trend_columns(2))
    history.extend(np.array([[step, 0.01, 0.01, share] for step, share in rows]))
    return history.series()


def ill(kind, step, **vitals):
    return Diagnosis(kind, Severity.ALARM, Vitals(SETTINGS, step, gradient_norms=(1.0, 1.0), **vitals))


@pytest.mark.parametrize("start", [0, 1000])
def test_low_losses_long_ago_do_not_set_the_onset(start):
    losses = [0.1] * 20 + [0.5] * 380 + [5.0] * 100
    step = onset(ill("oscillation", start + 500), series(losses, start), None)
    assert step == start + 400


def test_units_that_die_while_the_loss_is_steady_set_the_onset():
    seen = trend((0, 0.0), (40, 0.1), (100, 0.9), (200, 0.95))
    dead = ill("dead", 200, initial_dead=(0.0,), dead=(0.95,))
    assert onset(dead, series([1.7] * 200), seen) == 40


def test_without_a_good_step_the_onset_is_the_first_step():
    assert onset(ill("dead", 200), series([2.31] * 200), None) == 0
    assert onset(ill("dead", 700), series([2.31] * 200, start=500), None) == 500


def test_if_the_loss_is_not_finite_the_onset_is_just_before():
    losses = [0.5] * 90 + [1e10] * 9 + [np.nan]
    assert onset(ill("overflow", 100, not_finite_step=100), series(losses), None) == 90
