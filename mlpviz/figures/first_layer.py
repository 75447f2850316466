"""What does the first layer respond to? Its weights as images, quantised for the page."""

from __future__ import annotations

from typing import Any

from mlpviz.figures.chart import number, once_per_inspection
from mlpviz.pictures import NOT_FINITE, quantized
from mlpviz.snapshot import Snapshot


@once_per_inspection
def first_layer_weights(snapshot: Snapshot) -> dict[str, Any] | None:
    """Tiles for the board: their pixels, as in `quantized`, and a label for each tile."""
    if snapshot.inspection is None:
        return None
    images = snapshot.inspection.first_layer_images
    pixels, scale = quantized(images)
    broken = int((pixels == NOT_FINITE).sum())
    note = f" Ochre: not finite ({broken:,} weights)." if broken else ""
    units = snapshot.inspection.first_layer_units
    names = [f"unit {unit}" if snapshot.hidden_layers else snapshot.classes[unit] for unit in units]
    whose = f"The {len(units)} hidden units with the largest weights" if snapshot.hidden_layers else "The ten classes"
    return {
        "name": "First-layer weights",
        "sentence": f"{whose}, as 28 × 28 images. Blue: negative; red: positive; full colour: ±{number(scale)}.{note}",
        "labels": names,
        "pixels": pixels,
    }
