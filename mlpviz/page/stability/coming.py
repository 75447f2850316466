"""The section “Seeing it coming”: sharpness, range test, the loss around the weights, and the cost of measuring."""

from __future__ import annotations

import streamlit as st

from mlpviz.answers import AlongGradient
from mlpviz.backend.commands import Change, SetSharpness
from mlpviz.backend.questions import LossAlongNextStep, LossPlane
from mlpviz.backend.specifications import RangeTestFrom
from mlpviz.figures.prices import price_rows
from mlpviz.figures.slices import along_gradient_curve, plane_map
from mlpviz.page import door
from mlpviz.page.board import board
from mlpviz.page.controls import locked
from mlpviz.page.door import answer
from mlpviz.page.fields import fill
from mlpviz.page.guard import safely
from mlpviz.page.memory import computed, is_computed
from mlpviz.page.plot import plot
from mlpviz.page.texts import TEXT
from mlpviz.page.under_way import RANGE_TEST
from mlpviz.snapshot import RangeSnapshot, Snapshot, Status
from mlpviz.state import RunState


def seeing_it_coming(run: RunState, snapshot: Snapshot | None) -> None:
    """Four early warnings, and what they cost."""
    with st.container(key="stack_coming_1"):
        left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        _sharpness(run, snapshot)
    with right, st.container(border=True):
        _range_test(run)
    with st.container(key="stack_coming_2"):
        left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        _along(run)
    with right, st.container(border=True):
        _plane(run)
    with st.container(border=True):
        _prices(run, snapshot)


def _sharpness(run: RunState, snapshot: Snapshot | None) -> None:
    st.markdown("##### Sharpness and 2/η")
    switch, on = f"sharpness_{run.id}", run.measures_sharpness
    # Read the state of the switch from the run: the same visitor may have changed it in another tab.
    st.session_state[switch] = on

    def tell() -> None:
        door.tell(run, SetSharpness(st.session_state[switch]))

    st.toggle("Measure it while it trains", key=switch, on_change=safely(tell))
    if on or (snapshot is not None and snapshot.sharpness is not None):
        board(run, key="sharpness_board", cards=("Sharpness",))
    else:
        st.caption(
            "Off at first, because it takes time: some Hessian-vector products on up to 512 images. The table below "
            "shows the cost."
        )
    with st.expander("What the threshold means, and where it fails"):
        st.markdown((TEXT / "sharpness.md").read_text(encoding="utf-8"))


def _range_test(run: RunState) -> None:
    st.markdown("##### Learning-rate range test")
    test = RANGE_TEST.state()
    if test is not None and test.specification != RangeTestFrom(run.id):
        test = None
    snapshot = door.task_snapshot(test) if test is not None else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = "Run the test" if test is None else "Run it again"
        st.button(label, key="begin_range_test", on_click=safely(RANGE_TEST.begin), args=(RangeTestFrom(run.id),))
        if isinstance(snapshot, RangeSnapshot) and snapshot.suggestion is not None:
            rate = snapshot.suggestion[2]
            st.button(
                f"Use {rate:g}",
                key="use_rate",
                type="primary",
                on_click=safely(_use_rate),
                args=(run, rate),
                disabled=locked("learning_rate"),
            )
    RANGE_TEST.say_problem()
    if test is None:
        st.caption(
            "A copy of the network trains at up to 200 learning rates, from 10⁻⁵ to 10. Each is a few per cent higher "
            "than the one before. The test stops when the loss rises sharply. Your run does not change."
        )
        return
    board(test, key="range_board")


def _use_rate(run: RunState, rate: float) -> None:
    settings = door.now(run).settings.replace(learning_rate=rate)
    door.tell(run, Change(settings))
    fill(settings)


def _along(run: RunState) -> None:
    st.markdown("##### The loss along the next step")
    if run.status == Status.TRAINING:
        st.info("Pause the run to see the loss along the gradient of the next update.")
        return
    key = (run.id, run.step, run.settings)
    along = computed("along", key, lambda: answer(run, LossAlongNextStep(), "Trying steps of different lengths…"))
    plot(along_gradient_curve(along), key="along_gradient", height=300)
    st.caption(
        f"The loss is that of the mini-batch of update {along.step + 1:,}{_share(along)}. "
        f"Dashed: the parabola with the same value, slope and curvature at α = 0.{_other_direction(run)}"
    )


def _share(along: AlongGradient) -> str:
    """How many of the mini-batch's images were used, if not all."""
    return f" (its first {along.images:,} images)" if along.images < along.batch else ""


def _other_direction(run: RunState) -> str:
    settings = run.settings
    if settings.optimizer == "sgd" and not settings.momentum:
        return ""
    name = settings.optimizer.upper() if settings.optimizer == "sgd" else settings.optimizer.capitalize()
    how = f"{name} with momentum" if settings.momentum else name
    return f" {how} itself steps in another direction than the plain gradient, which is drawn here."


def _plane(run: RunState) -> None:
    st.markdown("##### The loss landscape around the weights")
    if run.status == Status.TRAINING:
        st.info("Pause the run to draw the loss around its weights.")
        return
    key = (run.id, run.step)
    if not is_computed("plane", key):
        st.caption(
            "The loss of 512 training images on a plane through the present weights. The plane has two random "
            "directions. They are scaled: a move of 1 changes each unit’s weights by their own length "
            "(filter-normalised: Li et al., *Visualizing the loss landscape of neural nets*, 2018)."
        )
        if not st.button("Draw it", key="draw_plane"):
            return
    plane = computed("plane", key, lambda: answer(run, LossPlane(), "Computing the loss at 625 points…"))
    plot(plane_map(plane), key="plane", height=330)


def _prices(run: RunState, snapshot: Snapshot | None) -> None:
    st.markdown("##### What the measurements cost in this run")
    if snapshot is None or not snapshot.step:
        st.caption("This table appears after the first step.")
        return
    st.dataframe(price_rows(snapshot), hide_index=True)
    st.caption(
        "Measuring takes time, but it never changes the numbers. Update ratios, dead units and sharpness are measured "
        "at steps that depend only on the settings: often at first, then less and less often. So the same run always "
        "gives the same figures."
    )
