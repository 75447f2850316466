"""Values with a sign as small pictures: one byte for each pixel."""

from __future__ import annotations

import numpy as np

NOT_FINITE = -128


def quantized(images: np.ndarray) -> tuple[np.ndarray, float]:
    """The images as int8, where ±127 stands for ± the scale and −128 for a value that is not finite; and the scale.

    The scale is the 99.5th percentile of the sizes of all values. So a single very large value doesn't make the others
    look grey.
    """
    sizes = np.abs(images[np.isfinite(images)])
    scale = float(np.quantile(sizes, 0.995)) if len(sizes) else 0.0
    pixels = np.clip(np.nan_to_num(images / scale if scale else images * 0), -1, 1) * 127
    return np.where(np.isfinite(images), pixels.round(), NOT_FINITE).astype(np.int8), scale
