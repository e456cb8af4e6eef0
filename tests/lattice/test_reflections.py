"""Reflections are found where they are, and streaks are not sharp."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import lattice_image, two_grains

from napari_stem_defects.lattice.reflections import (
    find_peaks,
    isolation,
    local_power,
    reflections_at,
    spectrum,
)


def fringes(fy: float, fx: float, size: int = 256) -> np.ndarray:
    y, x = np.indices((size, size))
    noise = np.random.default_rng(0).normal(0, 0.3, (size, size))
    return (np.cos(2 * np.pi * (fy * y + fx * x)) + noise).astype(np.float32)


@pytest.mark.parametrize("where", [(0.05, 0.08), (-0.11, 0.02), (0.1, 0.0), (0.0, 0.13)])
def test_a_wave_is_one_peak_at_its_frequency(where: tuple[float, float]) -> None:
    positions, heights = find_peaks(spectrum(fringes(*where)))
    assert positions.shape == (1, 2)
    assert positions[0] == pytest.approx(where, abs=2e-4)
    assert heights[0] > 100


def test_reflections_are_measured_in_either_half() -> None:
    found = spectrum(fringes(0.05, 0.08))
    for sign in (1, -1):
        expected = sign * np.array([[0.05, 0.08], [0.05, -0.08]])
        heights, sharpness, measured = reflections_at(found, expected)
        assert heights[0] > 100 > heights[1]
        assert sharpness[0] > 10
        assert measured[0] == pytest.approx(expected[0], abs=2e-4)


def test_a_streak_is_not_sharp() -> None:
    pixels = fringes(0.0, 0.1)
    pixels[127:130] *= -1  # a thin planar defect: a streak along y
    found = spectrum(pixels)
    heights, sharpness, _ = reflections_at(found, np.array([[7 / 256, 0.1]]))
    assert heights[0] > 20
    assert sharpness[0] < 2


def test_local_power_is_where_the_reflection_arises() -> None:
    wave = fringes(0.05, 0.08)
    half = two_grains(wave, np.zeros_like(wave), 0.0)
    power = local_power(spectrum(half), np.array([[0.05, 0.08]])).reshape(3, 3)
    assert power[2].min() > 20 * abs(power[0]).max()


def test_images_need_not_be_square() -> None:
    positions, _ = find_peaks(spectrum(lattice_image(10.0, rotation_deg=0.0)[:90]))
    lengths = np.hypot(*positions.T)
    assert np.count_nonzero(abs(lengths - 0.1) < 2e-3) == 2


def test_reflections_are_isolated_and_speckle_on_a_ridge_is_not() -> None:
    image = lattice_image(10.0, 1.0, 90.0, 0.0, size=256, dose=5)
    reflections = np.array([(0.1, 0.0), (0.0, 0.1), (0.1, 0.1)])
    assert (isolation(spectrum(image), reflections) > 50).all()
    walk = np.random.default_rng(0).normal(size=(256, 256)).cumsum(axis=0).cumsum(axis=1)
    found = spectrum(walk.astype(np.float32))
    peaks, _ = find_peaks(found)
    assert len(peaks) > 10
    off_axes = (np.abs(peaks) > 3 / 256).all(axis=1)
    assert (isolation(found, peaks[off_axes]) < 5).all()


def test_the_background_of_a_slope_has_no_period_of_its_own() -> None:
    y, x = np.indices((512, 512)) / 512
    noise = np.random.default_rng(0).normal(size=(512, 512))
    found = spectrum((1e5 * np.sin(2 * x + y) + 0.01 * noise).astype(np.float32))
    block = 512 // 96
    _, _, measured = reflections_at(found, np.array([(1 / block, 0.0), (0.0, 1 / block)]))
    assert isolation(found, measured).max() < 20


@pytest.mark.parametrize("highest", [0.12, 0.17, 0.26])
def test_speckle_at_the_cut_of_a_filter_is_no_reflection(highest: float) -> None:
    """Of the ring at the edge of the disc that a filter kept, most bins are empty."""
    noise = np.random.default_rng(0).normal(size=(256, 256)) + lattice_image(12.0, dose=None)
    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None])
    kept = np.fft.ifft2(np.fft.fft2(noise) * (radius < highest)).real
    positions, _ = find_peaks(spectrum(kept.astype(np.float32)))
    spacing = 1 / np.hypot(*positions.T)
    assert len(positions) >= 2
    assert (np.abs(spacing[:, None] / (12.0 / np.sqrt([1, 2, 4])) - 1).min(axis=1) < 0.03).all()
