"""Check it yourself: a gradient compared with finite differences."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mlpviz.answers import Walk
from mlpviz.backend.questions import CheckGradient
from mlpviz.figures.chart import number
from mlpviz.figures.update import vee
from mlpviz.page import memory
from mlpviz.page.door import answer
from mlpviz.page.line_by_line.pick import pick_place
from mlpviz.page.memory import computed
from mlpviz.page.plot import plot
from mlpviz.page.texts import TEXT
from mlpviz.state import RunState

SHOWN = slice(2, 20, 2)  # of the step sizes: powers of ten


def check_it_yourself(run: RunState, walk: Walk) -> None:
    """For any weight: `.grad`, central differences for several step sizes, and their relative error."""
    st.header("Check it yourself")
    st.markdown((TEXT / "check.md").read_text(encoding="utf-8"))
    name = str(st.session_state[memory.PARAMETER])
    left, right = st.columns([4, 5], gap="medium")
    with left:
        place = pick_place(walk, name)
        question = CheckGradient(memory.READER.get(), walk.step, name, place)
        check = computed("walk_check", (run.id, walk.settings, question), lambda: answer(run, question))
        entry = f"{name}.grad[{', '.join(map(str, place))}]"
        st.markdown(f"`{entry}` = **{check.entry:.7g}**; in float64 **{check.gradient_float64:.12g}**")
        if check.images < len(walk.labels):
            st.caption(
                f"The check uses only the first {check.images:,} images of the mini-batch. Their gradient in "
                f"float32 is {check.gradient:.7g}."
            )
        st.dataframe(
            {
                "h": [number(h) for h in check.nudges[SHOWN]],
                "difference, float64": [f"{d:.9g}" for d in check.differences["float64"][SHOWN]],
                "relative error": [number(e) for e in check.errors("float64")[SHOWN]],
            },
            hide_index=True,
            height=250,
        )
    with right:
        plot(vee(check.nudges, {kind: check.errors(kind) for kind in ("float32", "float64")}), key="vee", height=300)
    if not np.isfinite(check.gradient_float64):
        st.caption("The gradient is not finite here, so there is nothing to compare.")
    elif check.gradient_float64 == 0:
        st.caption(
            "This gradient is exactly 0 (a dead unit, for example, or a black pixel). The error shown is absolute."
        )
