"""What happened? The diagnosis, its evidence, and the way back."""

from __future__ import annotations

import streamlit as st

from mlpviz.diagnosis import HEALTHY, PostMortem
from mlpviz.figures.chart import number
from mlpviz.figures.dead_units import dead_units
from mlpviz.figures.diagnosis import how_it_is_doing, worst_update
from mlpviz.figures.post_mortem import post_mortem_charts
from mlpviz.page.plot import plot
from mlpviz.page.rewind import branch_from
from mlpviz.page.views import STABILITY, WHAT_HAPPENED
from mlpviz.run import Run
from mlpviz.snapshot import Snapshot


def what_happened(run: Run, status: str) -> None:
    """From the verdict to the evidence; on the way, the switch and the slider back in time."""
    snapshot = run.snapshot
    if snapshot is None:
        st.info("The run is being prepared.")
        return
    _verdict(snapshot)
    _switch(run)
    if status == "training":
        st.caption("This is how it stood when the page was last drawn; Pause for a fresh look.")
    _rewind(run, snapshot)
    if snapshot.post_mortem is not None:
        _evidence(snapshot, snapshot.post_mortem)


def alarm_buttons(run: Run) -> None:
    """Beside the board, after an alarm: back to just before, or to the evidence."""
    found = run.post_mortem
    if found is None or run.status in ("training", "examining"):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="after_alarm"):
        st.button(
            f"Back to step {found.back_to:,}, just before",
            key="just_before",
            type="primary",
            icon=":material/history:",
            on_click=branch_from,
            args=(run, found.back_to),
        )
        st.button("What happened?", key="what_happened", icon=":material/troubleshoot:", on_click=_show_evidence)


def _show_evidence() -> None:
    st.session_state.view = STABILITY
    st.session_state.stability_section = WHAT_HAPPENED


def _verdict(snapshot: Snapshot) -> None:
    """What the strip above doesn't say already."""
    if snapshot.diagnosis is None or snapshot.diagnosis.severity == HEALTHY:
        st.success(how_it_is_doing(snapshot.diagnosis))


def _switch(run: Run) -> None:
    key = f"pauses_{run.id}"
    st.session_state.setdefault(key, run.pauses_when_ill)
    st.toggle(
        "Pause when something goes wrong",
        key=key,
        on_change=lambda: _set_switch(run, st.session_state[key]),
        help="An alarm: the loss is not finite, or stays at chance, or swings without falling, for 200 steps.",
    )


def _set_switch(run: Run, on: bool) -> None:
    run.pauses_when_ill = on


def _rewind(run: Run, snapshot: Snapshot) -> None:
    steps = sorted({*snapshot.checkpoints, *([snapshot.post_mortem.back_to] if snapshot.post_mortem else [])})
    steps = [step for step in steps if step < snapshot.step]
    if not steps:
        return
    best = snapshot.post_mortem.back_to if snapshot.post_mortem else steps[-1]
    key = f"rewind_{run.id}_{steps[-1]}_{len(steps)}"
    with st.container(border=True):
        st.markdown(
            "**Rewind and branch.** Go back to a kept step and train on from there; what was is drawn behind it, "
            "faint. With nothing changed, the same bits come again."
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
                on_click=branch_from,
                args=(run, step),
            )


def _evidence(snapshot: Snapshot, found: PostMortem) -> None:
    st.subheader("The evidence")
    st.caption(
        f"Updates {found.steps[0]:,} to {found.steps[-1]:,}, made once more from a checkpoint, with the same bits, and "
        "looked at in full."
    )
    _facts(found)
    charts = [*post_mortem_charts(found)]
    if snapshot.hidden_layers:
        charts.append(dead_units(snapshot))
    for row in range(0, len(charts), 3):
        with st.container(key=f"stack_evidence_{row}"):
            for column, chart in zip(st.columns(3, gap="medium"), charts[row : row + 3], strict=False):
                with column:
                    plot(chart, key=f"evidence_{chart.name}", height=230)


def _facts(found: PostMortem) -> None:
    bad, worst = found.first_bad, worst_update(found)
    facts = [f"All was well until step **{found.back_to:,}**: the lowest loss while the units lived."]
    if worst is not None:
        step, before, after = worst
        facts.append(
            f"Mini-batch **{step:,}** cost **{number(before)}** just before its own update, "
            f"**{number(after)}** after it."
        )
    if bad is not None:
        what = f"the {bad[0]}" if bad[0] in ("logits", "loss") else f"the {bad[0]} of layer {bad[1]}"
        facts.append(f"The first tensor that was not finite: **{what}**, at update **{bad[2]:,}**.")
    if found.stable_rate is not None:
        rate = found.diagnosis.vitals.settings.learning_rate
        facts.append(
            f"2 / sharpness at step {found.back_to:,}: **{number(found.stable_rate)}**; "
            f"your learning rate: **{rate:g}**."
        )
    st.markdown("\n".join(f"- {fact}" for fact in facts))
