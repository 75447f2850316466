"""How students come into a class: its code, its address, and a picture of the address for a phone's camera."""

from __future__ import annotations

import html
import socket
from urllib.parse import urlencode, urlsplit, urlunsplit

import segno
import streamlit as st

from mlpviz.classroom.codes import spoken
from mlpviz.page.words import plain

HERE = ("localhost", "127.0.0.1", "[::1]", "::1", "0.0.0.0")  # names of this computer that others can't use
OUTSIDE = ("192.0.2.1", 9)  # an address for documentation (RFC 5737); nothing is sent there


def invitation(code: str) -> None:
    """The code in large type, the address, and its QR code."""
    page, problem = room_address((st.context.url or "").split("?")[0])
    link = f"{page}?{urlencode({'class': code})}"
    picture = segno.make(link, error="m").svg_data_uri(scale=8, border=3, light="#ffffff")
    shown = html.escape(f"{page.split('://')[-1].rstrip('/')}/?class")
    st.html(
        f'<div class="mlpviz-invitation"><img src="{picture}" alt="QR code of the address of this class">'
        f"<div><p>Join at</p><p class='address'>{shown}</p><p>with the code</p>"
        f"<p class='code'>{html.escape(spoken(code))}</p></div></div>"
    )
    if problem:
        st.warning(plain(problem))


def room_address(page: str) -> tuple[str, str]:
    """The page's address for the other computers in the room, and what the teacher must know about it; empty if all is
    well."""
    parts = urlsplit(page)
    if parts.hostname is None or parts.hostname not in HERE:
        return page, ""
    own = own_address()
    if not own:
        return page, (
            f"{parts.hostname} is only this computer, and it has no network now. Connect it, then reload the page."
        )
    reachable = urlunsplit((parts.scheme, f"{own}:{parts.port}" if parts.port else own, parts.path, "", ""))
    if st.get_option("server.address") in (*HERE[:4],):
        return reachable, (
            "This server answers this computer only. Start it again with “mlpviz --class”, or with “--server.address "
            "0.0.0.0” after “streamlit run app.py”. Then students can join."
        )
    return reachable, ""


def own_address() -> str:
    """This computer's address in its network; empty if there is no network. Nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
            trial.connect(OUTSIDE)
            return str(trial.getsockname()[0])
    except OSError:
        return ""
