import numpy as np
import pytest

from mlpviz.history import History, places


def oracle(values, width):
    """Exact statistics of each bucket, from all values at once."""
    parts = [values[i : i + width] for i in range(0, len(values), width)]
    return (np.array([f(part) for part in parts]) for f in (np.min, np.max, np.mean))


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 31, 32, 33, 1000])
def test_exact_statistics_in_any_chunks(rows):
    rng = np.random.default_rng(rows)
    values = rng.normal(size=(rows, 2)).astype(np.float32)
    history = History("ab", capacity=8)
    i = 0
    while i < rows:
        chunk = int(rng.integers(1, 40))
        history.extend(values[i : i + chunk])
        i += chunk
    series = history.series()
    assert series.rows == rows and len(series.mean) <= 8 and series.width * 8 >= rows
    for column in range(2):
        low, high, mean = oracle(values[:, column], series.width)
        assert np.array_equal(series.minimum[:, column], low)
        assert np.array_equal(series.maximum[:, column], high)
        assert np.allclose(series.mean[:, column], mean, atol=1e-6)
    assert series.ends().tolist() == [min((i + 1) * series.width, rows) for i in range(len(series.mean))]


def test_no_spike_is_lost_in_a_million_steps():
    rng = np.random.default_rng(0)
    spikes = rng.choice(1_000_000, 20, replace=False)
    values = np.zeros((1_000_000, 1), dtype=np.float32)
    values[spikes] = 5
    history = History("a")
    for chunk in np.array_split(values, 997):
        history.extend(chunk)
    series = history.series()
    assert len(series.mean) <= 600
    assert set(np.flatnonzero(series.maximum[:, 0] == 5)) == set(spikes // series.width)


def test_what_is_not_finite_is_counted_and_spoils_nothing():
    values = np.array([[1.0], [np.nan], [3.0], [np.inf], [-np.inf], [np.nan]], dtype=np.float32)
    history = History("a", capacity=4)
    history.extend(values)
    series = history.series()
    assert series.width == 2
    assert series.not_finite[:, 0].tolist() == [1, 1, 2]
    assert series.mean[:2, 0].tolist() == [1.0, 3.0] and np.isnan(series.mean[2, 0])
    assert series.minimum[:2, 0].tolist() == [1.0, 3.0] and np.isnan(series.maximum[2, 0])


def test_a_series_is_a_copy():
    history = History("a")
    history.extend(np.ones((3, 1)))
    series = history.series()
    history.extend(np.full((5000, 1), 9.0))
    assert series.mean[:, 0].tolist() == [1.0, 1.0, 1.0]


def test_an_odd_capacity_is_refused():
    with pytest.raises(ValueError, match="even"):
        History("a", capacity=7)


def test_sums_are_kept_in_float64():
    history = History("a", capacity=2)
    for value in (1e8, 1.0, -1e8, 1.0, 1.0, 1.0, 1.0, 1.0):
        history.extend(np.array([[value]], dtype=np.float32))
    assert history.series().mean[:, 0].tolist() == [0.5, 1.0]


def test_a_series_keeps_its_count_of_what_is_not_finite():
    history = History("a")
    history.extend(np.full((3, 1), np.nan))
    series = history.series()
    history.extend(np.full((5000, 1), np.nan))
    assert series.not_finite[:, 0].tolist() == [1, 1, 1]


def test_columns_are_known_by_name_and_by_kind():
    history = History(["loss", "norm 1", "norm 2", "other norm 1"])
    history.extend(np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]))
    series = history.series()
    assert series.column("norm 2").tolist() == [3.0, 7.0]
    assert series.of_kind("norm").tolist() == [[2.0, 3.0], [6.0, 7.0]] and series.of_kind("size").shape == (2, 0)
    assert places(series.columns, "other norm") == [3]
