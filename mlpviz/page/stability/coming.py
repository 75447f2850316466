"""Seeing it coming: sharpness, the range test, the loss around the weights, and what looking costs."""

from __future__ import annotations

import streamlit as st

from mlpviz.engine import EngineFullError
from mlpviz.figures.prices import price_rows
from mlpviz.figures.slices import along_gradient_curve, plane_map
from mlpviz.live.engine import get_engine
from mlpviz.page.answers import PATIENCE, answer, frozen
from mlpviz.page.board import board
from mlpviz.page.controls import locked
from mlpviz.page.fields import fill
from mlpviz.page.plot import plot
from mlpviz.page.texts import TEXT
from mlpviz.page.visit import visitor
from mlpviz.run import Run, run_bytes
from mlpviz.snapshot import AlongGradient, RangeSnapshot
from mlpviz.stability.range_test import RangeTest
from mlpviz.stability.slices import NextStep, along_gradient, plane, probe
from mlpviz.task import REFRESH

INTERVALS = [REFRESH, 1.0, 2.0, 5.0, 15.0]  # seconds


def seeing_it_coming(run: Run, status: str) -> None:
    """Four looks ahead, and their prices."""
    with st.container(key="stack_coming_1"):
        left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        _sharpness(run, status)
    with right, st.container(border=True):
        _range_test(run, status)
    with st.container(key="stack_coming_2"):
        left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        _along(run, status)
    with right, st.container(border=True):
        _plane(run, status)
    with st.container(border=True):
        _prices(run)


def _sharpness(run: Run, status: str) -> None:
    st.markdown("##### Sharpness against 2/η")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        on = st.toggle("Measure it while it trains", value=run.sharpness.every is not None, key=f"sharpness_{run.id}")
        every = st.select_slider(
            "Sharpness every",
            INTERVALS,
            value=run.sharpness.every or REFRESH,
            key=f"sharpness_every_{run.id}",
            format_func=lambda seconds: f"every {seconds:g} s",
            label_visibility="collapsed",
            disabled=not on,
        )
    run.sharpness.every = every if on else None
    if on or (run.snapshot is not None and run.snapshot.sharpness is not None):
        board(run, status, key="sharpness_board", cards=("Sharpness",))
    else:
        st.caption("Off until asked for: it takes a few Hessian-vector products on 512 images, priced below.")
    with st.expander("What the threshold promises, and what not"):
        st.markdown((TEXT / "sharpness.md").read_text(encoding="utf-8"))


def _range_test(run: Run, status: str) -> None:
    st.markdown("##### Learning-rate range test")
    kept = get_engine().watch(st.session_state.get("range_test", ""))
    if not isinstance(kept, RangeTest) or st.session_state.get("range_test_run") != run.id:
        kept = None
    snapshot = kept.snapshot if kept is not None else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = "Run the test" if kept is None else "Run it again"
        st.button(label, key="begin_range_test", on_click=_begin_range_test, args=(run,))
        if isinstance(snapshot, RangeSnapshot) and snapshot.suggestion is not None:
            rate = snapshot.suggestion[2]
            st.button(
                f"Use {rate:g}",
                key="use_rate",
                type="primary",
                on_click=_use_rate,
                args=(run, rate),
                disabled=locked("learning_rate"),
            )
    if problem := st.session_state.pop("range_test_problem", ""):
        st.error(problem)
    if kept is None:
        st.caption(
            "A copy of the present weights trains at 200 rates, each a few per cent larger than the last, from 10⁻⁵ "
            "to 10, until the loss runs away. The run itself is untouched."
        )
        return
    board(kept, snapshot.status if snapshot is not None else "training", key="range_board")


def _begin_range_test(run: Run) -> None:
    engine, owner = get_engine(), visitor()
    try:
        checkpoint = engine.ask(run, lambda run: run.trainer.checkpoint()).result(PATIENCE)
        task = RangeTest(run.trainer.dataset, checkpoint, run_bytes(run.settings), owner)
        engine.add(task, instead_of=engine.watch(st.session_state.get("range_test", "")))
        st.session_state.range_test, st.session_state.range_test_run = task.token, run.id
    except (ValueError, EngineFullError) as error:
        st.session_state.range_test_problem = str(error)
    except TimeoutError:
        st.session_state.range_test_problem = "The server is busy. Try again in a moment."


def _use_rate(run: Run, rate: float) -> None:
    settings = run.settings.replace(learning_rate=rate)
    get_engine().change(run, settings).wait(1)
    fill(settings)


def _along(run: Run, status: str) -> None:
    st.markdown("##### The next step, seen from the side")
    if status == "training":
        st.info("Pause it, and the loss along the next update’s gradient is drawn here.")
        return
    key = (run.id, run.step, run.settings)
    if st.session_state.get("along_key") != key:
        with st.spinner("Trying steps of many lengths…", show_time=False):
            look = answer(run, lambda run: NextStep(run.trainer))
            st.session_state.along, st.session_state.along_key = along_gradient(look), key
    found: AlongGradient = st.session_state.along
    plot(along_gradient_curve(found), key="along_gradient", height=300)
    st.caption(
        f"On the mini-batch of update {found.step + 1:,}{_part(found)}. "
        f"Dashed: the loss as its slope and curvature here have it.{_other_direction(run)}"
    )


def _part(found: AlongGradient) -> str:
    return f", its first {found.images:,} images" if found.images < found.batch else ""


def _other_direction(run: Run) -> str:
    settings = run.settings
    if settings.optimizer == "sgd" and not settings.momentum:
        return ""
    name = settings.optimizer.upper() if settings.optimizer == "sgd" else settings.optimizer.capitalize()
    how = f"{name} with momentum" if settings.momentum else name
    return f" {how} itself steps in another direction; this is along the plain gradient."


def _plane(run: Run, status: str) -> None:
    st.markdown("##### The landscape around")
    if status == "training":
        st.info("Pause it, and the loss around its weights can be drawn here.")
        return
    key = (run.id, run.step)
    if st.session_state.get("plane_key") == key:
        plot(plane_map(st.session_state.plane), key="plane", height=330)
        return
    st.caption(
        "The loss of 512 training images on a plane through the present weights: two random directions, in which each "
        "unit’s weights move as far as they are long (filter-normalised: Li et al., *Visualizing the loss landscape of "
        "neural nets*, 2018)."
    )
    if st.button("Draw it", key="draw_plane"):
        bar = st.progress(0.0, "Measuring 625 networks…")
        _, net = frozen(run)
        st.session_state.plane = plane(net, *answer(run, lambda run: probe(run.trainer)), told=bar.progress)
        st.session_state.plane_key = key
        st.rerun()


def _prices(run: Run) -> None:
    st.markdown("##### What looking costs, in this run")
    snapshot = run.snapshot
    left, right = st.columns([5, 2], gap="medium", vertical_alignment="center")
    with left:
        if snapshot is None or not snapshot.step:
            st.caption("Priced once it has trained.")
        else:
            st.dataframe(price_rows(snapshot), hide_index=True)
    with right:
        every = st.select_slider(
            "Histograms, update ratios and dead units every",
            INTERVALS,
            value=run.inspect_every,
            key=f"inspect_every_{run.id}",
            format_func=lambda seconds: f"{seconds:g} s",
        )
        run.inspect_every = every
        st.caption("Looking never changes the numbers; it only takes time from training.")
