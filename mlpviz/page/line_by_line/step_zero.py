"""Step 0: what the size of the first weights does before training and, on request, after one epoch."""

from __future__ import annotations

import math

import streamlit as st

from mlpviz.answers import Signals
from mlpviz.backend.questions import FirstSignals
from mlpviz.backend.specifications import SweepInitStds
from mlpviz.figures.step_zero import initial_loss, layered, marks
from mlpviz.page.board import board
from mlpviz.page.door import answer
from mlpviz.page.guard import safely
from mlpviz.page.memory import computed
from mlpviz.page.plot import plot
from mlpviz.page.texts import TEXT
from mlpviz.page.under_way import SWEEP
from mlpviz.settings import Settings
from mlpviz.snapshot import Status
from mlpviz.state import RunState


def step_zero(run: RunState) -> None:
    """Dots are measured on 256 training images, lines are predicted. The red line is the sidebar's Init std."""
    settings = run.settings
    here = float(st.session_state.init_std) if settings.init == "normal" else math.nan
    measured, predicted = _signals("signals", run, None)
    exactly = _signals("signals_here", run, here) if settings.init == "normal" else ()
    st.markdown((TEXT / "step_zero.md").read_text(encoding="utf-8"))
    if settings.init != "normal":
        st.caption(
            f"This run’s initialisation is *{settings.init}*. The charts are for weights from a normal distribution."
        )
    named = marks(settings)
    stds = measured.init_stds
    left, right = st.columns(2, gap="medium")
    with left:
        sentence = "Root mean square of z = Wh + b in each layer: dots are measured, lines are predicted."
        plot(
            layered("Signals", sentence, stds, measured.values, predicted.values, here, named, type="log"),
            key="signals",
        )
        now = [float(signals.losses[0]) for signals in exactly]
        plot(initial_loss(stds, measured.losses, predicted.losses, here, now, named), key="initial_loss")
    with right:
        sentence = "Root mean square of ∂ℓ/∂z in each layer."
        gradients = measured.gradients, predicted.gradients
        plot(layered("Gradients", sentence, stds, *gradients, here, named, type="log"), key="signal_gradients")
        if settings.hidden_sizes:
            _shares(measured, here, named)
    _after_an_epoch(run)


def _shares(measured: Signals, here: float, named: dict[str, float]) -> None:
    sentence = "Share of activations whose slope is below 10⁻³, over all units and images."
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
    st.caption(f"Units whose slope is below 10⁻³ on all images, at the worst init std, in each layer: {dead}.")


def _relevant(settings: Settings) -> Settings:
    """Only the settings that the first signals depend on, as the key of the cache."""
    return Settings(
        dataset=settings.dataset,
        hidden_sizes=settings.hidden_sizes,
        activation=settings.activation,
        seed=settings.seed,
        batch_size=1,
    )


def _signals(name: str, run: RunState, init_std: float | None) -> tuple[Signals, Signals]:
    """Measured and predicted, over the whole range or at one init std."""
    question = FirstSignals(_relevant(run.settings), init_std)
    return computed(name, question, lambda: answer(run, question, "Trying many init stds…"))


def _after_an_epoch(run: RunState) -> None:
    st.header("And after one epoch?")
    wanted = SweepInitStds(run.settings.replace(init="normal", init_std=0.01, epochs=1))
    sweep = SWEEP.state()
    if sweep is not None and sweep.specification != wanted:
        sweep = None
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Train 13 networks for one epoch each" if sweep is None else "Train them again"
        st.button(label, key="begin_sweep", on_click=safely(SWEEP.begin), args=(wanted,))
        if sweep is not None and sweep.status == Status.TRAINING:
            st.button("Stop", key="stop_sweep", on_click=safely(SWEEP.stop))
    SWEEP.say_problem()
    if sweep is not None:
        board(sweep, key="sweep_board")
