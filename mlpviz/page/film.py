"""The film of the run as files: one that plays it without a server, its pictures, and event files for TensorBoard. They
are made when somebody asks for them."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from mlpviz.backend.questions import TakeFilm
from mlpviz.export.html import film_page
from mlpviz.export.pictures import animated
from mlpviz.film import Roll
from mlpviz.page import door
from mlpviz.page.controls import current_lesson
from mlpviz.snapshot import Status
from mlpviz.state import RunState

HELP = (
    "One file with the film of this run: the page’s figures at all moments that were kept, to play and to move "
    "through. It opens in any modern browser, without a server and without a network. Put it on your course page."
)
GIF_HELP = "How the weights of the first layer change during training, as an animated picture for slides."
EVENTS_HELP = "Event files for TensorBoard. Unpack the file, and run *tensorboard --logdir* with its folder."


def film_button(run: RunState, key: str) -> None:
    """A button that downloads the film, while the run rests after one step or more."""
    lesson = current_lesson()
    name = next((saved.name for saved in door.saved_runs() if saved.id == run.id), "")
    _later(run, key, "Film", "film.html", "text/html", HELP, lambda roll: film_page(roll, name, lesson))


def other_buttons(run: RunState) -> None:
    """The same for its pictures, and for TensorBoard."""
    _later(run, "gif", "First layer as GIF", "first-layer.gif", "image/gif", GIF_HELP, animated)
    _later(run, "events", "TensorBoard", "tensorboard.zip", "application/zip", EVENTS_HELP, events)


def events(roll: Roll) -> bytes:
    """The event files, packed."""
    from mlpviz.export.tensorboard import write_events

    file = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        write_events(roll, Path(folder) / "mlpviz")
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder))
    return file.getvalue()


def _later(
    run: RunState, key: str, label: str, name: str, kind: str, about: str, make: Callable[[Roll], bytes]
) -> None:
    take = door.later(run, TakeFilm())
    st.download_button(
        label,
        lambda: make(take()),
        name,
        kind,
        key=f"download_{key}",
        on_click="ignore",
        icon=":material/download:",
        help=about,
        disabled=not run.step or run.status not in (Status.PAUSED, Status.FINISHED),
    )
