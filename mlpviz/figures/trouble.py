"""What is shown in place of a figure that can't be drawn."""

from __future__ import annotations

import logging

from mlpviz.figures.chart import Chart

log = logging.getLogger(__name__)

NOT_SHOWN = {"visible": False}
_told: set[tuple[str, str]] = set()  # what the log has already: the same error comes with each snapshot


def broken(name: str, card: str, error: Exception) -> Chart:
    """A place that says what went wrong with its figure. The log gets the traceback, once."""
    tell_once(f"{name} can't be drawn", error)
    sentence = f"This figure can’t be drawn now ({what(error)}). The run and the others go on."
    return Chart(name, sentence, [], {"xaxis": NOT_SHOWN, "yaxis": NOT_SHOWN}, card)


def tell_once(message: str, error: Exception) -> None:
    """Write an error to the log, unless it was written before."""
    key = (message, type(error).__name__)
    if key not in _told:
        _told.add(key)
        log.error(message, exc_info=error)


def what(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
