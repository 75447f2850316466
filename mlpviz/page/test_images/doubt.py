"""Is the label itself doubtful?"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from mlpviz.explain import neighbours
from mlpviz.page.answers import frozen
from mlpviz.page.test_images.filters import current_filter
from mlpviz.page.test_images.gallery import tiles
from mlpviz.page.texts import TEXT
from mlpviz.predictions import doubtful_labels
from mlpviz.run import Run
from mlpviz.snapshot import Results
from mlpviz.trainer import pixels

SHOWN = 24


def doubtful(run: Run, results: Results, frame: pd.DataFrame) -> None:
    """Images ranked by confident learning; of the class that the gallery is narrowed to, if it is."""
    with st.expander("Is the label itself doubtful?", key="doubtful", on_change="rerun") as expander:
        if not expander.open:
            return
        doubted = doubtful_labels(results.logits, results.labels)
        if (true := current_filter().true) is not None:
            doubted = doubted[results.labels[doubted.index] == true]
        st.markdown((TEXT / "doubt.md").read_text(encoding="utf-8"))
        st.markdown(f"**{len(doubted):,}** labels are in doubt.")
        if not len(doubted):
            return
        shown = doubted.iloc[:SHOWN]
        tiles(run, frame, shown.index.to_numpy(), key="doubtful_gallery")
        ask = st.button("Ask their neighbours among the training images")
        st.dataframe(_evidence(run, results, shown, ask), hide_index=True)


def _evidence(run: Run, results: Results, shown: pd.DataFrame, ask: bool) -> dict[str, list[str]]:
    """The label, the class that it might be, by how much, and, if asked, what the nearest training images are."""
    dataset, indices = run.trainer.dataset, shown.index.to_numpy()
    columns = {
        "image": [f"{index:,}" for index in indices],
        "label": [dataset.classes[label] for label in results.labels[indices]],
        "might be": [dataset.classes[c] for c in shown["suggested"]],
        "doubt": [f"{doubt:.2f}" for doubt in shown["doubt"]],
    }
    if ask:
        size = run.trainer.train_size
        X = pixels(dataset.test_images[indices.tolist()].cpu())
        with st.spinner("Comparing with all training images…", show_time=False):
            found = neighbours(frozen(run)[1], X, dataset.train_images[:size].cpu(), dataset.train_labels[:size].cpu())
        columns["its 8 nearest training images"] = [votes(row, dataset.classes) for row in found.labels]
    return columns


def votes(labels: np.ndarray, classes: tuple[str, ...]) -> str:
    """How often each label occurs, the most frequent first: "5 × Shirt, 3 × Coat"."""
    return ", ".join(f"{count} × {classes[label]}" for label, count in Counter(labels.tolist()).most_common())
