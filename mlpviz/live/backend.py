"""The only access to the runs of this server."""

from __future__ import annotations

import functools

from mlpviz.backend.door import Backend
from mlpviz.backend.local import LocalBackend
from mlpviz.backend.saved import open_store


@functools.cache
def get_backend() -> Backend:
    """The backend that the page and the live route use. It is made at the first call."""
    return LocalBackend(store=open_store())
