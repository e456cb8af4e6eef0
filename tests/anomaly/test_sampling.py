"""Sampling at a fixed number of samples per lattice period."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, SQUARE, crystal_image

from napari_stem_defects.anomaly import sampling
from napari_stem_defects.anomaly.sampling import (
    SAMPLES_PER_UNIT,
    default_samples,
    lattice_period,
    sample,
)
from napari_stem_defects.lattice.measurement import measure_lattices


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE])
def test_the_period_is_the_edge_of_the_square_of_a_cell(shape):
    image = crystal_image(shape, spacing=14)
    cell = measure_lattices(image.pixels).cell
    assert cell is not None
    assert lattice_period(cell) == pytest.approx(image.period, rel=0.01)


@pytest.mark.parametrize(
    ("period", "samples"), [(4.0, 7.0), (6.0, 6.0), (8.5, 8.5), (30.0, SAMPLES_PER_UNIT)]
)
def test_images_with_enough_samples_are_not_resampled(period, samples):
    assert default_samples(period) == samples


def test_positions_survive_the_way_to_samples_and_back():
    image = crystal_image(spacing=21)
    sampled = sample(image.pixels, image.cells)
    assert sampled.filtered.shape[0] == round(256 * 7 / image.period)
    positions = np.array([[0.0, 0.0], [100.5, 17.25], [255.0, 255.0]])
    np.testing.assert_allclose(sampled.to_image(sampled.to_samples(positions)), positions)


def test_background_and_scale_of_the_intensity_do_not_matter():
    image = crystal_image(spacing=21)
    slope = np.linspace(0, 50, 256, dtype=np.float32)
    plain = sample(image.pixels, image.cells).filtered
    other = sample(1000 * (image.pixels + slope), image.cells).filtered
    inner = np.s_[10:-10, 10:-10]
    assert np.corrcoef(plain[inner].ravel(), other[inner].ravel())[0, 1] > 0.99


@pytest.mark.parametrize("factor", [0.53, 1.3])
def test_large_images_are_resampled_alike_in_strips(factor, monkeypatch):
    pixels = crystal_image(spacing=13).pixels
    whole = sampling.resample(pixels, factor)
    monkeypatch.setattr(sampling, "_LARGE", 0)
    monkeypatch.setattr(sampling, "_STRIP_ROWS", 40)
    strips = sampling._resampled(pixels, factor)
    assert strips.shape == whole.shape
    assert np.abs(strips - whole).max() < 0.01 * np.ptp(whole)
