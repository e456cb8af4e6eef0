"""Point defects that crowd."""

from __future__ import annotations

import numpy as np
import pytest
from crowded_crystals import crowded_crystal
from crystal_images import HEXAGONAL, SQUARE, crystal_image
from few_periods import small_image
from scipy.spatial import cKDTree

from napari_stem_defects.anomaly.crowded_places import CrowdedPlaces, crowded_places
from napari_stem_defects.anomaly.residual import LatticeResidual, lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.survey_limits import survey_limits
from napari_stem_defects.anomaly.unusual_places import unusual_places
from napari_stem_defects.lattice.measurement import measure_lattices


def _residual(pixels) -> LatticeResidual:
    sampled = sample(pixels, measure_lattices(pixels).cells)
    return lattice_residual(sampled, unlike_lines=True)


def _searched(residual: LatticeResidual) -> CrowdedPlaces | None:
    values = residual.rows(slice(0, residual.shape[0]))
    limits = survey_limits(residual, values)
    nowhere = np.zeros(residual.shape, bool)
    _, candidates = unusual_places(residual, values, limits, nowhere)
    return crowded_places(residual, values, limits, candidates)


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE])
@pytest.mark.parametrize(("share", "left"), [(0.1, 0.0), (0.2, 0.0), (0.2, 0.45)])
def test_columns_that_crowd_are_found_one_by_one(shape, share, left):
    crystal = crowded_crystal(shape, share, left)
    residual = _residual(crystal.pixels)
    crowd = _searched(residual)
    assert crowd is not None
    points = [(c.y, c.x) for c in crowd.candidates if c.sign == "deficit"]
    # Some of so many columns line up by chance.
    rows = [place for c in crowd.candidates if c.kind == "line" for place in c.shape[0]]
    dim = residual.sampled.to_samples(crystal.dim)
    usual = residual.sampled.to_samples(crystal.usual)
    samples = residual.sampled.samples
    assert (cKDTree(points).query(dim)[0] < 0.4 * samples).mean() > 0.75
    assert (cKDTree(points + rows).query(dim)[0] < 0.6 * samples).mean() > 0.8
    either = np.array([(c.y, c.x) for c in crowd.candidates if c.kind == "point"])
    assert (cKDTree(either).query(usual)[0] < 0.4 * samples).mean() < 0.01
    at_dim, at_usual = (
        crowd.score[tuple(np.rint(places).astype(int).T)] for places in (dim, usual)
    )
    assert (at_dim[:, None] > at_usual).mean() > 0.9


def test_few_defects_change_nothing():
    assert _searched(_residual(crystal_image(missing=6, size=320).pixels)) is None


def test_columns_that_all_differ_are_no_crowd():
    """The scan moved them, and those that differ most are no population of their own."""
    for seed in range(2):
        image = small_image(HEXAGONAL, 16, spacing=16, jitter=0.04, seed=seed)
        assert _searched(_residual(image.pixels)) is None


def test_a_fault_is_no_crowd():
    image = crystal_image(SQUARE, fault=True, rotation_deg=0, spacing=14, size=320)
    assert _searched(_residual(image.pixels)) is None


def test_what_crowds_hides_no_fault():
    """Columns are missing on both sides of a fault, which stays a line."""
    crystal = crowded_crystal(SQUARE, 0.08, 0.0, fault=True)
    residual = _residual(crystal.pixels)
    crowd = _searched(residual)
    assert crowd is not None
    lines = [c for c in crowd.candidates if c.kind == "line"]
    middle, width = (length / 2 for length in residual.shape)
    assert any(
        line.length_px > 1.5 * width and abs(line.y - middle) < residual.sampled.samples
        for line in lines
    )


def test_noise_of_a_few_cells_is_no_crowd():
    """Ten cells across, so that a handful of places is a large share of all."""
    for seed in range(4):
        image = crystal_image(SQUARE, spacing=40, size=400, counts=4, seed=seed)
        assert _searched(_residual(image.pixels)) is None
