"""Bright or dark columns, as changed columns show them."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, SQUARE, columns, crystal_image, render

from napari_stem_defects.anomaly.contrast_of_defects import changed_columns, sign_map
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.lattice.measurement import measure_lattices


def _sampled(pixels, image):
    sampled = sample(pixels, image.cells)
    return sampled, np.rint(sampled.to_samples(image.defects)).astype(np.intp)


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE])
@pytest.mark.parametrize("sign", [1, -1])
def test_missing_columns_differ_by_what_the_lattice_has_there(shape, sign) -> None:
    image = crystal_image(shape, missing=5)
    pixels = image.pixels if sign > 0 else image.pixels.max() - image.pixels
    sampled, places = _sampled(pixels, image)
    correlation, change = changed_columns(sampled, places)
    assert (correlation < -0.5).all()
    assert (np.sign(change) == -sign).all()
    assert (sign_map(sampled, places, -sign) == sign).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_columns_that_nearly_touch_decide_it_by_their_middle(sign) -> None:
    period, size = 16.0, 256
    vectors = period * np.asarray(HEXAGONAL)
    # Three columns of a cell leave one hole, which is as sharp as they are: the kagome lattice.
    shares = np.array([(0.5, 0), (0, 0.5), (0.5, 0.5)])
    places = np.concatenate([columns(vectors, size) + share @ vectors for share in shares])
    middle = np.hypot(*(places - (size - 1) / 2).T)
    chosen = [int(np.abs(middle - away).argmin()) for away in (0, 45, 80)]
    heights = np.ones(len(places))
    heights[chosen] = 0
    pixels = sign * render(places, heights, size, 0.15 * period).astype(np.float32)
    sampled = sample(pixels, measure_lattices(pixels).cells)
    at = np.rint(sampled.to_samples(places[chosen])).astype(np.intp)
    assert (changed_columns(sampled, at)[0] < -0.45).all()
    assert (sign_map(sampled, at, -sign) == sign).all()


def test_each_part_of_an_image_has_its_own_contrast() -> None:
    image = crystal_image(missing=8, size=320)
    half = image.pixels.shape[1] // 2
    pixels = image.pixels.copy()
    pixels[:, half:] = 80 - pixels[:, half:]
    sampled, places = _sampled(pixels, image)
    signs = sign_map(sampled, places, 1)
    for (_, x), (row, column) in zip(image.defects, places, strict=True):
        if abs(x - half) > 24:
            assert signs[row, column] == (1 if x < half else -1)


def test_without_changed_columns_the_more_probable_contrast_stays() -> None:
    image = crystal_image(size=160)
    sampled, _ = _sampled(image.pixels, image)
    nowhere = np.zeros((0, 2), np.intp)
    assert (sign_map(sampled, nowhere, -1) == -1).all()
    # Places in the perfect crystal differ from their like by noise alone.
    assert set(np.unique(sign_map(sampled, np.array([[1, 1]]), -1))) == {-1}
