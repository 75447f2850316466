"""Is the label itself doubtful?"""

from __future__ import annotations

import streamlit as st

from mlpviz.page.test_images.gallery import tiles
from mlpviz.predictions import doubtful_labels, table
from mlpviz.run import Run
from mlpviz.snapshot import Results

SHOWN = 24


def doubtful(run: Run, results: Results) -> None:
    """Images ranked by confident learning."""
    with st.expander("Is the label itself doubtful?", key="doubtful", on_change="rerun") as expander:
        if not expander.open:
            return
        doubted = doubtful_labels(results.logits, results.labels)
        st.markdown(
            f"**{len(doubted):,}** labels are in doubt: another class is as probable here as it is, on average, for "
            "images of that class. The most doubtful come first. (Confident learning: "
            "[Northcutt, Jiang and Chuang 2021](https://doi.org/10.1613/jair.1.12125).) A confident network may still "
            "be wrong: open an image and look at its neighbours’ labels."
        )
        if len(doubted):
            tiles(run, table(results.logits, results.labels), doubted.index.to_numpy()[:SHOWN], key="doubtful_gallery")
