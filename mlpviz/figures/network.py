"""How does the network come to its answer? One image on its way through the network, and its error on the way back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mlpviz.figures.chart import number, percent
from mlpviz.figures.examples import in_words
from mlpviz.pictures import quantized
from mlpviz.snapshot import LayerPortrait, Portrait, Snapshot

EDGES = 16  # drawn between two layers
OF_EACH = 4  # of these for the answer, and as many for the right class, even if others are larger
SPOKEN = 5  # of them in words


def network(snapshot: Snapshot) -> dict[str, Any]:
    """The columns of the drawing, from the image to the ten classes, and the edges between them.

    The `layers` are the hidden ones, with the pictures of their units as int8 `pixels`. An edge is (column, from, to,
    share of the largest, value): it runs from a node of this column to one of the next. Only the largest are there.
    """
    seen = snapshot.answers
    portrait, focus = seen.portrait, seen.examples.focus
    probabilities = seen.probabilities[focus]
    label = seen.labels[focus]
    nodes = [
        ["image"],
        *[[f"unit {unit}" for unit in layer.units] for layer in portrait.layers],
        list(snapshot.classes),
    ]
    finite = bool(np.isfinite(probabilities).all())
    asked = {int(probabilities.argmax())} if finite else set()
    asked |= {label} if label is not None else set()
    outputs = {
        "labels": list(snapshot.classes),
        "shares": [round(float(p), 4) if finite else 0.0 for p in probabilities],
        "label": label,
        "pixels": None if portrait.class_pictures is None else quantized(portrait.class_pictures)[0],
    }
    return {
        "layers": [_layer(layer, i) for i, layer in enumerate(portrait.layers, start=1)],
        "outputs": outputs,
        "forward": _direction(
            portrait.forward, nodes, asked, "to", f"{in_words(seen, focus, snapshot.classes)}. {_shown(portrait)}"
        ),
        "backward": _direction(portrait.backward, nodes, asked, "from", _error(snapshot, label, probabilities)),
    }


def _direction(
    values: tuple[np.ndarray, ...], nodes: list[list[str]], asked: set[int], way: str, sentence: str
) -> dict[str, Any]:
    """The edges in one direction, one sentence about them, and a longer text for those who can't see the drawing."""
    edges = _largest(values, asked)
    last = [edge for edge in edges if edge[0] == len(values) - 1][:SPOKEN]
    told = "; ".join(f"{nodes[-2][origin]} {way} {nodes[-1][to]}: {value}" for _, origin, to, _, value in last)
    return {
        "edges": edges,
        "sentence": sentence,
        "spoken": f"{sentence} The largest parts: {told}." if told else sentence,
    }


def _layer(layer: LayerPortrait, position: int) -> dict[str, Any]:
    pixels, _ = quantized(layer.pictures)
    errors = [None] * len(layer.units) if layer.errors is None else layer.errors
    return {
        "name": f"{layer.size:,} units",
        "units": layer.units.tolist(),
        "labels": [
            f"unit {unit} of hidden layer {position}: output {number(output)}"
            + ("" if error is None else f", error {number(error)}")
            for unit, output, error in zip(layer.units, layer.outputs, errors, strict=True)
        ],
        "pixels": pixels,
    }


def _largest(values: tuple[np.ndarray, ...], asked: set[int]) -> list[tuple[int, int, int, float, str]]:
    """The largest edges between each two columns: column, from, to, the share of the largest one there with its sign,
    and the value in words. Those that are 0 or not finite are left out. At the end, the largest edges of the classes in
    `asked` come first."""
    edges = []
    for column, between in enumerate(values):
        sizes = np.abs(between.astype(np.float64))
        sizes[~np.isfinite(sizes)] = 0.0
        places = _falling(sizes)[: EDGES + len(asked) * OF_EACH].tolist()
        if column == len(values) - 1:
            width = sizes.shape[1]
            first = [c * width + origin for c in sorted(asked) for origin in _falling(sizes[c])[:OF_EACH].tolist()]
            places = [*first, *(place for place in places if place not in first)]
        largest = float(sizes.max())
        for place in places[:EDGES]:
            to, origin = divmod(place, sizes.shape[1])
            value = float(between[to, origin])
            if sizes[to, origin] > 0:
                edges.append((column, origin, to, round(value / largest, 3), number(value)))
    return edges


def _falling(sizes: np.ndarray) -> np.ndarray:
    """The places of the sizes in the flat array, the largest first."""
    places: np.ndarray = np.argsort(-sizes, axis=None, kind="stable")
    return places


def _shown(portrait: Portrait) -> str:
    """How much of the network is drawn."""
    if not portrait.layers:
        return "Each class has its own weights, one for each pixel."
    only = len(portrait.layers) == 1
    parts = [
        _passed_on(layer, "the layer" if only else f"layer {i}") for i, layer in enumerate(portrait.layers, start=1)
    ]
    return f"Drawn: {'; '.join(parts)}."


def _passed_on(layer: LayerPortrait, name: str) -> str:
    if not math.isfinite(layer.share):
        return f"{name} passes on numbers that are not finite"
    if not layer.share:
        return f"{name} passes nothing on"
    if layer.active < len(layer.units):
        passes = "passes" if layer.active == 1 else "pass"
        return f"only {layer.active:,} of {layer.size:,} units of {name} {passes} anything on"
    return f"{len(layer.units)} of {layer.size:,} units, {percent(layer.share, 0)} of what {name} passes on"


def _error(snapshot: Snapshot, label: int | None, probabilities: np.ndarray) -> str:
    if label is None:
        return "Your picture has no label, so there is no error to send back."
    if not np.isfinite(probabilities).all():
        return "There is no error to send back: the numbers are not finite."
    error = probabilities.astype(np.float64).copy()
    error[label] -= 1
    right = f"{snapshot.classes[label]} should be 100 % and is {percent(float(probabilities[label]), 0)}"
    return f"The error starts at the classes: {right}. Each line carries a part of it back."
