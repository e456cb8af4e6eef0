"""A residual as a survey sees it."""

from __future__ import annotations

import numpy as np
from crowded_crystals import crowded_crystal
from crystal_images import SQUARE, crystal_image
from scipy.spatial import cKDTree

from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.anomaly.surveyed_residual import surveyed
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.lattice.measurement import measure_lattices


def _residual(pixels):
    return image_residual(Micrograph(pixels, "crystal"), measure_lattices(pixels).cells)


def test_few_point_defects_are_no_crowd() -> None:
    image = crystal_image(SQUARE, missing=5)
    found = surveyed(_residual(image.pixels))
    assert found.crowd is None
    assert sum(each.kind == "point" for each in found.candidates) == 5
    assert found.score.shape == found.residual.shape


def test_what_crowds_is_shown_against_a_crystal_without_the_others() -> None:
    crystal = crowded_crystal(SQUARE, 0.15, 0.0)
    residual = _residual(crystal.pixels)
    found = surveyed(residual)
    assert found.crowd is not None
    assert found.limits is found.crowd.limits
    at = np.rint(residual.sampled.to_samples(crystal.dim)).astype(int)
    before, alone, rest = (
        np.abs(each.whole()[tuple(at.T)]) for each in (residual, found.residual, found.crowd.rest)
    )
    assert np.median(alone) > 1.5 * np.median(before)
    points = [(c.y, c.x) for c in found.candidates if c.kind == "point"]
    listed = cKDTree(points).query(at)[0] < 2
    assert np.median(rest[listed]) < 0.3 * np.median(alone[listed])
