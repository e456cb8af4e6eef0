"""The lattice of one side: wave vectors by Fourier sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.planar_geometry.side_lattice import (
    Patch,
    _spectrum,
    find_side_lattice,
    fourier_moments,
    fourier_sums,
)


def waves(vectors: np.ndarray, noise: float = 0.0, seed: int = 0) -> Patch:
    """Return a tapered patch of a lattice of cosines."""
    y, x = np.arange(-70.0, 70.0), np.arange(-50.0, 50.0)
    reciprocal = np.linalg.inv(vectors).T
    pixels = sum(
        np.cos(2 * np.pi * (g[0] * y[:, None] + g[1] * x))
        for g in (reciprocal[0], reciprocal[1], reciprocal.sum(axis=0))
    )
    pixels = pixels + np.random.default_rng(seed).normal(0, noise, pixels.shape) + 3.0
    return Patch(pixels, np.outer(np.hanning(140), np.hanning(100)), y, x)


def test_a_wave_has_its_amplitude_and_phase() -> None:
    patch = waves(np.array([[0.0, 10.0], [12.0, 2.0]]))
    g = np.linalg.inv(np.array([[0.0, 10.0], [12.0, 2.0]])).T[:1]
    sums = fourier_sums(patch, g)
    assert abs(sums[0]) == pytest.approx(patch.weights.sum() / 2, rel=0.02)
    assert np.angle(sums[0]) == pytest.approx(0, abs=0.02)


def test_sums_and_moments_are_those_of_their_definition() -> None:
    patch = waves(np.array([[0.0, 10.0], [12.0, 2.0]]), noise=1.0)
    frequencies = np.random.default_rng(2).uniform(-0.2, 0.2, (5, 2))
    y, x = patch.y[:, None], patch.x
    sums, moments = fourier_moments(patch, frequencies)
    np.testing.assert_allclose(fourier_sums(patch, frequencies), sums, rtol=1e-9)
    for g, found, moment in zip(frequencies, sums, moments, strict=True):
        terms = patch.weighted * np.exp(-2j * np.pi * (g[0] * y + g[1] * x))
        np.testing.assert_allclose(found, terms.sum(), rtol=1e-9)
        np.testing.assert_allclose(moment, [(terms * y).sum(), (terms * x).sum()], rtol=1e-9)


def test_a_narrow_patch_has_the_spectrum_of_its_square() -> None:
    patch = waves(np.array([[0.0, 10.0], [12.0, 2.0]]), noise=1.0)
    spectrum, noise = _spectrum(patch)
    square = np.zeros((256, 256))
    square[:140, :100] = patch.weighted
    np.testing.assert_allclose(spectrum * noise, np.abs(np.fft.rfft2(square)), atol=0.01)


@pytest.mark.parametrize("turn_deg", [0.0, 3.3, 41.7, -28.0])
@pytest.mark.parametrize("stretch", [1.0, 1.015])
def test_a_turned_and_stretched_cell_is_found(turn_deg: float, stretch: float) -> None:
    cell = np.array([[0.0, 10.0], [12.0, 2.0]])
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    true = stretch * cell @ np.array([[c, s], [-s, c]])
    found = find_side_lattice(waves(true, noise=1.0), [cell])
    assert found is not None
    order = found.vectors @ np.linalg.inv(true)
    np.testing.assert_allclose(order, np.rint(order), atol=0.004)
    assert abs(np.linalg.det(np.rint(order))) == pytest.approx(1)


def test_noise_has_no_lattice() -> None:
    patch = waves(np.array([[0.0, 10.0], [12.0, 2.0]]))
    noise = np.random.default_rng(1).normal(0, 1, patch.pixels.shape)
    assert find_side_lattice(replace(patch, pixels=noise), [np.array([[0.0, 10], [12, 2]])]) is None


def test_rows_without_weight_change_nothing() -> None:
    cell = np.array([[0.0, 10.0], [12.0, 2.0]])
    whole = waves(cell, noise=1.0)
    weights = np.zeros_like(whole.weights)
    weights[30:90, 10:80] = np.outer(np.hanning(60), np.hanning(70))
    part = replace(whole, weights=weights)
    cropped = part.cropped()
    assert cropped.pixels.shape == (58, 68)  # the window itself begins and ends with zero
    g = np.linalg.inv(cell).T
    for one, other in zip(fourier_moments(part, g), fourier_moments(cropped, g), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    found = find_side_lattice(part, [cell]), find_side_lattice(cropped, [cell])
    assert found[0] is not None
    assert found[1] is not None
    np.testing.assert_allclose(found[0].reciprocal, found[1].reciprocal, rtol=1e-9)
    np.testing.assert_allclose(found[0].signal, found[1].signal, rtol=1e-5)
