"""Points in areas of any outline."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.statistics.point_pattern import PointPattern

MASK = np.zeros((40, 60), bool)
MASK[10:30, 5:55] = True


def test_the_area_is_in_units_of_length() -> None:
    assert PointPattern(np.zeros((0, 2)), MASK, 0.5).area == pytest.approx(20 * 50 * 0.25)


def test_random_points_lie_in_the_area_and_fill_it() -> None:
    pattern = PointPattern(np.zeros((4000, 2)), MASK, 0.5)
    points = pattern.at_random(np.random.default_rng(0))
    cells = (points / 0.5).astype(int)
    assert MASK[tuple(cells.T)].all()
    assert points.mean(0) == pytest.approx([10, 15], abs=0.4)
    assert len(np.unique(cells, axis=0)) > 900


def test_distances_from_the_border_count_the_border_of_the_image() -> None:
    pattern = PointPattern(np.zeros((0, 2)), np.ones((20, 30), bool), 0.1)
    near, middle = pattern.border_distances(np.array([[0.05, 1.5], [1.0, 1.5]]))
    assert near == pytest.approx(0.1)
    assert middle == pytest.approx(1.0)
