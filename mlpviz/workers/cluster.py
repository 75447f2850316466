"""Starts Ray on this machine, or joins a cluster, and starts the workers there."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from mlpviz import options
from mlpviz.options import OptionError
from mlpviz.runs.engine import MEMORY
from mlpviz.store.store import Store
from mlpviz.workers.worker import Worker

if TYPE_CHECKING:
    from mlpviz.workers.backend import WorkersBackend

OBJECTS = 100 * 2**20  # bytes of Ray's object store: large answers go through it
CONCURRENT = 1000  # calls of one worker at the same time
STARTED = 120.0  # seconds for all workers to start
REACHED = 3.0  # seconds for a cluster to accept a connection
HOW = "pip install 'mlpviz[ray]'"
PASSED_ON = (options.DATA, options.THREADS)  # the options that a worker reads


def open_workers(store: Store | None) -> WorkersBackend:
    """The workers that the options ask for.

    Raises:
        OptionError: Ray is not installed, the cluster can't be reached, or it has no room for the workers.
    """
    address, wanted = options.ray_address(), options.workers()
    ray = _import_ray()
    if address:
        _join(ray, address)
    else:
        _start(ray, wanted or 1)
    from mlpviz.workers.backend import WorkersBackend  # these need Ray
    from mlpviz.workers.post import Post

    cores, memory = (int(ray.cluster_resources().get(name, 0)) for name in ("CPU", "memory"))
    count = wanted or max(1, cores)
    if count > cores:
        ray.shutdown()
        raise OptionError(f"The cluster at {address!r} has {cores} cores, too few for {count} workers (--workers).")
    kind = ray.remote(Worker).options(
        num_cpus=1, max_restarts=-1, max_concurrency=CONCURRENT, scheduling_strategy="SPREAD"
    )
    share, threads = min(MEMORY, memory // count), options.threads() or 1
    posts = [Post(kind.remote(share, threads, store is not None), store) for _ in range(count)]
    backend = WorkersBackend(posts, store, ray.shutdown)
    end = time.monotonic() + STARTED
    if not all(post.wait_until_up(end - time.monotonic()) for post in posts):
        reasons = [post.problem for post in posts if post.problem]
        backend.close()
        raise OptionError(f"The workers did not start within {STARTED:.0f} seconds. {(reasons or [''])[-1][:500]}")
    return backend


def _import_ray() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    try:
        import ray
    except ImportError:
        raise OptionError(f"Workers need the package ray. Install it: {HOW}") from None
    return ray


def _start(ray: Any, cores: int) -> None:
    """Ray on this machine, for this server alone. Whoever else connects is asked for a token that Ray makes."""
    try:
        _init(ray, num_cpus=cores, include_dashboard=False, object_store_memory=OBJECTS)
    except Exception as error:  # Ray raises many kinds
        raise OptionError(f"Ray can’t be started on this machine: {_reason(error)}") from None


def _join(ray: Any, address: str) -> None:
    """Join a cluster. Its machines get the code of this mlpviz, and its options for workers."""
    import mlpviz

    _check_reachable(address)
    variables = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    try:
        _init(ray, address=address, runtime_env={"py_modules": [mlpviz], "env_vars": variables})
    except Exception as error:  # Ray raises many kinds
        raise OptionError(f"The Ray cluster at {address!r} (from --ray) can’t be joined: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _init(ray: Any, **arguments: Any) -> None:
    """Start or join. Ray would take over the signal that ends the server."""
    at_end = signal.getsignal(signal.SIGTERM)
    ray.init(logging_level="error", log_to_driver=True, namespace="mlpviz", **arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, at_end)


def _check_reachable(address: str) -> None:
    """Say at once that nobody answers there; Ray would try for a minute.

    Raises:
        OptionError: nobody does.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACHED).close()
    except OSError as error:
        raise OptionError(
            f"No Ray cluster answers at {address!r} (from --ray): {error.strerror or error}. Start one there with "
            f"“ray start --head”, or leave the option out."
        ) from None
