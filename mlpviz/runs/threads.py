"""How many threads PyTorch should use here, by trying it."""

from __future__ import annotations

import os
import statistics
import time

import torch

from mlpviz import options

PAYS = 1.2  # more threads must be this much faster, for they lose far more when the machine turns busy
ROUNDS = 15


def choose_threads() -> int:
    """The number of intra-operation threads that trains the article's network fastest on this machine, now.

    One core stays free for the server and the browser: with every core taken, two threads on two cores were seen to be
    3 to 26 times slower than one. The environment variable `MLPVIZ_THREADS` overrides it.
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
    """The median time of one step's largest matrix products."""
    torch.set_num_threads(threads)
    X, W = torch.ones(256, 784), torch.ones(256, 784)
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        H = X @ W.T
        H.T @ X
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
