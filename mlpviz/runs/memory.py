"""About how much memory tasks take, from their settings alone: so whether there is room is known beforehand."""

from __future__ import annotations

from mlpviz.settings import Settings

FLOAT = 4  # bytes
HISTORY = 3 * 2**20  # bytes of a run's series and predictions
PIN = 2**19  # bytes of a pinned run's snapshot

# How many checkpoints a run keeps: as many as fit into this much, but enough to go back a little, and no more than are
# of use.
CHECKPOINTS = 24 * 2**20
FEWEST_CHECKPOINTS, MOST_CHECKPOINTS = 4, 12


def run_memory(settings: Settings) -> int:
    """Bytes of a run: weights, gradients, a copy to measure updates by, up to two moments for each parameter, a
    mini-batch's activations, its checkpoints, its history and its predictions."""
    activations = 3 * settings.batch_size * sum(settings.layer_sizes)
    checkpoints = checkpoint_capacity(settings) * checkpoint_memory(settings)
    return FLOAT * (5 * settings.parameters + activations) + checkpoints + HISTORY


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


def walk_memory(settings: Settings) -> int:
    """Bytes of an update that was taken apart: each parameter before, its gradient, after, its optimizer's state, and
    the network."""
    return FLOAT * settings.parameters * 4 + checkpoint_memory(settings)
