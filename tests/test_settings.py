import dataclasses
import math
import pickle

import pytest

from mlpviz import Settings
from mlpviz.settings import BOUNDS, CHOICES, SettingError

UNUSUAL = Settings(
    dataset="kmnist",
    hidden_sizes=(1024, 1, 7),
    activation="leaky_relu",
    init="kaiming",
    init_std=1e-4,
    learning_rate=0.1 + 0.2,  # a float that needs all its digits to be read back exactly
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    batch_size=1,
    epochs=1000,
    train_size=12345,
    seed=2**53 - 1,
    device="cpu",
)


def test_the_defaults_are_the_articles():
    s = Settings()
    assert (s.hidden_sizes, s.activation, s.init, s.init_std) == ((256,), "relu", "normal", 0.01)
    assert (s.learning_rate, s.optimizer, s.momentum, s.weight_decay) == (0.1, "sgd", 0.0, 0.0)
    assert (s.batch_size, s.epochs, s.train_size) == (256, 10, None)


@pytest.mark.parametrize("settings", [Settings(), UNUSUAL, Settings(hidden_sizes=()), Settings(optimizer="adamw")])
def test_dict_json_and_url_keep_every_field(settings):
    assert Settings.from_dict(settings.to_dict()) == settings
    assert Settings.from_json(settings.to_json()) == settings
    assert Settings.from_params(settings.to_params()) == settings


def test_all_unusual_settings_except_the_optimizer_differ_from_the_default():
    assert set(UNUSUAL.differences(Settings())) == {f.name for f in dataclasses.fields(Settings)} - {"optimizer"}


def test_a_url_holds_only_what_differs():
    assert Settings(seed=3).to_params() == {"dataset": "fashion-mnist", "seed": "3"}


BAD = [
    ("learning_rate", math.nan),
    ("learning_rate", math.inf),
    ("learning_rate", -0.1),
    ("learning_rate", "0.1"),
    ("learning_rate", True),
    ("init_std", 11),
    ("momentum", 1.0),
    ("weight_decay", None),
    ("batch_size", 0),
    ("batch_size", 2.0),
    ("epochs", 1001),
    ("train_size", 0),
    ("seed", -1),
    ("hidden_sizes", (0,)),
    ("hidden_sizes", (1025,)),
    ("hidden_sizes", (8,) * 7),
    ("hidden_sizes", 256),
    ("hidden_sizes", (True,)),
    ("nesterov", 1),
    *[(name, "nonsense") for name in CHOICES],
    *[(name, ["relu"]) for name in CHOICES],
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_names_the_field_the_value_and_what_is_allowed(name, value):
    with pytest.raises(ValueError, match="must be") as error:
        Settings(**{name: value})
    assert str(error.value).startswith(f"{name} is {value!r}")


def test_momentum_needs_sgd_and_nesterov_needs_momentum():
    with pytest.raises(ValueError, match="momentum"):
        Settings(optimizer="adam", momentum=0.9)
    with pytest.raises(ValueError, match="nesterov"):
        Settings(nesterov=True)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"learning_rate": "nan"}, "learning_rate"),
        ({"hidden_sizes": "256-x"}, "hidden_sizes"),
        ({"hidden_sizes": "-5"}, "hidden_sizes"),
        ({"batch_size": "2.5"}, "batch_size"),
        ({"nesterov": "yes"}, "nesterov"),
        ({"train_size": "some"}, "train_size"),
    ],
)
def test_bad_url_parameters_name_their_field(params, name):
    with pytest.raises(ValueError, match=name):
        Settings.from_params(params)


def test_other_url_parameters_are_ignored_but_unknown_dict_fields_are_refused():
    assert Settings.from_params({"run": "abc"}) == Settings()
    with pytest.raises(ValueError, match="speed is not a setting"):
        Settings.from_dict({"speed": 3})
    with pytest.raises(ValueError, match="JSON"):
        Settings.from_json("{")
    with pytest.raises(ValueError, match="one JSON object"):
        Settings.from_json("[]")


def test_a_huge_whole_number_is_also_a_value_error():
    with pytest.raises(ValueError, match="learning_rate"):
        Settings(learning_rate=10**400)


def test_settings_whose_live_fields_do_not_mix_can_be_compared():
    momentum = Settings(momentum=0.9, nesterov=True)
    assert Settings(optimizer="adam").needs_new_run(momentum) and momentum.needs_new_run(Settings())


@pytest.mark.parametrize(
    ("change", "new_run"),
    [
        ({"learning_rate": 1.0}, False),
        ({"momentum": 0.5}, False),
        ({"weight_decay": 0.1}, False),
        ({"epochs": 3}, False),
        ({"batch_size": 32}, True),
        ({"seed": 1}, True),
        ({"hidden_sizes": (8,)}, True),
        ({"learning_rate": 1.0, "init_std": 0.1}, True),
    ],
)
def test_which_changes_need_a_new_run(change, new_run):
    assert Settings().needs_new_run(Settings(**change)) is new_run


def test_bounds_are_inclusive_and_no_hidden_layer_is_written_none():
    for name, bounds in BOUNDS.items():
        for value in bounds:
            assert getattr(Settings(**{name: value}), name) == value
    assert Settings(hidden_sizes=()).to_params()["hidden_sizes"] == "none"


def test_large_networks_have_a_largest_mini_batch():
    """With the article's network, all 60,000 images. With a larger one, half of that work: images times parameters."""
    assert Settings(batch_size=60_000).largest_batch == 60_000
    assert Settings(hidden_sizes=(), batch_size=60_000).largest_batch == 60_000
    deep = Settings(hidden_sizes=(1024,) * 6, batch_size=1)
    most = 30_000 * Settings().parameters
    assert deep.largest_batch * deep.parameters <= most < (deep.largest_batch + 1) * deep.parameters
    assert deep.replace(batch_size=deep.largest_batch).batch_size == deep.largest_batch == 1007
    with pytest.raises(ValueError, match=r"batch_size is 1008; it must be at most 1,007 with hidden layers 1024-"):
        deep.replace(batch_size=1008)
    with pytest.raises(ValueError, match="at most 1,007"):
        Settings.from_params({"hidden_sizes": "1024-1024-1024-1024-1024-1024", "batch_size": "48600"})


def test_an_error_shows_only_the_beginning_of_a_long_value():
    with pytest.raises(ValueError, match=r"…; it must be 0 to 6 layers") as error:
        Settings(hidden_sizes=(8,) * 3000)
    assert len(str(error.value)) < 300


def test_a_size_with_very_many_digits_gets_our_own_message():
    with pytest.raises(ValueError, match="it must be whole numbers such as 256") as error:
        Settings.from_params({"hidden_sizes": "9" * 5000})
    assert len(str(error.value)) < 300


def test_an_error_names_the_setting_and_can_be_pickled():
    with pytest.raises(SettingError) as caught:
        Settings(batch_size=0)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.field, error.value) == ("batch_size", "0") and str(error) == str(caught.value)
