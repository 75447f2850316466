"""What the page shows in place of a figure that can't be drawn."""

from __future__ import annotations

import logging

from mlpviz.figures.chart import Chart

log = logging.getLogger(__name__)

NOT_SHOWN = {"visible": False}
_told: set[tuple[str, str]] = set()  # what was logged already: each snapshot brings the same error again


def broken(name: str, card: str, error: Exception) -> Chart:
    """An empty chart that says why its figure can't be drawn. The traceback is logged once."""
    tell_once(f"{name} can't be drawn", error)
    sentence = f"This figure can’t be drawn now ({what(error)}). The run and the other figures continue."
    return Chart(name, sentence, [], {"xaxis": NOT_SHOWN, "yaxis": NOT_SHOWN}, card)


def tell_once(message: str, error: Exception) -> None:
    """Log an error, unless it was logged before."""
    key = (message, type(error).__name__)
    if key not in _told:
        _told.add(key)
        log.error(message, exc_info=error)


def what(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
