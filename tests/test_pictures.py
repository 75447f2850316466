"""Pictures in a byte for each pixel: how exact they are, and that nothing is lost when they are made again."""

import numpy as np
import pytest

from mlpviz.pictures import NOT_FINITE, Pictures, quantized


def cases():
    generator = np.random.default_rng(0)
    usual = generator.normal(0, 0.05, (8, 28, 28)).astype(np.float32)
    broken = usual.copy()
    broken[0, 0, :3] = np.nan, np.inf, -np.inf
    sparse = np.zeros((8, 28, 28), dtype=np.float32)
    sparse[3, 4, 5] = 0.7
    return {
        "usual": usual,
        "long tails": generator.standard_cauchy((8, 28, 28)).astype(np.float32),
        "broken": broken,
        "zero": np.zeros((8, 28, 28), dtype=np.float32),
        "sparse": sparse,
        "tiny": usual * np.float32(1e-38),
        "huge": usual * np.float32(1e38),
        "none": np.empty((0, 28, 28), dtype=np.float32),
        "all broken": np.full((2, 28, 28), np.nan, dtype=np.float32),
    }


@pytest.mark.parametrize("name", cases())
def test_images_that_are_quantized_again_stay_the_same(name):
    once = Pictures.of(cases()[name])
    pixels, scale = quantized(once.images())
    assert np.array_equal(pixels, once.pixels) and scale == once.scale


def test_a_pixel_is_right_to_half_a_level():
    images = cases()["usual"]
    pictures = Pictures.of(images)
    inside = np.abs(images) <= pictures.scale
    assert 0.994 < inside.mean() < 0.9965, "the scale is the 99.5th percentile"
    half = pictures.scale / 127 / 2
    assert np.abs(pictures.images() - images)[inside].max() <= half * 1.0001
    assert (np.sign(pictures.images()) == np.sign(images))[~inside].all()


def test_what_is_not_finite_stays_so():
    pictures = Pictures.of(cases()["broken"])
    assert (pictures.pixels == NOT_FINITE).sum() == 3 and np.isnan(pictures.images()).sum() == 3
