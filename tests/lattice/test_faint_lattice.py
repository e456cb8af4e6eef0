"""Lattices of faint reflections are found by all of them together, and none in speckle."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.lattice.faint_lattice import faint_basis
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.reflections import spectrum

EDGE = 256
HONEYCOMB = 1.0, 60.0, ((0.0, 0.0), (1 / 3, 1 / 3))
OBLIQUE = 1.2, 75.0, ((0.0, 0.0),)


def crystal(cell, period: float, turn_deg: float) -> np.ndarray:
    """A crystal as columns of a Gaussian profile, 0 to about 1."""
    ratio, angle, motif = cell
    turn = np.radians(turn_deg + np.array([0.0, angle]))
    vectors = period * np.array([[1.0], [ratio]]) * np.stack([-np.sin(turn), np.cos(turn)], axis=1)
    count = 2 * int(EDGE / period) + 4
    orders = np.mgrid[-count : count + 1, -count : count + 1].reshape(2, -1).T
    fine = np.zeros((3 * EDGE, 3 * EDGE), np.float32)
    for place in motif:
        at = np.rint(3 * ((orders + place) @ vectors + EDGE / 2)).astype(int)
        at = at[((at >= 0) & (at < 3 * EDGE)).all(axis=1)]
        np.add.at(fine, tuple(at.T), 1.0)
    blurred = ndimage.gaussian_filter(fine, 3 * 0.19 * period / np.sqrt(len(motif)))
    image = blurred.reshape(EDGE, 3, EDGE, 3).mean(axis=(1, 3))
    return np.asarray(image / image.max())


def counted(signal: np.ndarray, dose: float, seed: int = 0) -> np.ndarray:
    """Electrons, of a mean number per pixel."""
    rng = np.random.default_rng(seed)
    return rng.poisson(signal / signal.mean() * dose).astype(np.float32)


def film(grain_px: float, seed: int = 0) -> np.ndarray:
    """An amorphous film, of mean 0 and standard deviation 1."""
    noise = np.random.default_rng(seed).normal(size=(EDGE, EDGE))
    blurred = ndimage.gaussian_filter(noise, grain_px)
    return np.asarray(blurred / blurred.std())


@pytest.mark.parametrize(
    ("cell", "period", "dose"),
    [(HONEYCOMB, 12.0, 1.5), (HONEYCOMB, 17.0, 1.0), (OBLIQUE, 9.0, 0.5)],
)
def test_a_faint_lattice_is_measured(cell, period, dose):
    pixels = counted(1 + crystal(cell, period, 17), dose)
    assert measure_lattices(pixels, faint=False).cell is None
    found = measure_lattices(pixels)
    assert found.kind == "one"
    ratio, angle, _ = cell
    assert found.cell.lengths_px == pytest.approx((period, ratio * period), rel=0.03)
    assert found.cell.angle_deg == pytest.approx(angle, abs=3)
    assert 0 < found.cell.confidence < 1


def test_a_lattice_under_contamination_is_measured_beside_it():
    signal = 1 + crystal(HONEYCOMB, 12.0, 17)
    signal[:, :150] += np.maximum(0.7 + 0.4 * film(1.5)[:, :150], 0)
    pixels = counted(signal, 6.0)
    assert measure_lattices(pixels, faint=False).cell is None
    assert measure_lattices(pixels).cell.lengths_px == pytest.approx((12, 12), rel=0.03)


@pytest.mark.parametrize("seed", range(12))
def test_noise_and_films_have_no_lattice(seed):
    empty = np.ones((EDGE, EDGE))
    for signal in (empty, np.exp(0.4 * film(1.0 + 0.2 * seed, seed))):
        for dose in (0.3, 30.0):
            assert faint_basis(spectrum(counted(signal, dose, seed))) is None


@pytest.mark.parametrize("seed", range(8))
def test_fringes_and_edges_have_no_lattice(seed):
    y, x = np.mgrid[:EDGE, :EDGE]
    along = x * np.cos(seed) + y * np.sin(seed)
    fringes = 1 + 0.5 * np.cos(2 * np.pi * along / (7 + seed))
    edge = 1.0 + 2 * (along > np.median(along))
    for signal in (fringes, edge):
        assert faint_basis(spectrum(counted(signal, 3.0, seed))) is None


def test_a_ring_of_reflections_is_no_lattice():
    rng = np.random.default_rng(1)
    away = np.hypot(np.fft.fftfreq(EDGE)[:, None], np.fft.fftfreq(EDGE))
    ring = np.exp(-0.5 * ((away - 0.12) / 0.008) ** 2)
    texture = np.fft.ifft2(np.fft.fft2(rng.normal(size=(EDGE, EDGE))) * ring).real
    pixels = counted(np.maximum(1 + 0.25 * texture / texture.std(), 0.01), 30.0)
    assert faint_basis(spectrum(pixels)) is None


def test_an_image_of_few_pixels_has_no_faint_lattice():
    pixels = counted(1 + crystal(OBLIQUE, 11.0, 17), 1.0)[:100, :100]
    assert faint_basis(spectrum(pixels)) is None
