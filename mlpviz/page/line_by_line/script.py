"""Take it with you: the script and the notebook of these settings."""

from __future__ import annotations

import streamlit as st

from mlpviz.lesson.script import notebook, script
from mlpviz.page.line_by_line.listing import TEXT, texts
from mlpviz.run import Run


def downloads(run: Run, status: str) -> None:
    """Both as files, and the script to read."""
    threads = run.snapshot.threads if run.snapshot else 1
    device = run.trainer.device.type
    code = script(run.settings, threads, device)
    st.markdown((TEXT / "script.md").read_text(encoding="utf-8"))
    with st.container(horizontal=True):
        st.download_button("Download script", code, "train.py", "text/x-python", on_click="ignore", type="primary")
        book = notebook(run.settings, threads, texts(), device)
        st.download_button("Download notebook", book, "train.ipynb", "application/x-ipynb+json", on_click="ignore")
    st.code("python train.py              # images in ./data\npython train.py /some/folder # or there", language="sh")
    st.code(code, language="python", line_numbers=True)
