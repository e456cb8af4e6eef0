"""Parts of a group of unusual cells."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.anomaly.feature_parts import area_parts, beside_area, depth, has_peak

CELLS = 3.0


def _peaks(*places, size=60, sigma=2.0):
    scores = np.ones((size, size), np.float32)
    for y, x, height in places:
        peak = np.zeros_like(scores)
        peak[y, x] = 1
        peak = ndimage.gaussian_filter(peak, sigma)
        scores += height * peak / peak.max()
    return scores


def _parts(scores, low=0.3):
    level = scores - 1
    return area_parts(level >= low, scores, level, CELLS)


def test_an_area_and_the_points_of_its_group_are_all_kept():
    scores = _peaks((12, 12, 6.0), (12, 48, 6.0))
    scores[25:45, 15:45] = 5
    scores[12:26, 14:16] = 2.2
    scores[12:26, 46:48] = 2.2
    found = _parts(scores, low=1.0)
    assert len(found.areas) == 1
    assert found.areas[0].sum() == pytest.approx(20 * 30, rel=0.1)
    numbers = {int(found.points[at]) for at in ((12, 12), (12, 48))}
    assert len(numbers) == 2
    assert 0 not in numbers


def test_points_that_crowd_are_no_area():
    places = [(y, x, 40.0) for y in (18, 25, 32, 39) for x in (18, 25, 32, 39)]
    found = _parts(_peaks(*places, sigma=1.2))
    assert found.areas == []
    numbers = [int(found.points[y, x]) for y, x, _ in places]
    assert sorted(numbers) == list(range(1, len(places) + 1))


def test_every_peak_above_the_threshold_is_in_a_part():
    rng = np.random.default_rng(0)
    for _ in range(20):
        places = [(int(y), int(x), float(h)) for y, x, h in rng.uniform(5, 55, (12, 3))]
        scores = _peaks(*[(y, x, 0.2 * h) for y, x, h in places])
        level = scores - 1
        cells = level >= 0.6
        found = area_parts(cells, scores, level, CELLS)
        kept = np.logical_or.reduce([found.points > 0, *found.areas])
        tops = (level == ndimage.maximum_filter(level, 11)) & (level >= 1)
        assert kept[tops].all()


def test_a_weak_group_is_one_area():
    scores = np.ones((40, 40), np.float32)
    scores[10:14, 10:30] = 1.8
    (area,) = _parts(scores).areas
    assert area[10:14, 10:30].all()


def test_small_separate_parts_are_beside_an_area():
    cells = np.zeros((40, 40), bool)
    cells[5:25, 5:25] = cells[30:33, 30:33] = cells[5:7, 35:37] = True
    level = np.where(cells, np.float32(1.5), 0)
    level[5:7, 35:37] = 0.8
    apart, rest = beside_area(cells, level, 5.0)
    assert apart[31, 31] == 1
    assert rest[6, 35]
    assert rest[15, 15]
    assert not rest[31, 31]


def test_depth_and_peaks():
    cells = np.zeros((30, 30), bool)
    cells[5:16, 5:26] = True
    assert depth(cells) == pytest.approx(6)
    level = np.where(cells, np.float32(0.7), 0)
    level[10, 20] = 2
    right, left = (slice(5, 16), slice(15, 26)), (slice(5, 16), slice(5, 15))
    assert has_peak(np.ones((11, 11), bool), right, cells, level)
    assert not has_peak(np.ones((11, 10), bool), left, cells, level)
