"""How many threads PyTorch should use on this machine, found by a measurement."""

from __future__ import annotations

import os
import statistics
import time

import torch

from mlpviz import options

PAYS = 1.2  # more threads must be this much faster, because they lose far more on a busy machine
ROUNDS = 15


def choose_threads() -> int:
    """The number of intra-operation threads that trains the article's network fastest on this machine now.

    One core stays free for the server and the browser. With all cores busy, two threads on two cores were 3 to 26 times
    slower than one in our measurements. The environment variable `MLPVIZ_THREADS` overrides the result.
    """
    if named := options.threads():
        return named
    spare = _cores() - 1 - round(os.getloadavg()[0] if hasattr(os, "getloadavg") else 0)
    best, best_seconds = 1, _seconds(1)
    threads = 2
    while threads <= spare:
        seconds = _seconds(threads)
        if seconds * PAYS < best_seconds:
            best, best_seconds = threads, seconds
        threads *= 2
    return best


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _seconds(threads: int) -> float:
    """The median time of the largest matrix products of one step, in seconds."""
    torch.set_num_threads(threads)
    X, W = torch.ones(256, 784), torch.ones(256, 784)
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        H = X @ W.T
        H.T @ X
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
