"""Could the label itself be wrong?"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from mlpviz.backend.questions import NeighboursOf
from mlpviz.images.predictions import doubtful_labels
from mlpviz.page.door import answer
from mlpviz.page.images.filters import current_filter
from mlpviz.page.images.gallery import tiles
from mlpviz.page.texts import TEXT
from mlpviz.results import Results
from mlpviz.state import RunState

SHOWN = 24


def doubtful(run: RunState, results: Results, frame: pd.DataFrame) -> None:
    """The images with the most doubtful labels. If the filter has a true class, only images of that class."""
    with st.expander("Could the label itself be wrong?", key="doubtful", on_change="rerun") as expander:
        if not expander.open:
            return
        doubted = doubtful_labels(results.logits, results.labels)
        if (true := current_filter().true) is not None:
            doubted = doubted[results.labels[doubted.index] == true]
        st.markdown((TEXT / "doubt.md").read_text(encoding="utf-8"))
        st.markdown(f"Labels in doubt: **{len(doubted):,}**")
        if not len(doubted):
            return
        shown = doubted.iloc[:SHOWN]
        tiles(run, frame, shown.index.to_numpy(), key="doubtful_gallery")
        ask = st.button("Compare with the nearest training images")
        st.dataframe(_evidence(run, results, shown, ask), hide_index=True)


def _evidence(run: RunState, results: Results, shown: pd.DataFrame, ask: bool) -> dict[str, list[str]]:
    """The columns of the table: label, suggested class, doubt and, if asked, the labels of the nearest images."""
    classes, indices = run.classes, shown.index.to_numpy()
    columns = {
        "image": [f"{index:,}" for index in indices],
        "label": [classes[label] for label in results.labels[indices]],
        "might be": [classes[c] for c in shown["suggested"]],
        "doubt": [f"{doubt:.2f}" for doubt in shown["doubt"]],
    }
    if ask:
        nearest = answer(run, NeighboursOf(tuple(indices.tolist())), "Comparing with all training images…")
        columns["labels of the 8 nearest training images"] = [votes(row, classes) for row in nearest.labels]
    return columns


def votes(labels: np.ndarray, classes: tuple[str, ...]) -> str:
    """How often each label occurs, most frequent first: "5 × Shirt, 3 × Coat"."""
    return ", ".join(f"{count} × {classes[label]}" for label, count in Counter(labels.tolist()).most_common())
