"""An error in one part of the page appears there, and the rest of the page works."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from mlpviz.page import memory
from mlpviz.page.words import plain

Argument = TypeVar("Argument")
Value = TypeVar("Value")

log = logging.getLogger(__name__)


def safely(act: Callable[..., object]) -> Callable[..., None]:
    """Wrap a callback: if it fails, the next script run shows the error. Every callback of the page uses this."""

    @functools.wraps(act)
    def act_safely(*args: Any, **named: Any) -> None:
        try:
            act(*args, **named)
        except Exception as error:
            log.exception("a callback failed")
            memory.PROBLEM.set(f"That did not work ({_what(error)}). If it happens again, reload the page.")

    return act_safely


def part(show: Callable[..., object], *args: Any) -> None:
    """Show a part of the page, or its error."""
    try:
        show(*args)
    except Exception as error:
        log.exception("a part of the page failed")
        st.error(plain(f"This part of the page failed ({_what(error)}). Your run continues. Reload the page."))


def attempt(make: Callable[[Argument], Value], argument: Argument, otherwise: Value) -> Value:
    """What `make` returns. If it fails, show the error and return `otherwise`."""
    try:
        return make(argument)
    except Exception as error:
        log.exception("a part of the page failed")
        st.error(plain(f"This part of the page failed ({_what(error)}). Your run continues. Reload the page."))
        return otherwise


def _what(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
