"""Hidden units: what each answers to, and what is lost without it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import streamlit as st
import torch
from PIL import Image
from torch import Tensor, nn

from mlpviz.figures.chart import percent
from mlpviz.figures.test_set import class_histograms, confusion
from mlpviz.network import linears
from mlpviz.page.answers import frozen
from mlpviz.page.plot import diverging, figure_html, picture, plot
from mlpviz.predictions import confusion_matrix
from mlpviz.run import Run
from mlpviz.snapshot import Results
from mlpviz.units import activations, hidden_layers, importance, logits_from, without


def hidden_units(run: Run, results: Results) -> None:
    """The units of a hidden layer as a table to sort; beside it, the chosen unit."""
    if not run.settings.hidden_sizes:
        st.info("This network has no hidden layer, and so no hidden units.")
        return
    step, net = frozen(run)
    layers = list(range(1, len(hidden_layers(net)) + 1))
    layer = 0
    if len(layers) > 1:
        layer = int(st.segmented_control("Hidden layer", layers, default=1, required=True, key="unit_layer") or 1) - 1
    images, labels = run.trainer.dataset.test_images.cpu(), run.trainer.dataset.test_labels.cpu()
    with st.spinner("Looking at every unit…", show_time=False):
        h = activations(net, images, layer)
        frame, counted = _table(run, step, net, h, labels, layer)
    with st.container(key="stack_units"):
        left, right = st.columns([6, 6], gap="medium")
    with left:
        unit = _choose(frame, layer, step, counted)
    with right:
        _unit(run, net, h, labels, layer, unit)


def _table(run: Run, step: int, net: nn.Sequential, h: Tensor, labels: Tensor, layer: int) -> tuple[pd.DataFrame, int]:
    """A row for each unit; worked out once for each step of a run."""
    state, key = st.session_state, (run.id, step, layer, st.context.theme.type)
    if state.get("units_key") != key:
        weight = linears(net)[layer].weight.detach()
        lost, counted = importance(net, h, labels, layer)
        means = torch.stack([h[labels == c].mean(dim=0) for c in range(10)])
        flat = (~means.isfinite().all(dim=0) | (means == means[0]).all(dim=0)).numpy()
        classes = np.array(run.trainer.dataset.classes)
        columns = {
            "unit": np.arange(len(weight)),
            "importance": lost.numpy(),
            "norm": weight.norm(dim=1).numpy(),
            "likes most": np.where(flat, "–", classes[means.nan_to_num().argmax(dim=0).numpy()]),
            "dead": (h == 0).all(dim=0).numpy(),
        }
        if layer == 0:
            columns["weights"] = [_data_url(row.reshape(28, 28)) for row in weight.numpy()]
        state.units_key, state.units_table = key, (pd.DataFrame(columns), counted)
    kept: tuple[pd.DataFrame, int] = state.units_table
    return kept


def _choose(frame: pd.DataFrame, layer: int, step: int, counted: int) -> int:
    st.markdown(
        f"**{len(frame)} units** of hidden layer {layer + 1}, after step {step:,}. "
        "Click a heading to sort, a row to look."
    )
    event = st.dataframe(
        frame,
        key=f"units_{layer}_{len(frame)}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=520,
        row_height=44,
        column_config={
            "unit": st.column_config.NumberColumn("unit", width=50),
            "importance": st.column_config.NumberColumn(
                "importance", format="percent", help="Accuracy lost without it."
            ),
            "norm": st.column_config.NumberColumn("norm", format="%.2f", help="Of its incoming weights."),
            "weights": st.column_config.ImageColumn("weights", width=60),
        },
    )
    st.caption(f"Importance: the accuracy lost on {counted:,} test images when this unit alone is switched off.")
    rows = list(event["selection"]["rows"])
    return rows[0] if rows else int(frame["importance"].argmax())


def _unit(run: Run, net: nn.Sequential, h: Tensor, labels: Tensor, layer: int, unit: int) -> None:
    dataset, values = run.trainer.dataset, h[:, unit]
    st.markdown(f"**Unit {unit}**" + (", dead: it is 0 on every test image" if bool((values == 0).all()) else ""))
    if layer == 0:
        weights = linears(net)[0].weight.detach()[unit].numpy().reshape(28, 28)
        picture(diverging(weights), f"Incoming weights of unit {unit}", width="150px")
    strongest = values.nan_to_num(nan=-1.0).topk(min(8, len(values))).indices.tolist()
    figures = [
        figure_html(
            dataset.test_images[i].cpu().numpy(),
            f"Test image {i}, {dataset.classes[int(labels[i])]}",
            dataset.classes[int(labels[i])],
        )
        for i in strongest
    ]
    st.markdown("The test images that excite it most:")
    st.html(f'<div class="mlpviz-batch">{"".join(figures)}</div>')
    plot(class_histograms(values.numpy(), labels.numpy(), dataset.classes), key="unit_classes", height=260)
    if st.toggle("Switch it off", key="switched_off"):
        _switched_off(net, h, labels, layer, unit, dataset.classes)


def _switched_off(
    net: nn.Sequential, h: Tensor, labels: Tensor, layer: int, unit: int, classes: tuple[str, ...]
) -> None:
    before = logits_from(net, h, layer).argmax(dim=1)
    after = logits_from(net, without(h, [unit]), layer).argmax(dim=1)
    shares = [float((guess == labels).double().mean()) for guess in (before, after)]
    changed = int((before != after).sum())
    st.markdown(
        f"Accuracy with it {percent(shares[0], 2)}, without **{percent(shares[1], 2)}**. {changed:,} predictions turn."
    )
    plot(
        confusion(confusion_matrix(labels.numpy(), after.numpy()), classes, False), key="confusion_without", height=430
    )


def _data_url(weights: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(diverging(weights)).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
