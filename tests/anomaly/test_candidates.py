"""Ranked places from a map of levels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.anomaly.candidates import cell_edge, find_candidates, pool_cells

SAMPLES = 7.0


def _found(score, deficit=False):
    edge = cell_edge(SAMPLES)
    level = pool_cells(score, edge)
    return find_candidates(level, score, np.full(level.shape, deficit), SAMPLES, edge)


def _blobs(*places, size=200, sigma=2.0):
    score = np.zeros((size, size), np.float32)
    for y, x, height in places:
        blob = np.zeros_like(score)
        blob[y, x] = 1
        blob = ndimage.gaussian_filter(blob, sigma)
        score += height * blob / blob.max()
    return score


def test_points_are_ranked_by_score_and_located_to_a_sample():
    found = _found(_blobs((40, 50, 2.0), (120, 33, 5.0), (150, 160, 3.0)), deficit=True)
    assert [(c.rank, c.kind, c.sign) for c in found] == [(n, "point", "deficit") for n in (1, 2, 3)]
    assert [(c.y, c.x) for c in found] == [(120, 33), (150, 160), (40, 50)]
    assert [c.score for c in found] == pytest.approx([5, 3, 2], rel=1e-3)


def test_two_neighbours_are_two_points():
    found = _found(_blobs((60, 60, 3.0), (60, 69, 3.0)))
    assert [c.kind for c in found] == ["point", "point"]


def test_a_row_of_columns_is_one_line():
    found = _found(_blobs(*((100, x, 3.0) for x in range(30, 170, 7))))
    assert [c.kind for c in found] == ["line"]
    assert found[0].length_px == pytest.approx(140, abs=12)
    assert (found[0].y, found[0].x) == pytest.approx((100, 96), abs=4)


def test_a_wide_region_is_an_area():
    score = np.zeros((200, 200), np.float32)
    score[60:120, 50:130] = 3
    (found,) = _found(score)
    assert found.kind == "area"
    assert found.area_px == pytest.approx(60 * 80, rel=0.1)


def test_below_the_threshold_there_is_nothing():
    assert _found(_blobs((40, 50, 0.95), (120, 33, 0.9))) == ()


def test_cells_hold_the_maximum_of_their_samples():
    values = np.arange(35, dtype=np.float32).reshape(5, 7)
    np.testing.assert_array_equal(pool_cells(values, 3), [[16, 19, 20], [30, 33, 34]])
