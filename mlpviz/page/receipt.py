"""A receipt of the run, as a file: whoever has it can check the run with `mlpviz verify`."""

from __future__ import annotations

import streamlit as st

from mlpviz.backend.questions import MakeReceipt
from mlpviz.page import door, memory
from mlpviz.snapshot import Status
from mlpviz.state import RunState

HELP = (
    "A small file with the settings of this run and fingerprints of its results. With *mlpviz verify receipt.json*, "
    "anybody can train the run again and check that it gives the same numbers."
)
NONE = "This run began in the middle of another one, so nobody could train it again from its settings alone."


def receipt_button(run: RunState) -> None:
    """A button that downloads it, while the run rests."""
    rests = run.step > 0 and run.status in (Status.PAUSED, Status.FINISHED)
    now = (run.id, run.step, run.evaluations)
    receipt = memory.computed("receipt", now, lambda: door.answer(run, MakeReceipt())) if rests else None
    st.download_button(
        "Receipt",
        receipt or "",
        "receipt.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
        disabled=not receipt,
        help=HELP if receipt != "" else NONE,
    )
