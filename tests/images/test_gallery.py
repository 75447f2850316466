import numpy as np
import pytest

from mlpviz.images.gallery import ORDERS, PREFIX, Filter, page_of, select
from mlpviz.images.predictions import table

rng = np.random.default_rng(1)
LABELS = rng.integers(0, 10, 500)
LOGITS = (rng.standard_normal((500, 10)) + 1.5 * np.eye(10)[LABELS]).astype(np.float32)
FRAME = table(LOGITS, LABELS)
TRUE, PREDICTED, CONFIDENCE = (FRAME[name].to_numpy() for name in ("true", "predicted", "confidence"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), TRUE != PREDICTED),
        (Filter(kind="right"), TRUE == PREDICTED),
        (Filter(kind="all"), np.full(500, True)),
        (Filter(kind="all", true=3), TRUE == 3),
        (Filter(true=6, predicted=0), (TRUE == 6) & (PREDICTED == 0)),
        (Filter(kind="all", low=0.3, high=0.6), (CONFIDENCE >= 0.3) & (CONFIDENCE <= 0.6)),
    ],
    ids=str,
)
@pytest.mark.parametrize("order", list(ORDERS))
def test_the_filter_keeps_exactly_the_images_that_match(wanted, expected, order):
    assert sorted(select(FRAME, wanted.replace(order=order))) == np.flatnonzero(expected).tolist()


def test_changed_since_the_previous_evaluation():
    before = PREDICTED.copy()
    before[[4, 7]] = (before[[4, 7]] + 1) % 10
    assert sorted(select(FRAME, Filter(kind="all", changed=True), before)) == [4, 7]
    assert len(select(FRAME, Filter(kind="all", changed=True))) == 0


def test_orders():
    mistakes = select(FRAME, Filter())
    assert (np.diff(CONFIDENCE[mistakes]) <= 0).all()
    everything = select(FRAME, Filter(kind="all"))
    wrong = (TRUE != PREDICTED)[everything]
    assert wrong[: wrong.sum()].all(), "mistakes first"
    assert (np.diff(FRAME["loss"][select(FRAME, Filter(kind="all", order="loss"))]) <= 0).all()
    assert (np.diff(FRAME["margin"][select(FRAME, Filter(kind="all", order="margin"))]) >= 0).all()
    assert select(FRAME, Filter(kind="all", order="index")).tolist() == list(range(500))
    first, again, other = (select(FRAME, Filter(order="random", order_seed=seed)).tolist() for seed in (1, 1, 2))
    assert first == again != other and sorted(first) == sorted(other)


def test_an_index_ignores_the_other_filters():
    right = int(np.flatnonzero(TRUE == PREDICTED)[0])
    assert select(FRAME, Filter(index=right)).tolist() == [right]
    assert select(FRAME, Filter(index=500)).tolist() == []


def test_pages():
    chosen = np.arange(100)
    assert page_of(chosen, Filter(per_page=48, page=2)).tolist() == list(range(48, 96))
    assert page_of(chosen, Filter(per_page=48, page=9)).tolist() == list(range(96, 100)), "the last page"
    assert page_of(chosen[:0], Filter()).tolist() == []


def test_the_address_keeps_the_whole_filter():
    wanted = Filter("all", 3, 4, 0.25, 0.75, True, None, "random", 7, 96, 3)
    params = wanted.to_params()
    assert all(name.startswith(PREFIX) for name in params)
    assert Filter.from_params(params | {"learning_rate": "0.1"}) == wanted
    assert Filter().to_params() == {} and Filter.from_params({}) == Filter()


@pytest.mark.parametrize(
    "params",
    [
        {"kind": "odd"},
        {"true": "10"},
        {"low": "2"},
        {"low": "nan"},
        {"page": "0"},
        {"true": "x"},
        {"per_page": "7"},
        {"order_seed": "-1"},
        {"index": "1e9"},
    ],
)
def test_an_invalid_address_raises_a_value_error(params):
    with pytest.raises(ValueError):
        Filter.from_params({PREFIX + name: value for name, value in params.items()})


def test_a_new_filter_starts_on_the_first_page():
    assert Filter(page=4).replace(true=2).page == 1 and Filter().replace(page=3).page == 3


@pytest.mark.parametrize("order", list(ORDERS))
def test_an_empty_selection_is_empty_in_every_order(order):
    assert len(select(FRAME, Filter(kind="right", true=3, predicted=4, order=order))) == 0
    assert len(select(FRAME, Filter(low=0.9999, order=order))) == 0
