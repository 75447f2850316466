"""Links to hand round: the experiment, and a seat in the audience of this very run."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from mlpviz.live.engine import get_engine
from mlpviz.page.board import board
from mlpviz.run import Run
from mlpviz.settings import Settings


def share(run: Run, settings: Settings) -> None:
    """Two links, each with a button to copy it."""
    page = (st.context.url or "").split("?")[0]
    with st.expander("Share"):
        st.caption("The same experiment, in a run of their own:")
        st.code(f"{page}?{urlencode(settings.to_params())}", language=None, wrap_lines=True)
        st.caption("This run, to watch and not to touch:")
        st.code(f"{page}?{urlencode({'watch': run.token})}", language=None, wrap_lines=True)


def watch(token: str) -> None:
    """The audience's page: the board alone."""
    run = get_engine().watch(token)
    if run is None:
        st.error("The run that this link shows no longer exists. Ask for a new link.")
        return
    board(run, run.status)
