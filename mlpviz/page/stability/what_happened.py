"""The section “What happened”: the diagnosis, the evidence, and the way back."""

from __future__ import annotations

import math

import streamlit as st

from mlpviz.backend.commands import SetPausing
from mlpviz.diagnosis import PostMortem, Severity, WayBack
from mlpviz.figures.chart import number
from mlpviz.figures.dead_units import dead_units
from mlpviz.figures.diagnosis import how_it_is_doing, worst_update
from mlpviz.figures.post_mortem import post_mortem_charts
from mlpviz.page import door, memory
from mlpviz.page.board import Action
from mlpviz.page.controls import locked
from mlpviz.page.guard import safely
from mlpviz.page.plot import plot
from mlpviz.page.rewind import branch_from
from mlpviz.page.views import STABILITY, WHAT_HAPPENED
from mlpviz.snapshot import Snapshot, Status
from mlpviz.state import RunState


def what_happened(run: RunState, snapshot: Snapshot | None) -> None:
    """The verdict, the switch that pauses, the slider to go back, and the evidence."""
    if snapshot is None:
        st.info("The run is being prepared.")
        return
    _verdict(snapshot)
    _switch(run)
    if run.status == Status.TRAINING:
        st.caption("The run has trained on since this was drawn. Pause it to see its present state.")
    _rewind(run, snapshot)
    if snapshot.post_mortem is not None:
        _evidence(snapshot, snapshot.post_mortem)


def actions_after_alarm(run: RunState) -> list[Action]:
    """What the reader can do after an alarm: go back to before the trouble, or see the evidence."""
    if not run.examined or run.status in (Status.TRAINING, Status.EXAMINING):
        return []
    evidence = Action("evidence", "What happened?", "Show the evidence, in Stability.", _show_evidence)
    return [_way_back(*run.way_back), evidence] if run.way_back is not None else [evidence]


def _way_back(step: int, rate: float) -> Action:
    """Go back. This also sets the learning rate that was tried there, unless that is locked."""
    takes_rate = not locked("learning_rate")
    return Action(
        "back",
        f"Back to step {step:,}, learning rate {rate:g}" if takes_rate else f"Back to step {step:,}",
        "This learning rate was tried on a copy of the network. After going back, press Start to train on.",
        lambda run: branch_from(run, step, rate if takes_rate else None),
    )


def _show_evidence(run: RunState) -> None:
    st.session_state[memory.VIEW] = STABILITY
    st.session_state[memory.STABILITY_SECTION] = WHAT_HAPPENED


def _verdict(snapshot: Snapshot) -> None:
    """How a healthy run is doing; the strip above tells the rest."""
    if snapshot.diagnosis is None or snapshot.diagnosis.severity == Severity.HEALTHY:
        st.success(how_it_is_doing(snapshot.diagnosis))


def _switch(run: RunState) -> None:
    key = f"pauses_{run.id}"
    st.session_state[key] = run.pauses_when_ill  # another tab may have moved it

    def tell() -> None:
        door.tell(run, SetPausing(st.session_state[key]))

    st.toggle(
        "Pause when something goes wrong",
        key=key,
        on_change=safely(tell),
        help="For example, the loss is not finite. Or for 200 steps, it stays at the level of guessing or goes up and "
        "down without falling.",
    )


def _rewind(run: RunState, snapshot: Snapshot) -> None:
    way_back = snapshot.post_mortem.way_back if snapshot.post_mortem else None
    steps = sorted({*snapshot.checkpoints, *([way_back.step] if way_back else [])})
    steps = [step for step in steps if step < snapshot.step]
    if not steps:
        return
    best = way_back.step if way_back else steps[-1]
    key = f"rewind_{run.id}_{steps[-1]}_{len(steps)}"
    with st.container(border=True):
        st.markdown(
            "**Rewind and branch.** Go back to a saved step and train again from there. The old run stays in the "
            "charts as faint lines. If you change nothing, you get exactly the same numbers again."
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            if len(steps) > 1:
                step = st.select_slider("Step", steps, value=best, key=key, format_func=lambda n: f"{n:,}")
            else:
                step = steps[0]
            st.button(
                f"Branch from step {step:,}",
                key="branch",
                type="primary",
                icon=":material/alt_route:",
                on_click=safely(branch_from),
                args=(run, step),
            )


def _evidence(snapshot: Snapshot, post_mortem: PostMortem) -> None:
    st.header("The evidence")
    st.caption(
        f"Updates {post_mortem.steps[0]:,} to {post_mortem.steps[-1]:,}, repeated from a checkpoint. The numbers are "
        "exactly the same, and this time each update was measured in detail."
    )
    _facts(post_mortem)
    charts = [*post_mortem_charts(post_mortem)]
    if snapshot.hidden_layers:
        charts.append(dead_units(snapshot))
    for row in range(0, len(charts), 3):
        with st.container(key=f"stack_evidence_{row}"):
            for column, chart in zip(st.columns(3, gap="medium"), charts[row : row + 3], strict=False):
                with column:
                    plot(chart, key=f"evidence_{chart.name}", height=230)


def _facts(post_mortem: PostMortem) -> None:
    bad, worst = post_mortem.first_bad, worst_update(post_mortem)
    facts = [f"Healthy until step **{post_mortem.well_until:,}**."]
    if worst is not None:
        step, before, after = worst
        facts.append(
            f"Update **{step:,}** raised the loss of its own mini-batch from **{number(before)}** to "
            f"**{number(after)}**."
        )
    if bad is not None:
        what = f"the {bad[0]}" if bad[0] in ("logits", "loss") else f"the {bad[0]} of layer {bad[1]}"
        facts.append(f"First numbers that were not finite: **{what}**, at update **{bad[2]:,}**.")
    if post_mortem.stable_rate is not None:
        rate = post_mortem.diagnosis.vitals.settings.learning_rate
        facts.append(
            f"Judging by the curvature at step {post_mortem.well_until:,}, a learning rate up to about "
            f"**{number(post_mortem.stable_rate)}** would have been stable. Yours was **{rate:g}**."
        )
    if post_mortem.way_back is not None:
        facts.append(_tried(post_mortem.way_back))
    st.markdown("\n".join(f"- {fact}" for fact in facts))


def _tried(way: WayBack) -> str:
    """Each rate that was tried from the step to go back to, and its result."""
    losses = [f"{rate:g} → {number(loss) if math.isfinite(loss) else 'diverged'}" for rate, loss in way.tried]
    return (
        f"A copy of the network trained {way.steps:,} steps from step {way.step:,}, where the loss was "
        f"{number(way.loss)}. Learning rate → loss: {', '.join(losses)}. Chosen: **{way.rate:g}**."
    )
