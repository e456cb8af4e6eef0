"""Grains that look like one lattice to Fourier magnitudes, and leave more residual."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import columns, render

from napari_stem_defects.anomaly.grains import grain_tiles
from napari_stem_defects.anomaly.missed_grains import missed_grain
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.score import EXTENDED_POOL, local_rms
from napari_stem_defects.lattice.measurement import measure_lattices

SAMPLES = 7.0


def _noise(box, factor):
    values = np.random.default_rng(0).normal(size=(210, 210)).astype(np.float32)
    values[box] *= np.float32(factor)
    return values


def test_a_part_with_more_residual_is_a_grain():
    values = _noise(np.s_[:90, :140], 1.4)
    missed = missed_grain(values, SAMPLES)
    assert missed is not None
    places = np.array([(t.row + t.edge / 2, t.column + t.edge / 2) for t in missed.tiles])
    assert (places < (90, 140)).all()
    square = missed.square
    assert square.row + square.edge <= 96
    assert square.column + square.edge <= 146
    assert missed.cells.mean() == pytest.approx(90 * 140 / 210**2, rel=0.2)
    assert missed.is_explained(_noise(np.s_[:90, :140], 1.0))
    assert not missed.is_explained(_noise(np.s_[:90, :140], 1.35))


@pytest.mark.parametrize(
    ("box", "factor"),
    [
        (np.s_[:1, :1], 1.0),
        (np.s_[100:104], 9.0),
        (np.s_[:50, :50], 2.0),
        (np.s_[30:170, 20:150], 1.4),
        (np.s_[:90], 1.05),
    ],
    ids=["noise", "a line", "a precipitate", "a large precipitate", "hardly more"],
)
def test_other_parts_are_none(box, factor):
    assert missed_grain(_noise(box, factor), SAMPLES) is None


def test_what_is_outside_of_the_crystal_is_no_grain():
    box = np.s_[:, :100]
    values = _noise(box, 2.0)
    assert missed_grain(values, SAMPLES) is not None
    blocked = np.zeros(values.shape, bool)
    blocked[:, :110] = True
    assert missed_grain(values, SAMPLES, blocked) is None


@pytest.mark.parametrize("beside", ["at its edge", "enclosed"])
def test_a_grain_of_a_particle_is_missed_where_it_is_at_the_edge_of_the_particle(beside):
    y, x = np.mgrid[:210, :210]
    particle = np.hypot(y - 105, x - 105) < 70
    grain = particle & (y > 115) if beside == "at its edge" else np.hypot(y - 105, x - 105) < 36
    values = np.random.default_rng(0).normal(size=(210, 210)).astype(np.float32)
    values[grain] *= np.float32(1.6)
    values[~particle] *= np.float32(3)
    missed = missed_grain(values, SAMPLES, ~particle)
    if beside == "enclosed":
        assert missed is None
    else:
        assert missed is not None
        assert missed.cells.sum() * missed.edge**2 == pytest.approx(grain.sum(), rel=0.25)


def _twins(size, row):
    """Draw three grains of a close-packed section, each the twin of another."""
    across = row * np.sqrt(8) / 3
    vectors = np.array([(0.0, row), (across, row / 3)])
    along = np.array([across, row / 3])
    along /= np.hypot(*along)
    normal = np.array([-along[1], along[0]])
    parent = columns(vectors, size)
    first = columns(vectors * (-1, 1), size)
    second = columns(vectors - 2 * np.outer(vectors @ normal, normal), size)
    side = (parent - size / 2) @ normal
    other = (second - size / 2) @ normal
    level = 0.68 * size
    positions = np.concatenate(
        [
            first[first[:, 0] > level],
            parent[(parent[:, 0] <= level) & (side >= 0)],
            second[(second[:, 0] <= level) & (other < 0)],
        ]
    )
    rng = np.random.default_rng(1)
    positions = positions + rng.normal(0, 0.01 * row, positions.shape)
    image = render(positions, np.ones(len(positions)), size, 0.17 * row) + 0.25
    return rng.poisson(40 * image).astype(np.float32)


@pytest.mark.parametrize(("size", "row"), [(420, 9.5), (480, 9.0)])
def test_every_twin_is_predicted_by_a_filter_of_its_own(size, row):
    pixels = _twins(size, row)
    sampled = sample(pixels, measure_lattices(pixels).cells)
    found = grain_tiles(np.asarray(sampled.filtered), sampled.samples)
    residual = lattice_residual(sampled)
    assert len(residual.predictors) == 3 > len(found)
    level = local_rms(residual.whole(), EXTENDED_POOL * sampled.samples)
    bottom, top, side = (round(share * len(level)) for share in (0.8, 0.3, 0.2))
    inside = (
        level[bottom:-20, 20:-20],
        level[20:top, 20:side],
        level[20:top, -side:-20],
    )
    medians = [float(np.median(each)) for each in inside]
    assert max(medians) < 1.2 * min(medians)
