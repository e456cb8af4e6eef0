"""What rows predict of each other."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image
from scan_rows import brighter

from napari_stem_defects.preprocessing.row_prediction import (
    fill_rows,
    fine_structure,
    predict_rows,
    row_weights,
    some_columns,
    spread,
    with_neighbours,
)


def centred(counts: float = 1e5, spacing: float = 14.0) -> np.ndarray:
    pixels = crystal_image(SQUARE, spacing=spacing, counts=counts, rotation_deg=0).pixels
    return pixels - pixels.mean()


def test_rows_of_a_wide_probe_follow_from_their_neighbours():
    image = centred()
    left = image[3:-3] - predict_rows(image, row_weights(some_columns(image)))
    assert left.std() < 0.02 * image.std()


def test_a_few_odd_rows_do_not_change_the_weights():
    image = centred()
    odd = brighter(image, [40, 101, 190], 3.0)
    assert row_weights(some_columns(odd)) == pytest.approx(
        row_weights(some_columns(image)), abs=0.05
    )


def test_masked_rows_are_filled_from_what_is_beside_them():
    image = centred()
    mask = np.zeros(image.shape, bool)
    mask[[0, 60, 61, 120, 255]] = True
    mask[180, 40:90] = True
    spoilt = np.where(mask, np.float32(1e6), image)
    filled = fill_rows(spoilt, mask, row_weights(some_columns(image)))
    inner = mask.copy()
    inner[[0, 255]] = False
    assert np.abs(filled - image)[inner].max() < 0.25 * np.ptp(image)
    assert np.abs(filled).max() < 2 * np.abs(image).max()
    assert np.array_equal(filled[~mask], image[~mask])
    assert spoilt[60, 0] == 1e6


def test_fine_structure_is_what_a_probe_of_few_pixels_shows():
    wide, narrow = (fine_structure(some_columns(centred(200, spacing))) for spacing in (14.0, 6.0))
    assert wide < 0.02
    assert narrow < 0.1  # the lattice itself has a period of 6 px
    thin = np.repeat(np.cos(np.pi / 2 * np.arange(128, dtype=np.float32))[:, None], 64, axis=1)
    assert fine_structure(some_columns(thin)) > 0.5
    noise = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    assert fine_structure(some_columns(centred(200) + 0.1 * noise)) < 0.03
    lost = centred(200)
    lost[[13, 41, 60, 99, 128, 131, 177, 204, 230]] = 0
    assert fine_structure(some_columns(lost)) < 0.03


def test_an_image_without_contrast_has_no_fine_structure():
    assert fine_structure(some_columns(np.zeros((64, 64), np.float32))) == 0


def test_an_image_without_contrast_is_predicted_by_its_mean():
    weights = row_weights(some_columns(np.full((64, 64), 7, np.float32)))
    assert np.array_equal(weights, np.zeros(3))


@pytest.mark.parametrize("period", [2, 3, 5, 8, 16, 21, 32])
def test_places_that_are_spread_meet_a_period_at_all_its_phases(period):
    at = spread(4096, 128)
    assert len(at) == 128
    assert (np.diff(at) > 0).all()
    assert at.min() >= 0
    assert at.max() < 4096
    assert np.bincount(at % period, minlength=period).max() < 2.2 * 128 / period + 1


def test_all_places_are_taken_where_there_are_few():
    assert np.array_equal(spread(5, 9), np.arange(5))


def test_some_columns_have_no_unit():
    image = centred()
    for scale in (1e-20, 1.0, 1e20):
        part = some_columns(np.float32(scale) * image)
        assert part.mean() == pytest.approx(0, abs=1e-6)
        assert part.std() == pytest.approx(1)


@pytest.mark.parametrize("turned", [False, True])
def test_rows_have_their_neighbours_and_beyond_the_border_their_mirror_image(turned):
    image = np.arange(12 * 5, dtype=np.float32).reshape(12, 5)
    given = np.ascontiguousarray(image.T).T if turned else image
    mean = np.float32(1)
    assert np.array_equal(with_neighbours(given, slice(4, 6), mean), image[1:9] - 1)
    at = [3, 2, 1, 0, 1, 2, 3, 4]
    assert np.array_equal(with_neighbours(given, slice(0, 2), mean), image[at] - 1)
    at = [7, 8, 9, 10, 11, 10, 9, 8]
    assert np.array_equal(with_neighbours(given, slice(10, 12), mean), image[at] - 1)
    assert with_neighbours(given, slice(4, 6), mean).flags.c_contiguous
