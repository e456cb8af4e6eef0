"""The search for disturbed rows."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, crystal_image
from scan_rows import brighter, shifted

from napari_stem_defects.preprocessing.disturbed_rows import disturbed_rows

STRETCH, MOST = 36, 3


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_rows_that_are_disturbed_together_are_all_found(thickness):
    image = crystal_image(HEXAGONAL, spacing=16.0, counts=200)
    rows = list(range(120, 120 + thickness))
    mask, filled = disturbed_rows(shifted(image.pixels, rows, 6.0), STRETCH, MOST)
    assert set(rows) <= set(np.flatnonzero(mask.any(axis=1)))
    assert mask.any(axis=1).sum() <= thickness + 1
    assert np.abs(filled[rows] - image.pixels[rows]).mean() < 1.5 * np.sqrt(image.pixels.mean())


def test_more_rows_together_than_are_allowed_stay():
    image = crystal_image(HEXAGONAL, spacing=16.0, counts=200)
    changed = shifted(image.pixels, [120, 121, 122], 6.0)
    mask, _ = disturbed_rows(changed, STRETCH, 1)
    assert not (mask[120] & mask[121]).any()
    assert not (mask[121] & mask[122]).any()


def test_rows_near_each_other_are_told_from_those_between_them():
    image = crystal_image(HEXAGONAL, spacing=16.0, counts=200)
    for apart in (3, 4, 5):
        mask, _ = disturbed_rows(brighter(image.pixels, [120, 120 + apart]), STRETCH, MOST)
        assert np.flatnonzero(mask.any(axis=1)).tolist() == [120, 120 + apart]


def test_rows_of_an_enlarged_image_are_not_repeated_ones():
    image = crystal_image(HEXAGONAL, spacing=16.0, counts=200)
    twice = np.repeat(image.pixels, 2, axis=0)
    mask, filled = disturbed_rows(twice, STRETCH, MOST)
    assert not mask.any()
    assert filled is twice


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_an_image_without_contrast_has_no_disturbed_row(value):
    flat = np.full((64, 64), value, np.float32)
    assert not disturbed_rows(flat, 24, MOST)[0].any()


def test_vacuum_beside_a_crystal_is_not_disturbed():
    image = crystal_image(HEXAGONAL, spacing=16.0, counts=200)
    pixels = image.pixels.copy()
    pixels[:, 128:] = 0
    assert not disturbed_rows(pixels, STRETCH, MOST)[0].any()


def test_a_small_image_is_left_as_it_is():
    pixels = np.random.default_rng(0).random((20, 200), np.float32)
    assert not disturbed_rows(pixels, 24, MOST)[0].any()


@pytest.mark.parametrize("unit", [1e-12, 1e9])
def test_the_unit_of_the_intensity_does_not_matter(unit):
    image = crystal_image(HEXAGONAL, spacing=16.0, counts=200)
    disturbed = shifted(image.pixels, [70, 120, 121], 6.0)
    expected, _ = disturbed_rows(disturbed, STRETCH, MOST)
    mask, filled = disturbed_rows(disturbed * np.float32(unit), STRETCH, MOST)
    assert expected.any()
    assert np.array_equal(mask, expected)
    assert np.isfinite(filled).all()
