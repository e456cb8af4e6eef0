"""Coarser levels of images and labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import center_of_mass
from skimage.measure import block_reduce

from napari_stem_defects.io.export.pyramid import (
    SMALLEST_PX,
    level_shapes,
    maxima,
    means,
    placement,
)

SHAPE = (1203, 701)
RNG = np.random.default_rng(0)


def test_levels_are_halved_until_they_are_small() -> None:
    assert level_shapes(SHAPE) == [(1203, 701), (602, 351), (301, 176)]
    assert level_shapes((SMALLEST_PX, 9)) == [(SMALLEST_PX, 9)]


def test_levels_of_an_image_are_means_of_blocks() -> None:
    image = RNG.normal(size=SHAPE).astype(np.float32)
    levels = list(means(image))
    assert [each.shape for each in levels] == level_shapes(SHAPE)
    assert {each.dtype for each in levels} == {np.dtype(np.float32)}
    whole = block_reduce(image[:1200, :700], (4, 4), np.mean)
    np.testing.assert_allclose(levels[2][:300, :175], whole, atol=1e-6)
    np.testing.assert_allclose(levels[1][601, :350], image[1202, :700].reshape(350, 2).mean(1))


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f8"])
def test_numbers_keep_their_type_and_range(dtype: str) -> None:
    highest = 1.0 if dtype == "f8" else np.iinfo(dtype).max
    for level in means(np.full((520, 520), highest, dtype)):
        assert level.dtype == dtype
        assert (level == highest).all()


def test_no_small_region_is_missing_from_a_coarse_level() -> None:
    labels = np.zeros(SHAPE, np.int32)
    places = np.stack([RNG.integers(0, size // 8, 40) * 8 for size in SHAPE], 1)
    places = np.unique(places, axis=0)
    labels[tuple(places.T)] = np.arange(1, len(places) + 1)
    levels = list(maxima(labels))
    for level in levels:
        assert set(np.unique(level)) == {*range(len(places) + 1)}
        assert level.dtype == np.int32


def test_a_place_in_nm_is_the_same_on_all_levels() -> None:
    image = np.zeros((1024, 1024), np.float32)
    image[512:520, 256:264] = 1
    for number, level in enumerate(means(image)):
        size, offset = placement(number, 0.02)
        found = np.array(center_of_mass(level)) * size + offset
        np.testing.assert_allclose(found, (0.02 * 515.5, 0.02 * 259.5), atol=1e-9)
