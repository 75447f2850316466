"""The settings, grouped; the article's four first, the rest folded."""

from __future__ import annotations

import streamlit as st

from mlpviz.catalog import CATALOG, default_dataset, find_dataset
from mlpviz.lessons import GROUPS as MEMBERS
from mlpviz.page import memory
from mlpviz.page.controls import anything_locked, hidden, locked
from mlpviz.page.downloads import download_offer
from mlpviz.page.fields import LABELS, fill, prepare, problem_at, read
from mlpviz.page.guard import safely
from mlpviz.page.lessons import choose_lesson
from mlpviz.page.visit import come_back
from mlpviz.page.words import plain
from mlpviz.settings import (
    ACTIVATION_NAMES,
    BOUNDS,
    DATASET_NAMES,
    DEVICE_NAMES,
    INIT_NAMES,
    OPTIMIZER_NAMES,
    Settings,
    parse,
)

MANTISSAS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
LEARNING_RATES = [*(float(f"{m:g}e{e}") for e in range(-4, 1) for m in MANTISSAS), 10.0]
INIT_STDS = [x for x in LEARNING_RATES if x <= 5]
BATCH_SIZES = [2**k for k in range(13)]
TITLES = {name: entry.title for name, entry in CATALOG.items()}
TITLES["fashion-mnist-mini"] += " (10,000 images)"


def sidebar() -> Settings:
    """Draw the widgets; gives the settings that they say."""
    prepare(come_back() if not memory.SETTINGS.known() else None)
    _fit_to_dataset()
    settings = read()
    choose_lesson()
    _article()
    for group, (label, draw) in GROUPS.items():
        if not all(hidden(name) for name in MEMBERS[group]):
            with st.expander(label):
                draw()
    if not hidden("data"):
        _missing_dataset()
    if not anything_locked():
        st.button("The article’s settings", on_click=safely(_article_settings), width="stretch")
    return settings


def _fit_to_dataset() -> None:
    """A smaller dataset takes along what was set for a larger one, and a larger network what was set for a smaller."""
    state = st.session_state
    if state.train_size is not None:
        state.train_size = min(state.train_size, _images())
    state.batch_size = min(state.batch_size, state.train_size or _images())
    largest = _largest_batch()
    if state.batch_size > largest:
        state.batch_size = largest
        memory.NOTES.get().append(f"The batch size is {largest:,} now: a larger network takes longer for each image.")


def _article() -> None:
    if not hidden("learning_rate"):
        explained = (
            r"How far each step goes. Too high, and the loss jumps. $\eta$ in $\theta \leftarrow \theta - \eta\, g$."
        )
        _scale("learning_rate", LEARNING_RATES, explained)
    if not hidden("batch_size"):
        _batch_size()
    if not hidden("epochs"):
        low, high = BOUNDS["epochs"]
        times = "How many times the run goes through all training images. After each, the network is tested."
        st.number_input(
            LABELS["epochs"], int(low), int(high), step=1, key="epochs", help=times, disabled=locked("epochs")
        )
    if not hidden("init_std"):
        _scale(
            "init_std",
            INIT_STDS,
            r"How far the first weights spread around 0. If it is far too small or too large, the network learns "
            r"slowly or not at all. $\sigma$ in $W_{ij} \sim \mathcal{N}(0, \sigma^2)$; biases "
            "start at 0.",
            disabled=st.session_state["init"] != "normal",
        )


def _network() -> None:
    if not hidden("hidden_sizes"):
        st.text_input(
            LABELS["hidden_sizes"],
            key="hidden_sizes",
            disabled=locked("hidden_sizes"),
            help="The number of units in each hidden layer, for example 256 or 256-128. Write *none* for a network "
            "without a hidden layer.",
        )
        if problem := problem_at("hidden_sizes"):
            st.error(plain(problem))
    if not hidden("activation"):
        st.selectbox(
            LABELS["activation"],
            ACTIVATION_NAMES,
            key="activation",
            help=r"The function that each hidden layer ends with. $\varphi$ in $h = \varphi(W_1 x + b_1)$.",
            disabled=locked("activation"),
        )
    if not hidden("init"):
        st.selectbox(
            LABELS["init"],
            INIT_NAMES,
            key="init",
            disabled=locked("init"),
            help=r"How the first weights are drawn. *normal* uses Init std. *xavier*: "
            r"$\sigma^2 = 2/(n_\text{in} + n_\text{out})$. *kaiming*: $\sigma^2 = 2/n_\text{in}$. *pytorch*: what "
            "`nn.Linear` does by default. *zeros*: all weights 0.",
        )
    if not hidden("seed"):
        st.number_input(
            LABELS["seed"],
            0,
            int(BOUNDS["seed"][1]),
            step=1,
            key="seed",
            help="Where the random numbers begin. The same seed gives the same run, to the last digit.",
            disabled=locked("seed"),
        )


