"""How much rows differ from what their neighbours predict."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, crystal_image
from scan_rows import brighter

from napari_stem_defects.preprocessing import row_oddness as module
from napari_stem_defects.preprocessing.row_oddness import RowOddness
from napari_stem_defects.preprocessing.row_prediction import (
    REACH,
    row_weights,
    some_columns,
    with_neighbours,
)

STRETCH = 36


def measured(pixels, ignored=None):
    return RowOddness(pixels, row_weights(some_columns(pixels)), STRETCH, ignored)


def searched(oddness, pixels, mask=None):
    mask = np.zeros(pixels.shape, bool) if mask is None else mask
    return oddness.of_rows(pixels, mask, slice(0, len(pixels)))


def whole(oddness, pixels):
    """Return the oddness of all rows without the search for those that may be odd."""
    rows = slice(0, len(pixels))
    excess = oddness.excess(with_neighbours(pixels, rows, oddness.mean), rows)
    odd = oddness.of_excess(excess, np.zeros(pixels.shape, bool))
    odd[:REACH] = odd[-REACH:] = 0
    return odd


@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_rows_that_are_odd_are_those_that_a_search_of_all_pixels_finds(monkeypatch, chunk):
    monkeypatch.setattr(module, "_CHUNK_PX", chunk)
    pixels = brighter(crystal_image(HEXAGONAL, spacing=16.0, counts=200).pixels, [77, 150, 151])
    pixels[200, 40:90] *= 1.5
    oddness = measured(pixels)
    odd, expected = searched(oddness, pixels), whole(oddness, pixels)
    assert {77, 150, 151, 200} <= set(np.flatnonzero(odd >= 1))
    assert np.array_equal(odd >= 1, expected >= 1)
    assert odd[odd > 0] == pytest.approx(expected[odd > 0], rel=1e-3)


def test_pixels_that_are_masked_do_not_count():
    pixels = brighter(crystal_image(HEXAGONAL, spacing=16.0, counts=200).pixels, [77])
    oddness, mask = measured(pixels), np.zeros(pixels.shape, bool)
    mask[74:81] = True
    assert searched(oddness, pixels, mask).max() < 1


def test_pixels_without_a_value_do_not_count():
    pixels = brighter(crystal_image(HEXAGONAL, spacing=16.0, counts=200).pixels, [0, 77])
    ignored = np.zeros(pixels.shape, bool)
    ignored[[0, 77]] = True
    oddness = measured(pixels, ignored)
    assert searched(oddness, pixels).max() < 1


def test_the_usual_of_a_large_image_is_measured_on_a_part_of_it(monkeypatch):
    pixels = crystal_image(HEXAGONAL, spacing=16.0, counts=200, size=512).pixels
    all_of_it = whole(measured(pixels), pixels)
    monkeypatch.setattr(module, "_SAMPLE_PX", 1)
    part = whole(measured(pixels), pixels)
    assert part == pytest.approx(all_of_it, rel=0.15, abs=0.25)
    assert not np.array_equal(part, all_of_it)


def test_a_constant_has_nothing_usual():
    assert not measured(np.full((64, 64), 3, np.float32)).is_measurable


def test_a_pixel_has_what_the_stretch_around_it_has():
    pixels = crystal_image(HEXAGONAL, spacing=16.0, counts=200, size=640).pixels
    changed = pixels.copy()
    changed[100, 60 : 60 + STRETCH] += 1e6
    oddness, rows = measured(pixels), slice(100, 101)
    before, after = (
        oddness.excess(with_neighbours(each, rows, oddness.mean), rows)[0]
        for each in (pixels, changed)
    )
    assert after.shape == (640,)
    assert abs(int(after.argmax()) - 60 - STRETCH // 2) <= 1
    # A long stretch has eight short ones; the slope of the prediction reaches a pixel further.
    far = 60 + STRETCH + 4 * STRETCH + 1
    assert after[far:] == pytest.approx(before[far:], abs=1e-4)
    assert (after[60 : 60 + STRETCH] > 1).all()


def test_rows_at_the_border_have_neighbours_on_one_side_alone():
    pixels = brighter(crystal_image(HEXAGONAL, spacing=16.0, counts=200).pixels, [0, 2, 253, 255])
    odd = searched(measured(pixels), pixels)
    assert not odd[:REACH].any()
    assert not odd[-REACH:].any()


def test_a_part_of_the_rows_is_searched_like_all():
    pixels = brighter(crystal_image(HEXAGONAL, spacing=16.0, counts=200).pixels, [77])
    oddness, mask = measured(pixels), np.zeros(pixels.shape, bool)
    odd = searched(oddness, pixels)
    for rows in (slice(0, 80), slice(70, 90), slice(76, 256)):
        assert np.array_equal(oddness.of_rows(pixels, mask, rows), odd[rows])
