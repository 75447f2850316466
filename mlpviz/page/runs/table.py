"""The table of the visitor's saved runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from mlpviz.diagnosis import Kind
from mlpviz.figures.diagnosis import TITLES
from mlpviz.figures.runs import differing, in_words
from mlpviz.state import SavedRun

HEIGHT = 320  # px


def choose(runs: Sequence[SavedRun], shown: str) -> list[SavedRun]:
    """The table. Returns the runs that the visitor has chosen in it. `shown` is the id of the run on the page."""
    chosen = st.dataframe(
        frame(runs, shown),
        key=f"runs_{hash(tuple(run.id for run in runs))}",  # with other rows, the choice of rows has no meaning
        height=min(HEIGHT, 37 * len(runs) + 40),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "Made": st.column_config.DatetimeColumn(format="MMM D, HH:mm"),
            "Steps": st.column_config.NumberColumn(format="localized"),
            "Training loss": st.column_config.NumberColumn(format="%.3f", help="The mean of the latest 25 steps."),
            "Test loss": st.column_config.NumberColumn(format="%.3f"),
            "Test accuracy": st.column_config.NumberColumn(format="%.1f %%"),
            "Loss curve": st.column_config.LineChartColumn(help="The training loss, from the first step to the last."),
        },
        alt="Your saved runs",
    )
    return [runs[row] for row in chosen["selection"]["rows"] if row < len(runs)]


def frame(runs: Sequence[SavedRun], shown: str = "") -> pd.DataFrame:
    """The runs as rows."""
    names = differing(runs)
    rows = [
        {
            "Name": run.name or ("(this run)" if run.id == shown else ""),
            "Settings that differ": in_words(run, names) or "the article’s",
            "Made": _local(run.made_at),
            "Steps": run.step,
            "Training loss": run.loss,
            "Test loss": run.evaluation[0] if run.evaluation else None,
            "Test accuracy": 100 * run.evaluation[1] if run.evaluation else None,
            "Diagnosis": TITLES[Kind(run.diagnosis)] if run.diagnosis else "",
            "Loss curve": [loss for _, loss in run.curve],
            "Note": run.note,
        }
        for run in runs
    ]
    return pd.DataFrame(rows)


def as_csv(runs: Sequence[SavedRun]) -> bytes:
    """The same for other programs: with all settings, and without the curves."""
    results = frame(runs).drop(columns=["Loss curve", "Settings that differ", "Made"])
    results["Test accuracy"] /= 100
    settings = pd.DataFrame([{name: str(value) for name, value in run.settings.to_dict().items()} for run in runs])
    made = pd.Series([datetime.fromtimestamp(run.made_at, UTC).isoformat(timespec="seconds") for run in runs])
    joined = pd.concat([made.rename("Made"), results, settings], axis=1)
    return joined.to_csv(index=False).encode()


def matches(run: SavedRun, wanted: str) -> bool:
    """Whether every word of `wanted` is in what the table says of the run."""
    title = TITLES[Kind(run.diagnosis)] if run.diagnosis else ""
    text = " ".join([run.name, run.note, title, in_words(run, list(run.settings.to_dict()))]).lower()
    return all(word in text for word in wanted.lower().split())


def _local(seconds: float) -> datetime:
    """A moment in the visitor's own time zone, as their clock shows it."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)
