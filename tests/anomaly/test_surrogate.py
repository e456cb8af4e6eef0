"""Noise with the spectrum of a residual and the values it has where nothing is unusual."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.anomaly.clear_part import ClearPart, clear_part
from napari_stem_defects.anomaly.surrogate import noise_of_crystal, surrogate, unusual_areas

SHAPE, SAMPLES = (140, 160), 7.0


def residual(seed: int = 0) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 1.0)
    return np.asarray(noise / noise.std(), np.float32)


def whole() -> ClearPart:
    return clear_part(SHAPE, SHAPE, None)


def test_noise_has_the_spread_and_the_correlation_of_the_residual():
    recorded = residual()
    noise = surrogate(recorded, whole(), SAMPLES, np.random.default_rng(1))
    assert noise.std() == pytest.approx(recorded.std(), rel=0.05)
    for shift in (1, 2):
        pairs = [
            np.corrcoef(v[shift:].ravel(), v[:-shift].ravel())[0, 1] for v in (recorded, noise)
        ]
        assert pairs[1] == pytest.approx(pairs[0], abs=0.05)
    assert abs(np.corrcoef(recorded.ravel(), noise.ravel())[0, 1]) < 0.1


def test_a_few_places_are_left_out_of_the_values():
    recorded, spots = residual(), residual()
    spots[20:140:30, 20:150:30] = 4
    plain, spotted = (
        surrogate(each, whole(), SAMPLES, np.random.default_rng(1)) for each in (recorded, spots)
    )
    assert np.abs(spotted).max() < 1.1 * np.abs(plain).max()


def test_what_most_of_an_image_shows_is_usual():
    """Where each column has a residual, noise has its values, not only those between columns."""
    columns = 0.1 * residual()
    columns[3::7, 3::7] = 3
    recorded = ndimage.gaussian_filter(columns, 1.0)
    noise = surrogate(recorded, whole(), SAMPLES, np.random.default_rng(1))
    assert noise.std() > 0.5 * recorded.std()


def test_an_area_is_left_out_unless_it_is_most_of_the_image():
    recorded = residual()
    recorded[30:60, 40:80] *= 4
    noise, part = noise_of_crystal(recorded, whole(), SAMPLES, 0)
    assert part.clear is not None
    assert not part.clear[35:55, 45:75].any()
    assert part.clear.mean() > 0.8
    assert noise.std() < 1.2
    areas = unusual_areas(recorded, np.full(SHAPE, 1e-3, np.float32), SAMPLES)
    assert areas.all()
