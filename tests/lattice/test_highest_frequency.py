"""Reflections are looked for where the image has power, not where copies of them are."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import lattice_image
from scipy import ndimage

from napari_stem_defects.lattice.highest_frequency import highest_frequency
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.reflections import find_peaks, spectrum

EDGE = 64


def limit_of(image: np.ndarray) -> float:
    power = np.abs(np.fft.fftshift(np.fft.fft2(image))) ** 2
    frequency = np.fft.fftshift(np.fft.fftfreq(EDGE))
    radius = np.hypot(frequency[:, None], frequency)
    return highest_frequency(power, radius, 2.7 / EDGE, 1 / EDGE)


def test_recorded_noise_has_no_limit():
    assert limit_of(np.random.default_rng(0).normal(size=(EDGE, EDGE))) > 0.5


def test_the_limit_is_a_multiple_of_the_frequency_of_the_power():
    wave = np.cos(2 * np.pi * 3 * np.arange(EDGE) / EDGE) * np.ones((EDGE, 1))
    assert limit_of(wave) == pytest.approx(3 * 4 / EDGE)


def test_columns_of_a_few_pixels_have_no_limit():
    wave = np.cos(2 * np.pi * 8 * np.arange(EDGE) / EDGE) * np.ones((EDGE, 1))
    assert limit_of(wave) > 0.5


@pytest.mark.parametrize("order", [0, 1, 3])
def test_copies_of_reflections_in_enlarged_images_are_no_peaks(order):
    small = lattice_image(7.0, 1.0, 60.0, 13.0, size=48, seed=1)
    enlarged = ndimage.zoom(small, 4, order=order).astype(np.float32)
    positions, _ = find_peaks(spectrum(enlarged))
    assert np.hypot(*positions.T).max() < 0.25 - 1 / 28
    found = measure_lattices(enlarged).cell
    assert found.lengths_px == pytest.approx((28, 28), rel=0.03)
