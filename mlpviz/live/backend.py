"""The only access to the runs of this server."""

from __future__ import annotations

import functools

from mlpviz import options
from mlpviz.backend.door import Backend
from mlpviz.backend.local import LocalBackend
from mlpviz.backend.saved import open_store


@functools.cache
def get_backend() -> Backend:
    """The backend that the page and the live route use. It is made at the first call.

    Raises:
        OptionError: the workers that the options ask for can't be started.
    """
    if options.has_workers():
        from mlpviz.workers.cluster import open_workers  # needs Ray, which is optional

        store = open_store()
        try:
            return open_workers(store)
        except options.OptionError:
            if store is not None:
                store.close()
            raise
    return LocalBackend(store=open_store())
