"""About how much memory tasks need, from their settings alone. So mlpviz knows in advance whether a task fits."""

from __future__ import annotations

from dataclasses import dataclass

from mlpviz.film import MOST as MOST_MOMENTS
from mlpviz.grid import Grid
from mlpviz.settings import Settings

FLOAT = 4  # bytes
HISTORY = 3 * 2**20  # bytes of a run's series and predictions
MOMENT, MOMENT_LAYER = 28_000, 9_000  # bytes of a moment of the film, and for each hidden layer
CELL = 1_500  # bytes of a cell of a map
PIN = 2**19  # bytes of a pinned run's snapshot

# How many checkpoints a run keeps: as many as fit into this many bytes. At least enough to go back a little, at most as
# many as are useful.
CHECKPOINTS = 24 * 2**20
FEWEST_CHECKPOINTS, MOST_CHECKPOINTS = 4, 12

# The same for updates that were taken apart. Several tabs of one visitor may look at them.
WALKS = 64 * 2**20
MOST_WALKS = 4


@dataclass(frozen=True)
class Needs:
    """The memory that a task needs.

    Attributes:
        kept: bytes as long as the task exists.
        step: bytes during one of its steps. Tasks make their steps in turn, so they share this memory.
        is_run: whether it is a run. One visitor may have only so many runs.
        essential: whether a page can't work without it. Then even watched runs of the same visitor go for it.
    """

    kept: int
    step: int = 0
    is_run: bool = False
    essential: bool = False


def trainer_memory(settings: Settings) -> int:
    """Bytes of a network in training: weights, gradients, a copy to measure updates, up to two moments for each
    parameter, and the recorded measurements."""
    return FLOAT * 5 * settings.parameters + HISTORY


def run_memory(settings: Settings, walks: int = 1) -> int:
    """Bytes of a run: its network in training, its checkpoints, its film, and the updates that are taken apart; there
    is always room for one."""
    checkpoints = checkpoint_capacity(settings) * checkpoint_memory(settings)
    return trainer_memory(settings) + checkpoints + film_memory(settings) + max(1, walks) * walk_memory(settings)


def film_memory(settings: Settings) -> int:
    """Bytes of the longest film."""
    return MOST_MOMENTS * (MOMENT + MOMENT_LAYER * len(settings.hidden_sizes))


def step_memory(settings: Settings) -> int:
    """Bytes of a mini-batch's values in all layers, of their gradients, and of intermediate results."""
    return FLOAT * 3 * settings.batch_size * sum(settings.layer_sizes)


def map_needs(grid: Grid) -> Needs:
    """What a map needs: its largest cell, because it trains one at a time, and the results of all."""
    cells = {(each.batch_size, each.layer_sizes): each for each in map(grid.settings_of, grid.places())}.values()
    return Needs(max(map(trainer_memory, cells)) + CELL * len(grid), max(map(step_memory, cells)))


def network_memory(settings: Settings) -> int:
    """Bytes of the parameters alone, for example of a copy of the network."""
    return FLOAT * settings.parameters


def checkpoint_capacity(settings: Settings) -> int:
    """How many checkpoints a run with these settings keeps."""
    return max(FEWEST_CHECKPOINTS, min(MOST_CHECKPOINTS, CHECKPOINTS // checkpoint_memory(settings)))


def checkpoint_memory(settings: Settings) -> int:
    """Bytes of one checkpoint: the parameters, the optimizer's state for each, the generator's state."""
    moments = {"sgd": int(settings.momentum > 0), "adam": 2, "adamw": 2, "rmsprop": 1}[settings.optimizer]
    return FLOAT * settings.parameters * (1 + moments) + 6_000


def walk_capacity(settings: Settings) -> int:
    """How many updates that were taken apart a run keeps."""
    return max(1, min(MOST_WALKS, WALKS // walk_memory(settings)))


def walk_memory(settings: Settings) -> int:
    """Bytes of an update that was taken apart: each parameter before and after, its gradient, its optimizer's state,
    and the network."""
    return FLOAT * settings.parameters * 4 + checkpoint_memory(settings)
