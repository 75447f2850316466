"""A branch: a new run that begins at a checkpoint of another run."""

from __future__ import annotations

from mlpviz.runs.run import Run


def branch(run: Run, step: int, owner: str = "") -> Run:
    """A new run that begins at a checkpoint of `run`, the latest at `step` or before it, and trains at the same speed.

    Raises:
        LookupError: no such checkpoint is kept.
    """
    checkpoint = run.health.before(step)
    other = Run(checkpoint.settings, run.trainer.dataset, owner, checkpoint, run.clock, run.pace.speed)
    other.trainer.change(checkpoint.settings.replace(epochs=run.settings.epochs))
    other.recording.inherit(run.recording)
    other.health.inherit(run.health)
    other.film.inherit(run.film, other.step)
    return other
