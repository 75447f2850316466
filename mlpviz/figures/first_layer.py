"""What does the first layer respond to? Its weights as images, quantised for the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpviz.figures.chart import number, once_per_inspection
from mlpviz.snapshot import Snapshot

NOT_FINITE = -128


@once_per_inspection
def first_layer_weights(snapshot: Snapshot) -> dict[str, Any] | None:
    """Tiles for the board: int8 pixels, where ±127 stands for ± the scale and −128 for a weight that is not finite, and
    a label for each tile.

    The scale is the 99.5th percentile of the sizes of all shown weights. So a single very large weight doesn't make the
    others look grey.
    """
    if snapshot.inspection is None:
        return None
    images = snapshot.inspection.first_layer_images
    sizes = np.abs(images[np.isfinite(images)])
    scale = float(np.quantile(sizes, 0.995)) if len(sizes) else 0.0
    pixels = np.clip(np.nan_to_num(images / scale if scale else images * 0), -1, 1) * 127
    pixels = np.where(np.isfinite(images), pixels.round(), NOT_FINITE).astype(np.int8)
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
