"""About how much memory tasks take, from their settings alone: so whether there is room is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from mlpviz.settings import Settings

FLOAT = 4  # bytes
HISTORY = 3 * 2**20  # bytes of a run's series and predictions
PIN = 2**19  # bytes of a pinned run's snapshot

# How many checkpoints a run keeps: as many as fit into this much, but enough to go back a little, and no more than are
# of use.
CHECKPOINTS = 24 * 2**20
FEWEST_CHECKPOINTS, MOST_CHECKPOINTS = 4, 12

# The same for updates that were taken apart, which several tabs of one visitor may look at.
WALKS = 64 * 2**20
MOST_WALKS = 4


@dataclass(frozen=True)
class Needs:
    """What a task takes.

    Attributes:
        kept: bytes for as long as it is there.
        step: bytes while it makes one of its steps. Tasks make their steps in turn, so this room is shared.
        is_run: whether it is a run, of which one visitor may have so many.
        essential: whether a page can't go on without it, so that even runs of the same visitor that somebody looks at
            leave for it.
    """

    kept: int
    step: int = 0
    is_run: bool = False
    essential: bool = False


def trainer_memory(settings: Settings) -> int:
    """Bytes of a network in training: weights, gradients, a copy to measure updates by, up to two moments for each
    parameter, and the history of what was measured."""
    return FLOAT * 5 * settings.parameters + HISTORY


def run_memory(settings: Settings) -> int:
    """Bytes of a run: its network in training, its checkpoints, and an update that is taken apart."""
    checkpoints = checkpoint_capacity(settings) * checkpoint_memory(settings)
    return trainer_memory(settings) + checkpoints + walk_memory(settings)


def step_memory(settings: Settings) -> int:
    """Bytes of a mini-batch's values in all layers, of their gradients, and of what is computed on the way."""
    return FLOAT * 3 * settings.batch_size * sum(settings.layer_sizes)


def network_memory(settings: Settings) -> int:
    """Bytes of the parameters alone, such as of a copy of the network."""
    return FLOAT * settings.parameters


def checkpoint_capacity(settings: Settings) -> int:
    """How many checkpoints a run of these settings keeps."""
    return max(FEWEST_CHECKPOINTS, min(MOST_CHECKPOINTS, CHECKPOINTS // checkpoint_memory(settings)))


def checkpoint_memory(settings: Settings) -> int:
    """Bytes of one checkpoint: the parameters, what the optimizer keeps for each, the generator's state."""
    moments = {"sgd": int(settings.momentum > 0), "adam": 2, "adamw": 2, "rmsprop": 1}[settings.optimizer]
    return FLOAT * settings.parameters * (1 + moments) + 6_000


def walk_capacity(settings: Settings) -> int:
    """How many updates that were taken apart a run keeps."""
    return max(1, min(MOST_WALKS, WALKS // walk_memory(settings)))


def walk_memory(settings: Settings) -> int:
    """Bytes of an update that was taken apart: each parameter before, its gradient, after, its optimizer's state, and
    the network."""
    return FLOAT * settings.parameters * 4 + checkpoint_memory(settings)
