"""Offer a dataset that isn't on this machine, and show the progress of its download."""

from __future__ import annotations

import streamlit as st

from mlpviz.download import DOWNLOADS, SIZES, Download, State
from mlpviz.page import door, memory
from mlpviz.page.guard import safely
from mlpviz.page.words import plain


def download_offer(name: str, title: str) -> None:
    """A button that downloads the dataset. During the download, a progress bar and a button to cancel."""
    download = DOWNLOADS.latest(name)
    if download is not None and download.state == State.RUNNING:
        _progress(download, title)
        return
    if download is not None and download.state == State.FAILED:
        st.error(plain(download.message))
    label = f"Download {title} ({SIZES[name] / 2**20:.0f} MB)"
    st.button(label, icon=":material/download:", on_click=safely(_begin), args=(name,), width="stretch")


@st.fragment(run_every=0.5)
def _progress(download: Download, title: str) -> None:
    if download.state != State.RUNNING:
        st.rerun()
    st.progress(download.progress(), text=f"Downloading {title}…")
    if download.by == door.visitor():
        st.button("Cancel download", on_click=safely(download.cancel), width="stretch")


def _begin(name: str) -> None:
    try:
        DOWNLOADS.begin(name, door.visitor())
    except OSError as error:
        memory.PROBLEM.set(
            f"mlpviz can’t save the download here ({error.strerror}). Start it in a folder where it can write files."
        )
