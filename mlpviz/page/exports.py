"""The data of a run as files for other programs: its film, its history, its weights, its receipt."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import streamlit as st

from mlpviz.backend.questions import TakeWeights
from mlpviz.line_by_line.script import loader
from mlpviz.page import door, memory
from mlpviz.page.film import film_button, other_buttons
from mlpviz.page.receipt import receipt_button
from mlpviz.snapshot import Snapshot, Status
from mlpviz.state import RunState


def exports(run: RunState) -> None:
    """The buttons, while the run rests. The files are made only then: they would be old at once."""
    snapshot = door.snapshot_of(run)
    if run.status not in (Status.PAUSED, Status.FINISHED) or snapshot is None or not run.step:
        st.caption("When the run rests after one step or more, you can take its data with you here.")
        return
    now = (run.id, run.step, run.evaluations)
    history = memory.computed("history", now, lambda: history_frame(snapshot))
    weights = memory.computed("weights", (run.id, run.step), lambda: door.answer(run, TakeWeights()))
    with st.container(horizontal=True):
        film_button(run, "film")
        other_buttons(run)
    with st.container(horizontal=True):
        _file("History as CSV", history.to_csv(index=False).encode(), "history.csv", "text/csv")
        _file("History as Parquet", as_parquet(history), "history.parquet", "application/vnd.apache.parquet")
        _file("Weights", weights, "weights.safetensors", "application/octet-stream")
        receipt_button(run)
    st.caption("These lines load the weights into plain PyTorch. They need `pip install torch safetensors`:")
    st.code(loader(run.settings), language="python")


def history_frame(snapshot: Snapshot) -> pd.DataFrame:
    """One row for each recorded step, or for each bucket of steps in a long run; and one for each evaluation that lies
    between two of them. A bucket has the mean of its steps, with the lowest and the highest value."""
    steps = snapshot.steps
    columns: dict[str, np.ndarray] = {"step": steps.ends()}
    for place, name in enumerate(steps.columns):
        columns[name.replace(" ", "_")] = steps.mean[:, place]
        if steps.width > 1:
            columns[f"{name.replace(' ', '_')}_lowest"] = steps.minimum[:, place]
            columns[f"{name.replace(' ', '_')}_highest"] = steps.maximum[:, place]
    tests = pd.DataFrame(snapshot.evaluations, columns=["step", "test_loss", "test_accuracy"]).astype({"step": "int64"})
    return pd.DataFrame(columns).merge(tests, on="step", how="outer")


def as_parquet(frame: pd.DataFrame) -> bytes:
    """The frame as a Parquet file."""
    file = io.BytesIO()
    frame.to_parquet(file, index=False)
    return file.getvalue()


def _file(label: str, data: bytes, name: str, kind: str) -> None:
    st.download_button(label, data, name, kind, on_click="ignore", icon=":material/download:")
