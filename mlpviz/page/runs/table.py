"""The table of the visitor's saved runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from mlpviz.diagnosis import Kind
from mlpviz.figures.diagnosis import TITLES
from mlpviz.figures.runs import as_text, differing, in_words, split
from mlpviz.state import SavedRun

MOST_ROWS = 8  # shown at once
ROW, FRAME = 35, 38  # px: of a row, and of the first row with the borders


def choose(runs: Sequence[SavedRun], shown: str) -> list[SavedRun]:
    """The table. Returns the runs that the visitor has chosen in it. `shown` is the id of the run on the page."""
    chosen = st.dataframe(
        frame(runs, shown),
        key=f"runs_{hash(tuple(run.id for run in runs))}",  # with other rows, the choice of rows has no meaning
        height=min(MOST_ROWS, len(runs)) * ROW + FRAME + (ROW // 2 if len(runs) > MOST_ROWS else 0),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "Made": st.column_config.DatetimeColumn(format="MMM D, HH:mm:ss"),
            "Steps": st.column_config.NumberColumn(format="localized"),
            "Train loss": st.column_config.NumberColumn(format="%.3f", help="The mean of the latest 25 steps."),
            "Test loss": st.column_config.NumberColumn(format="%.3f"),
            "Test accuracy": st.column_config.NumberColumn(format="%.1f %%"),
            "Loss curve": st.column_config.LineChartColumn(help="The training loss, from the first step to the last."),
        },
        alt="Your saved runs",
    )
    return [runs[row] for row in chosen["selection"]["rows"] if row < len(runs)]


def frame(runs: Sequence[SavedRun], shown: str = "") -> pd.DataFrame:
    """The runs as rows: the settings in which they differ have columns of their own, as far as there is room."""
    columns, others = split(differing(runs))
    rows = []
    for run in runs:
        row: dict[str, Any] = {"Open": _where(run, shown), "Name": run.name}
        row |= {_title(name): _cell(getattr(run.settings, name)) for name in columns}
        row |= results(run)
        row["Loss curve"] = [loss for _, loss in run.curve]
        row["Made"] = _local(run.made_at)
        row["Other settings"] = in_words(run, others)
        rows.append(row | {"Note": run.note})
    table = pd.DataFrame(rows)
    empty = [name for name in ("Open", "Name", "Other settings", "Note") if not table[name].any()]
    return table.drop(columns=empty)


def results(run: SavedRun) -> dict[str, Any]:
    """The columns of a run's results. The figures are rounded here, so that they are the same everywhere."""
    loss, accuracy = run.evaluation or (None, None)
    return {
        "Steps": run.step,
        "Train loss": None if run.loss is None else round(run.loss, 3),
        "Test accuracy": None if accuracy is None else round(100 * accuracy, 1),
        "Test loss": None if loss is None else round(loss, 3),
        "Diagnosis": TITLES[Kind(run.diagnosis)] if run.diagnosis else "",
    }


def as_csv(runs: Sequence[SavedRun]) -> bytes:
    """The same for other programs: with all settings and all digits, and without the curves."""
    rows = [
        {
            "name": run.name,
            "made": datetime.fromtimestamp(run.made_at, UTC).isoformat(timespec="seconds"),
            "steps": run.step,
            "train_loss": run.loss,
            "test_loss": run.evaluation[0] if run.evaluation else None,
            "test_accuracy": run.evaluation[1] if run.evaluation else None,
            "diagnosis": run.diagnosis,
            "note": run.note,
        }
        | {name: as_text(getattr(run.settings, name)) for name in run.settings.to_dict()}
        for run in runs
    ]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def matches(run: SavedRun, wanted: str) -> bool:
    """Whether every word of `wanted` is in what the table says of the run."""
    title = TITLES[Kind(run.diagnosis)] if run.diagnosis else ""
    text = " ".join([run.name, run.note, title, in_words(run, list(run.settings.to_dict()))]).lower()
    return all(word in text for word in wanted.lower().split())


def _where(run: SavedRun, shown: str) -> str:
    if run.elsewhere:
        return "on another server"
    return "here" if run.id == shown else ""


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(value: Any) -> Any:
    """Numbers stay numbers, so that the column is sorted by them."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else as_text(value)


def _local(seconds: float) -> datetime:
    """A moment in the visitor's own time zone, as their clock shows it."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)
