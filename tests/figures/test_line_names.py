import itertools
import random

import numpy as np
import pytest

from mlpviz.figures.chart import line
from mlpviz.figures.line_names import named_at_the_end, spread


@pytest.mark.parametrize("seed", range(20))
def test_names_are_apart_in_the_order_of_their_lines_and_inside_the_axis(seed):
    chance = random.Random(seed)
    heights = sorted(chance.choice([0.5, chance.random()]) for _ in range(chance.randint(1, 7)))
    placed = spread(heights, 0.13, 0.0, 1.0)
    assert all(b - a >= 0.13 - 1e-12 for a, b in itertools.pairwise(placed))
    assert min(placed) >= -1e-12 and max(placed) <= 1.0


def test_names_with_room_stay_at_the_ends_of_their_lines():
    assert spread([0.1, 0.4, 0.9], 0.13, 0.0, 1.0) == [0.1, 0.4, 0.9]


@pytest.mark.parametrize("log", [False, True])
def test_the_name_stands_at_the_last_finite_value_and_leaves_the_legend(log):
    lines = [line("W₁", [1, 2, 3], [0.1, 0.5, np.nan], "#000000"), line("W₂", [], [], "#111111")]
    (name,) = named_at_the_end(lines, 0.1, 10.0, log)
    assert (name["text"], name["x"], name["font"]["color"]) == ("W₁", 2.0, "#000000")
    if log:  # Plotly takes the place on a logarithmic axis as an exponent
        assert name["y"] == pytest.approx(np.log10(0.5))
    assert lines[0]["showlegend"] is False and "showlegend" not in lines[1]
