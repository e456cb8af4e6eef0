"""What rows predict of each other."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image
from scan_rows import brighter

from napari_stem_defects.preprocessing.row_prediction import (
    LIMIT,
    UsualDifference,
    fill_rows,
    fine_structure,
    predict_rows,
    row_weights,
)


def centred(counts: float = 1e5, spacing: float = 14.0) -> np.ndarray:
    pixels = crystal_image(SQUARE, spacing=spacing, counts=counts, rotation_deg=0).pixels
    return pixels - pixels.mean()


def test_rows_of_a_wide_probe_follow_from_their_neighbours():
    image = centred()
    left = image - predict_rows(image, row_weights(image))
    assert left[3:-3].std() < 0.02 * image.std()


def test_a_few_odd_rows_do_not_change_the_weights():
    image = centred()
    odd = brighter(image, [40, 101, 190], 3.0)
    assert row_weights(odd) == pytest.approx(row_weights(image), abs=0.05)


def test_masked_rows_are_filled_from_what_is_beside_them():
    image = centred()
    mask = np.zeros(image.shape, bool)
    mask[[0, 60, 61, 120, 255]] = True
    mask[180, 40:90] = True
    spoilt = np.where(mask, np.float32(1e6), image)
    filled = fill_rows(spoilt, mask, row_weights(image))
    inner = mask.copy()
    inner[[0, 255]] = False
    assert np.abs(filled - image)[inner].max() < 0.25 * np.ptp(image)
    assert np.abs(filled).max() < 2 * np.abs(image).max()
    assert np.array_equal(filled[~mask], image[~mask])
    assert spoilt[60, 0] == 1e6


def test_usual_differences_grow_with_the_brightness():
    rng = np.random.default_rng(0)
    predicted = np.repeat(np.linspace(10, 1000, 200, dtype=np.float32), 200).reshape(200, 200)
    difference = (np.sqrt(predicted) * rng.normal(size=predicted.shape)).astype(np.float32)
    multiples = UsualDifference(predicted, difference).multiples(predicted, difference)
    spread = [multiples[part].std() for part in (slice(20, 60), slice(140, 180))]
    assert spread == pytest.approx([1, 1], abs=0.15)
    assert np.abs(multiples).max() <= LIMIT


def test_fine_structure_is_what_a_probe_of_few_pixels_shows():
    wide, narrow = (fine_structure(centred(200, spacing)) for spacing in (14.0, 6.0))
    assert wide < 0.02
    assert narrow < 0.1  # the lattice itself has a period of 6 px
    thin = np.repeat(np.cos(np.pi / 2 * np.arange(128, dtype=np.float32))[:, None], 64, axis=1)
    assert fine_structure(thin) > 0.5
    noise = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    assert fine_structure(centred(200) + 0.1 * noise) < 0.03
    lost = centred(200)
    lost[[13, 41, 60, 99, 128, 131, 177, 204, 230]] = 0
    assert fine_structure(lost) < 0.03


def test_an_image_without_contrast_has_no_fine_structure():
    assert fine_structure(np.zeros((64, 64), np.float32)) == 0
