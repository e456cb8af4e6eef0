"""Score and unusual places of a residual."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import crystal_image
from scipy.spatial import cKDTree

from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.survey_limits import survey_limits
from napari_stem_defects.anomaly.unusual_places import score_of, unusual_places


def _residual():
    image = crystal_image(missing=5, size=288)
    residual = lattice_residual(sample(image.pixels, image.cells))
    return residual, residual.sampled.to_samples(image.defects)


def test_missing_columns_are_unusual():
    residual, missing = _residual()
    values = residual.rows(slice(0, residual.shape[0]))
    nowhere = np.zeros(residual.shape, bool)
    score, found = unusual_places(residual, values, survey_limits(residual, values), nowhere)
    points = np.array([(each.y, each.x) for each in found if each.sign == "deficit"])
    assert (cKDTree(points).query(missing)[0] < 0.4 * residual.sampled.samples).all()
    assert score.shape == residual.shape
    assert np.median(score) == pytest.approx(1, abs=0.3)


def test_nothing_is_unusual_where_it_is_not_searched():
    residual, missing = _residual()
    limits = survey_limits(residual)
    upper = np.zeros(residual.shape, bool)
    upper[: residual.shape[0] // 2] = True
    _, found = unusual_places(residual, None, limits, upper)
    assert found
    assert all(each.y >= residual.shape[0] // 2 - 3 for each in found)
    assert len(found) < len(missing) + 3


def test_the_score_alone_is_the_same():
    residual, _ = _residual()
    values, limits = residual.rows(slice(0, residual.shape[0])), survey_limits(residual)
    nowhere = np.zeros(residual.shape, bool)
    score, _ = unusual_places(residual, values, limits, nowhere)
    np.testing.assert_array_equal(score_of(residual, values, limits), score)


def test_a_residual_that_is_not_kept_gives_the_same():
    residual, _ = _residual()
    limits = survey_limits(residual)
    nowhere = np.zeros(residual.shape, bool)
    kept = unusual_places(residual, residual.rows(slice(0, residual.shape[0])), limits, nowhere)
    computed = unusual_places(residual, None, limits, nowhere)
    np.testing.assert_array_equal(kept[0], computed[0])
    assert kept[1] == computed[1]
