"""The blur by band matrices is that of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_stem_defects.preprocessing.filters import TRUNCATE, blur, blur_radius
from napari_stem_defects.preprocessing.gaussian_blur import blur_axes, gaussian_blur


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    sigma=st.floats(0.3, 40),
    seed=st.integers(0, 99),
)
def test_it_is_the_blur_of_scipy(height: int, width: int, sigma: float, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    expected = gaussian_filter(image.astype(np.float64), sigma, mode="reflect", truncate=TRUNCATE)
    found = blur_axes(image, sigma, blur_radius(sigma))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("sigma", [0.7, 2.4, 5.6])
def test_the_kernel_ends_at_four_standard_deviations(sigma: float) -> None:
    image = np.random.default_rng(0).random((90, 70)).astype(np.float32)
    np.testing.assert_allclose(
        gaussian_blur(image, sigma), gaussian_filter(image, sigma), atol=2e-6
    )


def test_images_of_a_batch_are_blurred_separately() -> None:
    images = np.random.default_rng(0).random((3, 64, 50)).astype(np.float32)
    found = blur(images, 5.0)
    for image, blurred in zip(images, found, strict=True):
        np.testing.assert_allclose(blurred, blur(image, 5.0), atol=1e-6)


@pytest.mark.parametrize("sigma", [0.7, 12.0, 24.0])
def test_a_constant_image_stays_constant(sigma: float) -> None:
    image = np.full((130, 150), 0.75, np.float32)
    np.testing.assert_allclose(blur(image, sigma), 0.75, atol=3e-7)


def test_the_input_is_not_changed() -> None:
    image = np.random.default_rng(0).random((40, 40)).astype(np.float32)
    before = image.copy()
    blur(image, 3.0)
    np.testing.assert_array_equal(image, before)
