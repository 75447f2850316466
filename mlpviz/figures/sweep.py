"""With which init std does the network learn? The sweep after one epoch."""

from __future__ import annotations

from typing import Any

from mlpviz.diagnosis import LN10
from mlpviz.figures.chart import Chart, line, percent
from mlpviz.figures.headline import task_status
from mlpviz.figures.palette import BLUE, GUESS, LAYERS, VERMILLION
from mlpviz.snapshot import SweepSnapshot

LEAST, MOST = 1e-4, 5.0


def sweep_headline(snapshot: SweepSnapshot) -> dict[str, object]:
    """The strip above the figures."""
    status = task_status(snapshot.status, at_work="Trying init stds", finished="Tried")
    return {
        "status": status,
        "setting": "One epoch for each init std",
        "progress": snapshot.step / snapshot.total_steps,
        "values": [
            ("Step", f"{snapshot.step:,}", f"of {snapshot.total_steps:,}"),
            ("Networks", f"{len(snapshot.init_stds)}", "finished"),
        ],
    }


def sweep_charts(snapshot: SweepSnapshot) -> list[Chart]:
    """Test accuracy, test loss and dead units over init std."""
    best = ""
    if len(snapshot.accuracies):
        i = int(snapshot.accuracies.argmax())
        best = f"Best so far: {percent(snapshot.accuracies[i])} at init std {float(snapshot.init_stds[i]):g}."
    accuracy = _dots(snapshot, "test", snapshot.accuracies, BLUE, ".1%")
    loss = _dots(snapshot, "test", snapshot.losses, VERMILLION, ".4f")
    dead = [
        _dots(snapshot, f"layer {i + 1}", snapshot.dead_shares[:, i], LAYERS[i % len(LAYERS)], ".1%")
        for i in range(snapshot.dead_shares.shape[1])
    ]
    return [
        Chart(
            "Accuracy after one epoch",
            best or "The first network is training.",
            [accuracy, _guess(0.1)],
            _layout(tickformat=".0%", rangemode="tozero"),
            card="Accuracy after one epoch",
        ),
        Chart(
            "Loss after one epoch",
            "Test loss for each init std. Guessing gives ln 10 ≈ 2.30.",
            [loss, _guess(LN10)],
            _layout(type="log"),
            card="Loss after one epoch",
        ),
        Chart(
            "Dead after one epoch",
            "Hidden units that pass no gradient for any of 512 test images." if dead else "There is no hidden layer.",
            dead,
            _layout(tickformat=".0%", range=[-0.02, 1.02]),
            card="Dead after one epoch",
        ),
    ]


def _dots(snapshot: SweepSnapshot, name: str, values: Any, color: str, form: str) -> dict[str, Any]:
    return line(
        name,
        snapshot.init_stds,
        values,
        color,
        mode="lines+markers",
        marker={"size": 8},
        hovertemplate=f"%{{y:{form}}}",
    )


def _guess(value: float) -> dict[str, Any]:
    return line("guessing", [LEAST, MOST], [value] * 2, GUESS, dash="dash", width=1.5, hoverinfo="skip")


def _layout(**yaxis: Any) -> dict[str, Any]:
    return {"xaxis": {"title": {"text": "init std"}, "type": "log", "minexponent": 1}, "yaxis": yaxis}
