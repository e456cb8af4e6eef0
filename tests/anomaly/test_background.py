"""What stands out from the background of an image without a lattice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from spot_images import spot_image

from napari_stem_defects.anomaly.background import background_residual, unsuited_window
from napari_stem_defects.anomaly.sampling import at_samples
from napari_stem_defects.base.micrograph import Micrograph

WINDOW_PX = 10.6


def slope(image: NDArray[np.float32]) -> float:
    """Return the power at low frequencies in units of that at higher ones."""
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij"))
    low, high = ((frequency > f - 0.02) & (frequency < f + 0.02) for f in (0.08, 0.25))
    return float(power[low].mean() / power[high].mean())


def test_the_background_becomes_white():
    residual = background_residual(spot_image(count=0).micrograph, WINDOW_PX)
    before, after = slope(residual.sampled.filtered[:, :]), slope(residual.whole())
    assert before > 10
    assert 0.2 < after < 5


def test_spots_stand_out_and_the_film_does_not():
    image = spot_image()
    residual = background_residual(image.micrograph, WINDOW_PX)
    values = residual.whole()
    at = np.rint(residual.sampled.to_samples(image.spots)).astype(int)
    assert np.median(values[at[:, 0], at[:, 1]]) > 4
    assert np.median(np.abs(values)) == pytest.approx(1 / 1.4826, rel=0.1)


@pytest.mark.parametrize("change", [lambda p: p + 1000, lambda p: 7 * p])
def test_offset_and_gain_of_the_detector_do_not_matter(change):
    pixels = spot_image().micrograph.pixels
    first, second = (
        background_residual(Micrograph(each.astype(np.float32), "film"), WINDOW_PX).whole()
        for each in (pixels, change(pixels))
    )
    np.testing.assert_allclose(first, second, atol=0.05)


def test_the_filter_has_no_direction():
    stripes = np.sin(np.arange(256) / 4)[:, None] + np.zeros(256)
    noisy = stripes + np.random.default_rng(0).normal(size=(256, 256))
    residual = background_residual(Micrograph(noisy.astype(np.float32), "film"), WINDOW_PX)
    kernel = residual.predictors[0].kernel
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-5 * np.abs(kernel).max())
    np.testing.assert_allclose(kernel, np.rot90(kernel), atol=1e-5 * np.abs(kernel).max())


def test_pixels_without_a_value_do_not_count_for_the_spread():
    image = spot_image()
    pixels = image.micrograph.pixels.copy()
    invalid = np.zeros(pixels.shape, bool)
    invalid[100:200, :] = True
    pixels[invalid] = float(np.median(pixels))
    residual = background_residual(Micrograph(pixels, "film", invalid=invalid), WINDOW_PX)
    near = at_samples(ndimage.binary_dilation(invalid, iterations=30), residual.sampled)
    assert np.median(np.abs(residual.whole()[~near])) == pytest.approx(1 / 1.4826, rel=0.15)


@pytest.mark.parametrize("shape", [(64, 64), (80, 300)])
def test_small_images_have_a_residual(shape):
    noise = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert np.isfinite(background_residual(Micrograph(noise, "film"), 6.0).whole()).all()


def test_a_uniform_image_has_none():
    flat = np.full((128, 128), 3, np.float32)
    assert np.abs(background_residual(Micrograph(flat, "film"), WINDOW_PX).whole()).max() < 1


def test_windows_that_do_not_suit_an_image_are_stated():
    image = Micrograph(np.zeros((100, 100), np.float32), "film")
    assert unsuited_window(image, 10) == ""
    assert "smaller than a pixel" in unsuited_window(image, 1)
    assert "too small for spots" in unsuited_window(image, 50)
