"""Take it with you: the script and the notebook of these settings, and the data of the run."""

from __future__ import annotations

import streamlit as st

from mlpviz.line_by_line.script import notebook, script
from mlpviz.page import door
from mlpviz.page.exports import exports
from mlpviz.page.line_by_line.listing import texts
from mlpviz.page.texts import TEXT
from mlpviz.snapshot import Status
from mlpviz.state import RunState


def downloads(run: RunState) -> None:
    """All of these as files, and the script to read."""
    (begun_at, first), *changes = run.settings_log
    whole = begun_at == 0  # otherwise nobody can train it again from its settings alone
    settings = first.replace(epochs=run.settings.epochs) if whole else run.settings
    later = changes if whole else []
    code = script(settings, run.threads, run.device, later)
    st.markdown((TEXT / "script.md").read_text(encoding="utf-8"))
    if not whole:
        st.warning("This run began in the middle of another one, so the script’s numbers will differ from its numbers.")
    elif run.changes:
        st.caption("The script also makes the changes that you made while this run trained, at the same steps.")
    snapshot = door.snapshot_of(run)
    if run.status == Status.TRAINING:
        st.caption("When the run rests, its latest test loss and accuracy stand here.")
    elif snapshot is not None and len(snapshot.evaluations):
        step, loss, accuracy = snapshot.evaluations[-1].tolist()
        st.caption(f"This run after step {step:,.0f}: test loss {loss:.9g}, test accuracy {accuracy:.4f}.")
    with st.container(horizontal=True):
        st.download_button("Download script", code, "train.py", "text/x-python", on_click="ignore", type="primary")
        book = notebook(settings, run.threads, texts(), run.device, later)
        st.download_button("Download notebook", book, "train.ipynb", "application/x-ipynb+json", on_click="ignore")
    st.code("python train.py              # images in ./data\npython train.py /some/folder # or there", language="sh")
    st.markdown("#### The data of this run")
    exports(run)
    st.markdown("#### The script")
    st.code(code, language="python", line_numbers=True)
