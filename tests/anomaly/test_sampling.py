"""Sampling at a fixed number of samples per length unit."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, SQUARE, crystal_image
from large_cells import many_columns

from napari_stem_defects.anomaly import sampling
from napari_stem_defects.anomaly.sampling import (
    SAMPLES_PER_UNIT,
    Scale,
    default_samples,
    lattice_period,
    sample,
)
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.unit_cell import units_per_period


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


def test_lengths_of_a_large_cell_are_units_of_its_columns():
    image = many_columns(24)
    sampled = sample(image.pixels, image.cells)
    units = units_per_period(image.cells[0])
    assert units > 1
    assert sampled.scale == Scale(sampled.samples, units)
    assert sampled.unit_px == pytest.approx(image.period / units, rel=0.01)
    assert sampled.period_px == pytest.approx(image.period, rel=0.01)
    assert sampled.period == pytest.approx(sampled.samples * units)
    assert np.sqrt(abs(np.linalg.det(sampled.lattices[0]))) == pytest.approx(
        sampled.period, rel=0.01
    )


@pytest.mark.parametrize("units", [1.0, 1.5])
def test_the_units_of_a_model_hold_whatever_suits_the_image(units):
    for image in (many_columns(24), crystal_image(SQUARE, spacing=21)):
        sampled = sample(image.pixels, image.cells, Scale(7.0, units))
        assert sampled.scale == (7.0, units)
        assert sampled.factor[0] == pytest.approx(7 * units / image.period, rel=0.01)


def test_a_cell_of_few_columns_is_one_unit():
    image = crystal_image(SQUARE, spacing=21)
    assert sample(image.pixels, image.cells).scale == Scale(7.0, 1.0)
    assert sample(image.pixels, image.cells, Scale(6.0)).scale == Scale(6.0, 1.0)
