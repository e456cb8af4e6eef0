"""Reflections are found where they are, and streaks are not sharp."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import lattice_image, two_grains

from napari_stem_defects.lattice.reflections import (
    find_peaks,
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
