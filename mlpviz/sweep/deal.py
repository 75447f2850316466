"""Deals the cells of a sweep out to processes. Each uses one core, and one thread of PyTorch."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed

import torch

from mlpviz.datasets import load_dataset
from mlpviz.grid import Cell, Grid, Place
from mlpviz.settings import Settings
from mlpviz.sweep.cell import train_cell
from mlpviz.sweep.order import coarse_to_fine
from mlpviz.trainer import check_size, pick_device

MOST_ON_WINDOWS = 61  # processes that one can wait for there


def trained(settings: Settings, steps: int, all_steps: bool = False) -> Cell:
    """A cell, trained with one thread in this process."""
    torch.set_num_threads(1)
    return train_cell(settings, load_dataset(settings.dataset), steps, all_steps)


def check(grid: Grid) -> None:
    """Check all cells before the first one is trained.

    Raises:
        ValueError: the settings of a cell don't fit the dataset or the machine. DatasetError: there is no such dataset.
    """
    pick_device(grid.settings.device)
    for place in grid.places():
        settings = grid.settings_of(place)
        check_size(settings, load_dataset(settings.dataset))


def deal(grid: Grid, processes: int, all_steps: bool = False) -> Iterator[tuple[Place, Cell]]:
    """The cells of a sweep, each when it is done. If the caller stops, what is under way is given up."""
    if processes == 1:
        for place in coarse_to_fine(grid):
            yield place, trained(grid.settings_of(place), grid.steps, all_steps)
        return
    if sys.platform == "win32":
        processes = min(processes, MOST_ON_WINDOWS)
    fresh = multiprocessing.get_context("spawn")  # a fork of a process with PyTorch's threads can hang
    pool = ProcessPoolExecutor(processes, fresh)
    try:
        waiting = _submit_all(pool, grid, all_steps)
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()


def _submit_all(pool: ProcessPoolExecutor, grid: Grid, all_steps: bool) -> dict[Future[Cell], Place]:
    """Ctrl+C reaches all processes of a terminal. Those of the pool start here, and inherit that they ignore it: the
    first process ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return {
            pool.submit(trained, grid.settings_of(place), grid.steps, all_steps): place
            for place in coarse_to_fine(grid)
        }
    finally:
        signal.signal(signal.SIGINT, before)
