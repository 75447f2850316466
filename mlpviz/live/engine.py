"""The one engine of this server."""

from __future__ import annotations

import functools

from mlpviz.engine import Engine


@functools.cache
def get_engine() -> Engine:
    """The engine that the page commands and the live route reads; made at the first call."""
    return Engine()
