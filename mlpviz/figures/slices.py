"""What does the loss look like around the present weights? Along the gradient, and over a plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.answers import AlongGradient, Plane
from mlpviz.figures.chart import Chart, drawable, line, number
from mlpviz.figures.palette import ALARM, BLUE, GREY, VERMILLION, WHITE, see_through

FLAT = 0.02  # powers of ten: if the losses of a map differ by less, it is drawn in one colour


def along_gradient_curve(along: AlongGradient) -> Chart:
    """The loss of the mini-batch over the step size, with its quadratic approximation and the learning rate."""
    here = float(along.losses[0])
    data = [
        line("loss", along.alphas, drawable(along.losses), BLUE, hovertemplate="loss %{y:.4g}"),
        line("parabola", along.alphas, along.quadratic, GREY, dash="dash", hovertemplate="parabola %{y:.4g}"),
        line("after this step", [along.rate], [along.after], VERMILLION, mode="markers", marker={"size": 10}),
    ]
    finite = along.losses[np.isfinite(along.losses)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    low = min(low, float(max(along.quadratic.min(), low - (high - low))))
    room = 0.08 * ((high - low) or 1.0)
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": "α: step size along −g"}},
        "yaxis": {"title": {"text": "loss of the mini-batch"}, "range": [low - room, high + room]},
        "shapes": [
            _vertical(along.rate, VERMILLION),
            {
                "type": "line",
                "x0": 0,
                "x1": 1,
                "xref": "paper",
                "y0": here,
                "y1": here,
                "line": {"color": GREY, "width": 1, "dash": "dot"},
            },
        ],
        "showlegend": True,
        "hovermode": "x unified",
    }
    return Chart("Along the gradient", _sentence(along), data, layout, card="Along the gradient")


def best_alpha(along: AlongGradient) -> float | None:
    """The step size at which the parabola is lowest: ‖g‖² / gᵀHg; None if it does not curve up."""
    return along.slope / along.curvature if along.curvature > 0 else None


def _sentence(along: AlongGradient) -> str:
    here, after = float(along.losses[0]), along.after
    if not np.isfinite(after):
        return f"With η = {along.rate:g} the loss overflows. Before the step it is {number(here)}."
    went = "lowers" if after < here else "raises"
    ends = (number(here), number(after))
    if ends[0] == ends[1]:
        ends = (f"{here:.5g}", f"{after:.5g}")
    said = f"η = {along.rate:g} {went} the loss from {ends[0]} to {ends[1]}."
    best = best_alpha(along)
    if best is None:
        return f"{said} The parabola does not curve up here, so it has no lowest point."
    if along.rate > 2 * best and after > here:
        return f"{said} The parabola is lowest at α = {number(best)}. This step is over twice as long: too far."
    return f"{said} The parabola is lowest at α = {number(best)}."


def plane_map(plane: Plane) -> Chart:
    """The loss over the plane as a map with contour lines. A cross marks the network."""
    floor = float(np.nanmin(plane.losses))
    shown = np.log10(np.where(np.isfinite(plane.losses), np.maximum(plane.losses, 1e-6), np.nan))
    lowest, highest = float(np.nanmin(shown)), float(np.nanmax(shown))
    if highest - lowest < FLAT:  # almost flat: one number in the middle of the colour bar
        lowest, highest = (lowest + highest - FLAT) / 2, (lowest + highest + FLAT) / 2
        ticks = np.array([(lowest + highest) / 2])
    else:
        ticks = np.linspace(lowest, highest, 5)
    contour = {
        "type": "contour",
        "x": plane.offsets,
        "y": plane.offsets,
        "z": shown,
        "zmin": lowest,
        "zmax": highest,
        "colorscale": "Viridis",
        "reversescale": True,
        "ncontours": 24,
        "line": {"width": 0.6, "color": see_through(WHITE, 0.5)},
        "customdata": plane.losses,
        "hovertemplate": "loss %{customdata:.4g}<extra></extra>",
        "colorbar": {
            "title": {"text": "loss"},
            "tickvals": ticks,
            "ticktext": [number(10.0**tick) for tick in ticks],
            "thickness": 12,
        },
    }
    here = {
        "type": "scatter",
        "mode": "markers",
        "x": [0],
        "y": [0],
        "marker": {"symbol": "x", "size": 11, "color": ALARM, "line": {"width": 1, "color": "white"}},
        "hovertemplate": "the network<extra></extra>",
    }
    axis = {"zeroline": False, "constrain": "domain"}
    layout = {
        "xaxis": axis | {"title": {"text": "first direction"}},
        "yaxis": axis | {"title": {"text": "second direction"}, "scaleanchor": "x"},
        "showlegend": False,
    }
    middle = float(plane.losses[len(plane.offsets) // 2, len(plane.offsets) // 2])
    sentence = f"The network (the cross) has loss {number(middle)}. The lowest loss on the map is {number(floor)}."
    return Chart("A slice of the landscape", sentence, [contour, here], layout, card="A slice of the landscape")


def _vertical(x: float, color: str) -> dict[str, Any]:
    style = {"color": color, "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": style}
