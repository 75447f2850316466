"""`streamlit run app.py` serves this: the page, and the live routes beside it."""

import streamlit as st

from mlpviz.live.serving import PAGE, serving

app = st.App(PAGE, **serving())
