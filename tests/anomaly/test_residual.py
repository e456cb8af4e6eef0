"""Lattice residual: what the prediction of an image from itself leaves over."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, crystal_image

from napari_stem_defects.anomaly import residual as module
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample


def _residual(image, **options):
    return lattice_residual(sample(image.pixels, image.cells), **options)


def _all(found):
    return found.rows(slice(0, found.shape[0]))


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE, OBLIQUE])
def test_a_perfect_crystal_leaves_noise(shape):
    values = _all(_residual(crystal_image(shape)))
    spread = 1.4826 * np.median(np.abs(values))
    assert spread == pytest.approx(1, rel=0.05)
    # Gaussian noise: 0.3 % beyond three spreads.
    assert np.mean(np.abs(values) > 3) < 0.03


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE, OBLIQUE])
def test_a_missing_column_leaves_a_deficit(shape):
    image = crystal_image(shape, missing=6)
    found = _residual(image)
    at = np.rint(found.sampled.to_samples(image.defects)).astype(int)
    assert (_all(found)[at[:, 0], at[:, 1]] < -4).all()


def test_each_grain_has_its_predictor():
    image = crystal_image(size=384, spacing=10, grain_deg=18)
    found = _residual(image)
    assert len(found.predictors) == 2
    values = np.abs(_all(found))
    middle = found.shape[0] // 2
    boundary = values[middle - 3 : middle + 4].mean()
    away = values[: middle - 30].mean()
    assert boundary > 1.7 * away


def test_blocks_of_rows_are_the_image_computed_at_once(monkeypatch):
    image = crystal_image(size=384, spacing=10, missing=5, grain_deg=18)
    found = _residual(image)
    whole = _all(found)
    monkeypatch.setattr(module, "_FIT_PIXELS", 1)
    monkeypatch.setattr(module, "_BLOCK_ROWS", 60)
    parts = [values[inner] for _, inner, values in found.blocks(halo=7)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=2e-3)


def test_the_border_is_no_defect():
    values = np.abs(_all(_residual(crystal_image())))
    edge = np.concatenate([values[:3].ravel(), values[-3:].ravel(), values[:, :3].ravel()])
    assert np.median(edge) < 1.3 * np.median(values)


def test_a_seed_gives_the_same_result():
    image = crystal_image()
    first, second = (_all(_residual(image, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
