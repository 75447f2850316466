"""Check it yourself: a gradient against finite differences."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mlpviz.figures.chart import number
from mlpviz.figures.update import vee
from mlpviz.line_by_line.gradient_check import GradientCheck, gradient_check
from mlpviz.line_by_line.walk import Walk
from mlpviz.page.line_by_line.pick import pick_place
from mlpviz.page.plot import plot
from mlpviz.page.texts import TEXT
from mlpviz.run import Run


def _check(run: Run, walk: Walk, name: str, place: tuple[int, ...]) -> GradientCheck:
    """Worked out once for each number that the reader chooses."""
    state, key = st.session_state, (run.id, walk.step, walk.settings, name, place)
    if state.get("check_of") != key:
        state.check_of, state.check = key, gradient_check(walk, name, place)
    kept: GradientCheck = state.check
    return kept


def check_it_yourself(run: Run, walk: Walk) -> None:
    """For any weight: `.grad`, central differences for a row of step sizes, and their relative error."""
    st.subheader("Check it yourself")
    st.markdown((TEXT / "check.md").read_text(encoding="utf-8"))
    name = str(st.session_state.parameter)
    left, right = st.columns([4, 5], gap="medium")
    with left:
        place = pick_place(walk, name)
        check = _check(run, walk, name, place)
        entry = f"{name}.grad[{', '.join(map(str, place))}]"
        gradient = float(walk.parameter(name).gradient[place])
        st.markdown(f"`{entry}` = **{gradient:.7g}**; in float64 **{check.gradient_float64:.12g}**")
        if check.images < len(walk.labels):
            st.caption(
                f"Checked over the first {check.images:,} images of the mini-batch; their gradient in float32: "
                f"{check.gradient:.7g}."
            )
        step = slice(2, 20, 2)
        errors = check.errors("float64")[step]
        st.dataframe(
            {
                "h": [number(h) for h in check.nudges[step]],
                "difference, float64": [f"{d:.9g}" for d in check.differences["float64"][step]],
                "relative error": [number(e) for e in errors],
            },
            hide_index=True,
            height=250,
        )
    with right:
        plot(vee(check.nudges, {kind: check.errors(kind) for kind in ("float32", "float64")}), key="vee", height=300)
    if not np.isfinite(check.gradient_float64):
        st.caption("The gradient is not finite here: nothing to compare.")
    elif check.gradient_float64 == 0:
        st.caption(
            "This gradient is exactly 0, as of a unit that is dead or a pixel that is black: the error is absolute."
        )
