"""Hidden units: what activates each one, and what is lost without it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from mlpviz.answers import UnitLook, UnitTable
from mlpviz.backend.questions import HiddenUnit, HiddenUnits
from mlpviz.figures.chart import percent
from mlpviz.figures.evaluation import class_histograms, confusion
from mlpviz.images.predictions import confusion_matrix
from mlpviz.page import memory
from mlpviz.page.door import answer
from mlpviz.page.memory import computed, forget_computed
from mlpviz.page.plot import diverging, figure_html, picture, plot
from mlpviz.results import Results
from mlpviz.state import RunState


def hidden_units(run: RunState, results: Results) -> None:
    """The units of a hidden layer in a table that can be sorted. Beside it, the chosen unit."""
    if not run.settings.hidden_sizes:
        st.info("This network has no hidden layer, so it has no hidden units.")
        return
    layers = list(range(1, len(run.settings.hidden_sizes) + 1))
    layer = 0
    if len(layers) > 1:
        chosen = st.segmented_control("Hidden layer", layers, default=1, required=True, key=memory.UNIT_LAYER)
        layer = int(chosen or 1) - 1
    key = (run.id, run.step, layer)
    question = HiddenUnits(layer, _chosen(run, layer))
    table, look = computed("units", key, lambda: answer(run, question, "Measuring every unit…"))
    frame = computed("units_frame", (*key, st.context.theme.type), lambda: _frame(table, run.classes))
    with st.container(key="stack_units"):
        left, right = st.columns([6, 6], gap="medium")
    with left:
        _choose(frame, layer, table)
    unit = _chosen(run, layer)
    if unit is None:
        unit = int(table.importance.argmax())
    with right:
        shown = look if unit == look.unit else _look_at(run, HiddenUnit(layer, unit, table.step))
        if shown is None:  # the run has continued: start again with the chosen unit
            forget_computed("units")
            st.rerun()
        _unit(shown, run.classes)


def _look_at(run: RunState, question: HiddenUnit) -> UnitLook | None:
    """Measure another unit of the network that the table shows; None if the run has continued."""
    return computed("unit", (run.id, question), lambda: answer(run, question, "Measuring one unit…"))


def _frame(table: UnitTable, classes: tuple[str, ...]) -> pd.DataFrame:
    """The table, with one row for each unit."""
    columns = {
        "unit": np.arange(len(table.importance)),
        "importance": table.importance,
        "norm": table.norms,
        "responds most to": [classes[favourite] if favourite >= 0 else "–" for favourite in table.favourites],
        "dead": table.dead,
    }
    if table.weights is not None:
        columns["weights"] = [_data_url(weights) for weights in table.weights]
    return pd.DataFrame(columns)


def _table_key(layer: int, units: int) -> str:
    return f"units_{layer}_{units}"


def _chosen(run: RunState, layer: int) -> int | None:
    """The unit whose row the reader clicked, or which was opened on the board; None if there is none."""
    event = st.session_state.get(_table_key(layer, run.settings.hidden_sizes[layer]))
    rows = list(event["selection"]["rows"]) if event else []
    if rows:
        memory.OPEN_UNIT.forget()
        return int(rows[0])
    opened = memory.OPEN_UNIT.get()
    return opened[2] if opened is not None and opened[:2] == (run.id, layer) else None


def _choose(frame: pd.DataFrame, layer: int, table: UnitTable) -> None:
    st.markdown(
        f"**{len(frame)} units** of hidden layer {layer + 1}, after step {table.step:,}. "
        "Click a heading to sort. Click a row to see that unit."
    )
    st.dataframe(
        frame,
        key=_table_key(layer, len(frame)),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=520,
        row_height=44,
        column_config={
            "unit": st.column_config.NumberColumn("unit", width=50),
            "importance": st.column_config.NumberColumn(
                "importance", format="percent", help="The accuracy that is lost without this unit."
            ),
            "norm": st.column_config.NumberColumn("norm", format="%.2f", help="The L2 norm of its incoming weights."),
            "weights": st.column_config.ImageColumn("weights", width=60),
        },
    )
    st.caption(f"Importance: the accuracy lost on {table.images:,} test images when only this unit is switched off.")


def _unit(look: UnitLook, classes: tuple[str, ...]) -> None:
    unit = look.unit
    dead = ". It is dead: its output is 0 on every test image." if (look.answers == 0).all() else ""
    st.markdown(f"**Unit {unit}**, after step {look.step:,}{dead}")
    if look.weights is not None:
        picture(diverging(look.weights), f"Incoming weights of unit {unit}", width="150px")
    names = [classes[label] for label in look.labels[look.strongest]]
    figures = [
        figure_html(image, f"Test image {i}, {name}", name)
        for i, name, image in zip(look.strongest, names, look.images, strict=True)
    ]
    st.markdown("The test images that activate it most:")
    st.html(f'<div class="mlpviz-batch">{"".join(figures)}</div>')
    plot(class_histograms(look.answers, look.labels, classes), key="unit_classes", height=260)
    if st.toggle("Switch this unit off", key="switched_off"):
        _switched_off(look, classes)


def _switched_off(look: UnitLook, classes: tuple[str, ...]) -> None:
    shares = [float((predicted == look.labels).mean()) for predicted in (look.predicted, look.without)]
    changed = int((look.predicted != look.without).sum())
    st.markdown(
        f"Accuracy with this unit: {percent(shares[0], 2)}. Without it: **{percent(shares[1], 2)}**. "
        f"Changed predictions: {changed:,}."
    )
    counts = confusion_matrix(look.labels, look.without)
    plot(confusion(counts, classes, False), key="confusion_without", height=430)


def _data_url(weights: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(diverging(weights)).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
