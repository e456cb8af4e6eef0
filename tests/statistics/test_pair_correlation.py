"""The pair correlation of random, regular and clustered points."""

from __future__ import annotations

import numpy as np
from point_patterns import ODD_AREA, random_patterns

from napari_stem_defects.statistics.pair_correlation import pair_correlation
from napari_stem_defects.statistics.point_pattern import PointPattern

EDGES = np.linspace(0, 12, 9)


def test_random_points_have_a_correlation_of_one_in_any_area() -> None:
    found = pair_correlation(random_patterns(ODD_AREA, 60), EDGES)
    assert found is not None
    np.testing.assert_allclose(found.values, 1, atol=0.06)
    assert ((found.low < 1) & (found.high > 1)).all()


def test_clusters_are_above_the_random_range() -> None:
    generator = np.random.default_rng(2)
    centres = generator.uniform(5, 35, (12, 2))
    points = (centres[:, None] + generator.normal(0, 0.6, (12, 5, 2))).reshape(-1, 2)
    found = pair_correlation([PointPattern(points, np.ones((80, 80), bool), 0.5)], EDGES)
    assert found is not None
    assert found.values[0] > 1.5 * found.high[0]


def test_points_that_keep_away_from_each_other_are_below_it() -> None:
    y, x = np.mgrid[2:40:4.0, 2:40:4.0]
    points = np.column_stack([y.ravel(), x.ravel()])
    found = pair_correlation([PointPattern(points, np.ones((80, 80), bool), 0.5)], EDGES)
    assert found is not None
    assert found.values[0] == 0
    assert found.low[0] > 0


def test_single_points_have_no_pairs() -> None:
    mask = np.ones((8, 8), bool)
    assert pair_correlation([PointPattern(np.zeros((1, 2)), mask, 1.0)], EDGES) is None
    assert pair_correlation([], EDGES) is None
