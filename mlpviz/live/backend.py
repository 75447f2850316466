"""The one door to the runs of this server."""

from __future__ import annotations

import functools

from mlpviz.backend.door import Backend
from mlpviz.backend.local import LocalBackend


@functools.cache
def get_backend() -> Backend:
    """The door that the page and the live route use; made at the first call."""
    return LocalBackend()
