"""`streamlit run app.py` serves this: the page, and the live route beside it."""

import streamlit as st
from starlette.middleware import Middleware

from mlpviz.live.routes import ROUTES, lifespan
from mlpviz.live.visitor import VisitorCookie

app = st.App("mlpviz/page/main.py", routes=ROUTES, middleware=[Middleware(VisitorCookie)], lifespan=lifespan)
