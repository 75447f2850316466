"""An overview of the whole test set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from mlpviz.figures.chart import number, percent
from mlpviz.figures.evaluation import confusion, reliability
from mlpviz.images.predictions import calibration, confusion_matrix, most_confused, per_class, wilson
from mlpviz.page import memory
from mlpviz.page.images.filters import bring_gallery, current_filter, narrow, selection_round
from mlpviz.page.plot import plot
from mlpviz.results import Results
from mlpviz.state import RunState


def overview(run: RunState, results: Results, frame: pd.DataFrame) -> None:
    """Confusion matrix, scores and calibration. A click on a cell or on a class filters the gallery below."""
    counts = confusion_matrix(results.labels, frame["predicted"].to_numpy())
    classes = run.classes
    _headline(run, results, frame, counts)
    with st.container(key="stack_overview"):
        left, right = st.columns([5, 6], gap="medium")
    with left:
        share = st.segmented_control(
            "Cells", ["Counts", "% of the row"], default="Counts", required=True, key="cells", persist_state="session"
        )
        shown = current_filter()
        cell = (shown.true, shown.predicted) if shown.true is not None and shown.predicted is not None else None
        chart = confusion(counts, classes, share != "Counts", cell)
        st.caption("Click a cell to see its images below. The arrow keys and Enter do the same.")
        plot(chart, key="confusion", height=470, choose=_cell_chosen, columns=len(classes))
    with right:
        _scores(counts, classes)
        measured = calibration(frame["confidence"].to_numpy(), (frame["true"] == frame["predicted"]).to_numpy())
        plot(reliability(measured), key="reliability", height=230)


def _headline(run: RunState, results: Results, frame: pd.DataFrame, counts: np.ndarray) -> None:
    n, right = len(frame), int(np.diag(counts).sum())
    low, high = wilson(right, n)
    loss = number(float(frame["loss"].mean()))
    classes = run.classes
    pairs = [
        f"{classes[t]} predicted as {classes[p]}: {times:,} of {of:,}" for t, p, times, of in most_confused(counts)
    ]
    st.markdown(
        f"**Evaluation after step {results.step:,}.** Right: **{right:,} of {n:,}**, {percent(right / n, 2)}. "
        f"95 % confidence interval (Wilson): {percent(low)} to {percent(high)}. Mean loss: {loss}."
    )
    if pairs:
        st.markdown("Most frequent mistakes: " + "; ".join(pairs) + ".")


def _cell_chosen(predicted: float, true: float) -> None:
    """A callback: the gallery shows this pair of classes."""
    narrow(true=int(true), predicted=int(predicted), kind="right" if true == predicted else "mistakes")
    bring_gallery()


def _scores(counts: np.ndarray, classes: tuple[str, ...]) -> None:
    scores = per_class(counts, classes)
    shares = {
        name: st.column_config.ProgressColumn(name, format="percent", min_value=0, max_value=1, width=112)
        for name in ("precision", "recall", "F1")
    }
    event = st.dataframe(
        scores,
        key=f"scores_{selection_round()}",
        column_config=shares,
        on_select="rerun",
        selection_mode="single-row",
        height=385,
    )
    rows = list(event["selection"]["rows"])
    if rows != memory.ROW_BEFORE.get():
        memory.ROW_BEFORE.set(rows)
        if rows:
            narrow(true=int(rows[0]), predicted=None, kind="mistakes")
            bring_gallery()
            st.rerun()
