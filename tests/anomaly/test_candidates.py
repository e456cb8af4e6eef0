"""Ranked places from a map of levels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.anomaly.candidates import (
    cell_edge,
    find_candidates,
    only_lines,
    pool_cells,
)

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


def test_points_of_a_feature_do_not_depend_on_the_strips_that_are_compared(monkeypatch):
    places = [(y, 60 + (y // 9) % 3, 3.0 + y / 100) for y in range(30, 60, 9)]
    score = _blobs(*places, (44, 76, 4.0))
    whole = _found(score)
    assert len(whole) > 2
    assert {c.kind for c in whole} == {"point"}
    monkeypatch.setattr("napari_stem_defects.anomaly.candidates._STRIP", 1)
    assert _found(score) == whole


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


def _stripe(length, level=1.5, top=40, size=100):
    cells = np.zeros((size, size), np.float32)
    cells[top : top + 3, 30 : 30 + length] = level
    return cells


def test_only_long_features_are_lines():
    cells_per_period = SAMPLES / cell_edge(SAMPLES)
    long, short = (_stripe(round(n * cells_per_period)) for n in (14, 8))
    np.testing.assert_array_equal(only_lines(long, cells_per_period), long)
    assert not only_lines(short, cells_per_period).any()
    wide = ndimage.maximum_filter(long, 25)
    assert not only_lines(wide, cells_per_period).any()


def test_lines_below_the_threshold_and_along_the_border_are_cleared():
    assert not only_lines(_stripe(60, level=0.9), 3.5).any()
    assert not only_lines(_stripe(60, top=2), 3.5).any()


def test_a_map_smaller_than_its_border_has_no_line():
    assert not only_lines(np.ones((6, 6), np.float32), 3.5).any()


def test_lines_and_areas_carry_their_shape_in_samples():
    (line,) = _found(_blobs(*((100, x, 3.0) for x in range(30, 170, 7))))
    points = np.array(line.shape[0])
    assert np.abs(points[:, 0] - 100).max() < 2
    assert np.ptp(points[:, 1]) == pytest.approx(140, abs=12)
    score = np.zeros((200, 200), np.float32)
    score[60:120, 50:130] = 3
    (area,) = _found(score)
    (ring,) = area.shape
    assert np.array(ring).min(axis=0) == pytest.approx((60, 50), abs=2)
    assert np.array(ring).max(axis=0) == pytest.approx((120, 130), abs=2)
    assert _found(_blobs((60, 60, 3.0)))[0].shape == ()


def test_a_point_beside_an_area_stays_a_point():
    score = _blobs((90, 138, 3.0))
    score[60:120, 50:130] = 3
    assert sorted(c.kind for c in _found(score)) == ["area", "point"]
    alone = np.zeros_like(score)
    alone[60:120, 50:130] = 3
    assert [c.kind for c in _found(alone)] == ["area"]
