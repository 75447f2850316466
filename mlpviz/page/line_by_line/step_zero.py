"""Step 0: what the size of the first weights does, before any training; on demand, after one epoch."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from mlpviz.engine import EngineFullError
from mlpviz.figures.step_zero import initial_loss, layered
from mlpviz.line_by_line.step_zero import INIT_STDS, Signals, marks, measure, predict
from mlpviz.line_by_line.sweep import Sweep
from mlpviz.live.engine import get_engine
from mlpviz.page.board import board
from mlpviz.page.plot import plot
from mlpviz.page.texts import TEXT
from mlpviz.page.visit import visitor
from mlpviz.run import Run
from mlpviz.settings import Settings


def step_zero(run: Run, status: str) -> None:
    """Dots are measured on a mini-batch, lines predicted; the red line is the Init std of the sidebar."""
    settings = run.settings
    here = float(st.session_state.init_std) if settings.init == "normal" else math.nan
    with st.spinner("Trying many init stds…", show_time=False):
        measured, predicted = _signals(_relevant(settings), run, None)
        exactly = _signals(_relevant(settings), run, here) if settings.init == "normal" else ()
    st.markdown((TEXT / "step_zero.md").read_text(encoding="utf-8"))
    if settings.init != "normal":
        st.caption(f"This run’s own weights are drawn by *{settings.init}*; the figures are of normal ones.")
    named = marks(settings)
    stds = measured.init_stds
    left, right = st.columns(2, gap="medium")
    with left:
        sentence = "Root mean square of z = Wh + b, layer by layer: dots measured, lines predicted."
        plot(
            layered("Signals", sentence, stds, measured.values, predicted.values, here, named, type="log"),
            key="signals",
        )
        now = [float(signals.losses[0]) for signals in exactly]
        plot(initial_loss(stds, measured.losses, predicted.losses, here, now, named), key="initial_loss")
    with right:
        sentence = "Root mean square of ∂ℓ/∂z, layer by layer."
        gradients = measured.gradients, predicted.gradients
        plot(layered("Gradients", sentence, stds, *gradients, here, named, type="log"), key="signal_gradients")
        if settings.hidden_sizes:
            _shares(measured, here, named)
    _after_an_epoch(run)


def _shares(measured: Signals, here: float, named: dict[str, float]) -> None:
    sentence = "Share of activations, unit by unit and image by image, whose slope is below 10⁻³."
    chart = layered(
        "No slope",
        sentence,
        measured.init_stds,
        measured.flat_shares,
        None,
        here,
        named,
        tickformat=".0%",
        range=[-0.02, 1.02],
    )
    plot(chart, key="flat_shares")
    dead = ", ".join(f"{100 * share:.0f} %" for share in measured.dead_shares.max(axis=0))
    st.caption(f"Units without a slope on every one of the images, at the worst init std, layer by layer: {dead}.")


def _relevant(settings: Settings) -> Settings:
    """What the first signals depend on, and nothing else: the key of the cache."""
    return Settings(
        dataset=settings.dataset,
        hidden_sizes=settings.hidden_sizes,
        activation=settings.activation,
        seed=settings.seed,
        batch_size=1,
    )


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs={Settings: Settings.to_json})
def _signals(settings: Settings, _run: Run, init_std: float | None) -> tuple[Signals, Signals]:
    """Measured and predicted, over the whole range or at one init std."""
    dataset = _run.trainer.dataset
    stds = _range(settings) if init_std is None else np.array([init_std])
    return measure(settings, dataset, stds), predict(settings, dataset, stds)


def _range(settings: Settings) -> np.ndarray:
    """25 init stds, or every third of them where the network is large."""
    return INIT_STDS if sum(settings.hidden_sizes) <= 2048 else INIT_STDS[::3]


def _after_an_epoch(run: Run) -> None:
    st.subheader("And after one epoch?")
    kept = get_engine().watch(st.session_state.get("sweep", ""))
    wanted = run.settings.replace(init="normal", init_std=0.01, epochs=1)
    if not isinstance(kept, Sweep) or kept.settings.replace(init_std=0.01) != wanted:
        kept = None
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Train 13 networks for one epoch each" if kept is None else "Train them again"
        st.button(label, key="begin_sweep", on_click=_begin, args=(run,))
        if kept is not None and kept.status == "training":
            st.button("Stop", key="stop_sweep", on_click=_stop)
    if problem := st.session_state.pop("sweep_problem", ""):
        st.error(problem)
    if kept is not None:
        board(kept, kept.status, key="sweep_board")


def _begin(run: Run) -> None:
    engine = get_engine()
    try:
        sweep = Sweep(run.settings, run.trainer.dataset, visitor())
        engine.add(sweep, instead_of=engine.watch(st.session_state.get("sweep", "")))
        st.session_state.sweep = sweep.token
    except (ValueError, EngineFullError) as error:
        st.session_state.sweep_problem = str(error)


def _stop() -> None:
    sweep = get_engine().watch(st.session_state.pop("sweep", ""))
    if sweep is not None:
        get_engine().drop(sweep)
