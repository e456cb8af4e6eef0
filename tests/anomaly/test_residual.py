"""Lattice residual: what the prediction of an image from itself leaves over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, crystal_image

from napari_stem_defects.anomaly import residual as module
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import at_samples, near_invalid, sample


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


def test_pixels_without_a_value_do_not_count_in_the_spread():
    image = crystal_image(size=256, spacing=8)
    pixels, invalid = image.pixels.copy(), np.zeros(image.pixels.shape, bool)
    invalid[:70, 90:200] = True
    pixels[invalid] = pixels[~invalid].mean()
    sampled = sample(pixels, image.cells)
    blocked = at_samples(near_invalid(invalid, invalid.shape, image.period), sampled)
    whole = lattice_residual(sample(image.pixels, image.cells))
    with_gaps = lattice_residual(sampled, blocked=blocked)
    assert with_gaps.spread == pytest.approx(whole.spread, rel=0.1)
    for gains, expected in zip(with_gaps.gains, whole.gains, strict=True):
        assert gains == pytest.approx(expected, abs=0.35)


def test_without_missing_pixels_nothing_changes():
    image = crystal_image(size=192, missing=3)
    sampled = sample(image.pixels, image.cells)
    first = lattice_residual(sampled)
    second = lattice_residual(sampled, blocked=np.zeros(first.shape, bool))
    assert first.spread == second.spread
    for one, other in zip(first.gains, second.gains, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_residual_that_is_kept_is_not_computed_again(monkeypatch):
    image = crystal_image(missing=4, size=200)
    computed = lattice_residual(sample(image.pixels, image.cells))
    whole = computed.whole()
    kept = replace(computed, known=whole)
    monkeypatch.setattr(module, "_best_residual", None)
    part = kept.rows(slice(20, 60))
    np.testing.assert_array_equal(part, whole[20:60])
    part[:] = 0
    assert kept.rows(slice(20, 60)).any()  # callers may change what they get


def test_a_particle_that_leaves_few_windows_has_a_residual():
    image = crystal_image(size=200, spacing=12)
    blocked = np.ones(image.pixels.shape, bool)
    blocked[97:103, 97:103] = False
    sampled = sample(image.pixels, image.cells)
    found = lattice_residual(sampled, blocked=at_samples(blocked, sampled))
    assert np.isfinite(_all(found)).all()