def _optimizer() -> None:
    how = "How a step is made from the gradient."
    if not hidden("optimizer"):
        st.selectbox(LABELS["optimizer"], OPTIMIZER_NAMES, key="optimizer", help=how, disabled=locked("optimizer"))
    sgd = st.session_state.optimizer == "sgd"
    if not hidden("momentum"):
        st.slider(
            LABELS["momentum"],
            0.0,
            0.999,
            step=0.001,
            format="%.3f",
            key="momentum",
            disabled=not sgd or locked("momentum"),
            help="How much of the earlier steps is kept in the next one. "
            r"$\mu$ in $v \leftarrow \mu v + g$, $\theta \leftarrow \theta - \eta v$. Only sgd has it.",
        )
    if not hidden("nesterov"):
        st.checkbox(
            LABELS["nesterov"],
            key="nesterov",
            disabled=not sgd or not st.session_state.momentum or locked("nesterov"),
            help=r"Momentum that looks ahead: the step is along $g + \mu v$ instead of $v$.",
        )
    if not hidden("weight_decay"):
        st.number_input(
            LABELS["weight_decay"],
            *BOUNDS["weight_decay"],
            step=0.0001,
            format="%g",
            key="weight_decay",
            disabled=locked("weight_decay"),
            help=r"Pulls all weights towards 0 at each step. With sgd: $g \leftarrow g + \lambda\theta$.",
        )


def _data() -> None:
    if not hidden("dataset"):
        st.selectbox(
            LABELS["dataset"],
            DATASET_NAMES,
            format_func=TITLES.__getitem__,
            key="dataset",
            help="Grey images of 28 × 28 pixels, in ten classes.",
            disabled=locked("dataset"),
        )
    if not hidden("train_size"):
        st.number_input(
            LABELS["train_size"],
            1,
            _images(),
            value=None,
            step=1000,
            key="train_size",
            disabled=locked("train_size"),
            placeholder="all",
            help="How many training images are used, from the first one on. Empty: all.",
        )
    where = "Where the network is trained. *auto* takes the fastest device of this machine."
    if not hidden("device"):
        st.selectbox(LABELS["device"], DEVICE_NAMES, key="device", help=where, disabled=locked("device"))


def _missing_dataset() -> None:
    """Where the chosen dataset isn't the whole one, or isn't here, say so and offer it."""
    name = st.session_state.dataset
    wanted = "fashion-mnist" if name == "fashion-mnist-mini" else name
    if find_dataset(wanted) is None:
        if name == "fashion-mnist-mini":
            st.caption("The full Fashion-MNIST is not on this machine. This is the small one that comes with mlpviz.")
        download_offer(wanted, TITLES[wanted])


def _scale(key: str, values: list[float], explained: str, disabled: bool = False) -> None:
    """A slider in equal factors; a value from the address that is not on it gets a place of its own."""
    odd = memory.ODD_VALUES.get().setdefault(key, set())
    if st.session_state[key] not in values:
        odd.add(st.session_state[key])
    options = sorted({*values, *odd})
    st.select_slider(
        LABELS[key], options, key=key, format_func=lambda x: f"{x:g}", help=explained, disabled=disabled or locked(key)
    )


def _batch_size() -> None:
    images, largest = st.session_state.train_size or _images(), _largest_batch()
    odd = memory.ODD_VALUES.get().setdefault("batch_size", set())
    odd.add(st.session_state.batch_size)
    options = sorted({int(n) for n in (*BATCH_SIZES, *odd) if n < largest} | {largest})
    st.select_slider(
        LABELS["batch_size"],
        options,
        key="batch_size",
        disabled=locked("batch_size"),
        format_func=lambda n: f"all {n:,}" if n == images else f"{n:,}",
        help="How many images each step uses. With few images, steps are quick and noisy. With many, "
        "they are smooth, and an epoch has fewer of them. "
        "The gradient is the mean over these $m$ images." + _why_no_larger(largest, images),
    )


def _largest_batch() -> int:
    """All images, or as many as this network may have in a mini-batch."""
    images: int = st.session_state.train_size or _images()
    try:
        layers = parse("hidden_sizes", st.session_state.hidden_sizes)
        return min(images, Settings(hidden_sizes=layers, batch_size=1).largest_batch)
    except ValueError:  # the sizes are being typed, say; `read` says what is wrong
        return images


def _why_no_larger(largest: int, images: int) -> str:
    return f" With this network, at most {largest:,}: more would make a step slow." if largest < images else ""


def _images() -> int:
    return CATALOG[st.session_state.dataset].train_size


def _article_settings() -> None:
    fill(Settings(dataset=default_dataset()))


#: The folded groups, by the name that hides them.
GROUPS = {
    "network": ("Network", _network),
    "optimizer": ("Optimizer", _optimizer),
    "data": ("Data and device", _data),
}
