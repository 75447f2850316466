"""Take it with you: the script and the notebook of these settings."""

from __future__ import annotations

import streamlit as st
import torch

from mlpviz.line_by_line.script import notebook, script
from mlpviz.page.answers import answer
from mlpviz.page.line_by_line.listing import texts
from mlpviz.page.texts import TEXT
from mlpviz.run import Run


def downloads(run: Run, status: str) -> None:
    """Both as files, and the script to read."""
    threads = answer(run, lambda run: torch.get_num_threads())
    device = run.trainer.device.type
    code = script(run.settings, threads, device)
    st.markdown((TEXT / "script.md").read_text(encoding="utf-8"))
    if run.snapshot is not None and run.snapshot.changes:
        st.warning(
            "This run’s settings were changed while it trained. The script uses the present ones from its first step, "
            "so its numbers will differ from this run’s."
        )
    if run.snapshot is not None and len(run.snapshot.evaluations):
        step, loss, accuracy = run.snapshot.evaluations[-1].tolist()
        st.caption(f"This run’s latest, after step {step:,.0f}: test loss {loss:.9g}, test accuracy {accuracy:.4f}.")
    with st.container(horizontal=True):
        st.download_button("Download script", code, "train.py", "text/x-python", on_click="ignore", type="primary")
        book = notebook(run.settings, threads, texts(), device)
        st.download_button("Download notebook", book, "train.ipynb", "application/x-ipynb+json", on_click="ignore")
    st.code("python train.py              # images in ./data\npython train.py /some/folder # or there", language="sh")
    st.code(code, language="python", line_numbers=True)
