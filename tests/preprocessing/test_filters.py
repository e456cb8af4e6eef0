"""Filters shared by the in-memory and the tiled version."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_stem_defects.preprocessing.filters import (
    CONTRAST_FLOOR,
    background_sigma,
    blur,
    blur_radius,
    normalise_contrast,
    normalise_intensity,
    subtract_background,
)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_blur_is_a_gaussian_along_the_last_two_axes() -> None:
    images = noise(3, 40, 50)
    blurred = blur(images, 2.0)
    for image, one in zip(images, blurred, strict=True):
        np.testing.assert_allclose(one, gaussian_filter(image, 2.0, truncate=3.0), atol=1e-6)


def test_blur_without_width_returns_the_image_itself() -> None:
    image = noise(8, 8)
    assert blur(image, 0) is image


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.3, 12.0])
def test_blur_radius_is_the_extent_of_the_kernel(sigma: float) -> None:
    image = np.zeros((1, 101), np.float32)
    image[0, 50] = 1
    touched = np.flatnonzero(blur(image, sigma)[0])
    assert touched.min() == 50 - blur_radius(sigma)
    assert touched.max() == 50 + blur_radius(sigma)


def test_normalise_intensity_maps_the_range_to_zero_to_one() -> None:
    image = np.array([[2.0, 4.0, 6.0]], np.float32)
    found = normalise_intensity(image, np.float32(2), np.float32(4))
    np.testing.assert_array_equal(found, [[0, 0.5, 1]])
    assert found.dtype == np.float32


def test_normalise_intensity_of_a_constant_image_is_zero() -> None:
    assert not normalise_intensity(noise(4, 4), np.float32(0), np.float32(0)).any()


def test_background_sigma_combines_both_blurs() -> None:
    assert background_sigma(3.0, 4.0) == 5.0


def test_subtract_background_is_a_difference_of_gaussians() -> None:
    image = noise(60, 60)
    found = subtract_background(image, 6.0, 1.0)
    wide = gaussian_filter(image, np.hypot(6, 1), truncate=3.0)
    np.testing.assert_allclose(found, gaussian_filter(image, 1.0, truncate=3.0) - wide, atol=1e-6)


def test_subtract_background_removes_a_slope() -> None:
    slope = np.tile(np.linspace(0, 1, 200, dtype=np.float32), (50, 1))
    assert np.abs(subtract_background(slope, 5.0, 1.0)[:, 40:-40]).max() < 1e-4


def test_normalise_contrast_evens_out_strong_and_weak_regions() -> None:
    image = noise(100, 200) - np.float32(0.5)
    image[:, 100:] *= 0.5
    overall = float(np.sqrt(np.mean(image**2)))
    found = normalise_contrast(image, 8.0, overall)
    strong, weak = found[:, 20:80].std(), found[:, 120:180].std()
    assert strong == pytest.approx(weak, rel=0.05)
    assert strong == pytest.approx(1, rel=0.1)


def test_normalise_contrast_keeps_faint_regions_faint() -> None:
    image = noise(100, 200) - np.float32(0.5)
    image[:, 100:] *= 0.01
    overall = float(np.sqrt(np.mean(image**2)))
    found = normalise_contrast(image, 8.0, overall)
    faint = image[:, 140:180] / (CONTRAST_FLOOR * overall)
    np.testing.assert_allclose(found[:, 140:180], faint, rtol=1e-4)


def test_normalise_contrast_of_no_signal_is_finite() -> None:
    assert not normalise_contrast(np.zeros((20, 20), np.float32), 4.0, 0.0).any()
