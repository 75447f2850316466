"""A run as event files for TensorBoard: its series as scalars, and its film as histograms and pictures."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from tensorboardX import SummaryWriter

from mlpviz.export.pictures import grid
from mlpviz.film import Roll
from mlpviz.history import Series
from mlpviz.pictures import Pictures
from mlpviz.settings import spell
from mlpviz.snapshot import Histogram, Inspection, Snapshot

EVENTS = "events.out.tfevents.*"


def write_events(roll: Roll, folder: Path) -> None:
    """Write the files into the folder, which TensorBoard shows as one run. A run has no record of when each of its
    steps was made, so all have the time of now.

    Raises:
        FileExistsError: the folder has event files already; TensorBoard would show both runs as one.
    """
    if any(folder.glob(EVENTS)):
        raise FileExistsError(f"{folder} has event files already. Name another folder.")
    now = time.time()
    with SummaryWriter(str(folder)) as writer:
        settings = roll.now.settings
        rows = "\n".join(f"| {name} | {spell(value)} |" for name, value in vars(settings).items())
        writer.add_text("settings", f"| setting | value |\n| --- | --- |\n{rows}", 0, walltime=now)
        _scalars(writer, roll.now, now)
        for snapshot in (*map(roll.at, roll.moments), roll.now):
            if snapshot.inspection is not None:
                _inspection(writer, snapshot.inspection, now)
    for path in folder.glob(EVENTS):
        path.rename(path.with_name(f"events.out.tfevents.{now:.0f}.mlpviz"))  # without the name of this machine


def _scalars(writer: SummaryWriter, snapshot: Snapshot, now: float) -> None:
    names = {"loss": "loss/train", "accuracy": "accuracy/train_batch"}
    _series(writer, snapshot.steps, snapshot.steps.ends(), names, now)
    for step, loss, accuracy in snapshot.evaluations.tolist():
        writer.add_scalar("loss/test", loss, int(step), walltime=now)
        writer.add_scalar("accuracy/test", accuracy, int(step), walltime=now)
    if snapshot.inspection is not None:
        _trend(writer, snapshot.inspection.trend, now)
    if snapshot.sharpness is not None:
        _trend(writer, snapshot.sharpness, now)


def _trend(writer: SummaryWriter, series: Series, now: float) -> None:
    """A series with a column for its steps."""
    _series(writer, series, series.column("step"), {}, now)


def _series(writer: SummaryWriter, series: Series, steps: np.ndarray, names: dict[str, str], now: float) -> None:
    """The columns of a series; in a long one, the means of its buckets. A column “kind 2” becomes “kind/layer_2”."""
    for place, column in enumerate(series.columns):
        kind, _, layer = column.rpartition(" ")
        name = names.get(column) or (f"{kind}/layer_{layer}" if layer.isdecimal() else f"sharpness/{column}")
        if column == "step":
            continue
        for step, value in zip(steps.tolist(), series.mean[:, place].tolist(), strict=True):
            if np.isfinite(value):
                writer.add_scalar(name, value, int(step), walltime=now)


def _inspection(writer: SummaryWriter, inspection: Inspection, now: float) -> None:
    for name, histograms in (("weights", inspection.weights), ("gradients", inspection.gradients)):
        for layer, histogram in enumerate(histograms, start=1):
            _histogram(writer, f"{name}/layer_{layer}", histogram, inspection.step, now)
    picture = np.asarray(grid(Pictures.of(inspection.first_layer_images))).transpose(2, 0, 1)
    writer.add_image("first-layer_weights", picture, inspection.step, walltime=now)


def _histogram(writer: SummaryWriter, name: str, histogram: Histogram, step: int, now: float) -> None:
    """The very bins. The sums are those of values at the middle of their bins."""
    counts, centres = histogram.counts, histogram.centres()
    sums = [float((counts * centres).sum()), float((counts * centres**2).sum())]
    total = int(counts.sum())
    # TensorBoard's first bucket begins at −∞, so it needs an empty one before the first.
    limits, filled = histogram.edges().tolist(), [0, *counts.tolist()]
    writer.add_histogram_raw(name, histogram.low, histogram.high, total, *sums, limits, filled, step, walltime=now)
