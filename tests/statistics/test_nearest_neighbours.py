"""Nearest-neighbour distances of random, regular and clustered points."""

from __future__ import annotations

import numpy as np
import pytest
from point_patterns import ODD_AREA, random_patterns

from napari_stem_defects.statistics.nearest_neighbours import nearest_neighbours
from napari_stem_defects.statistics.point_pattern import PointPattern


def test_the_edge_does_not_lengthen_the_distances_of_random_points() -> None:
    found = nearest_neighbours(random_patterns(ODD_AREA, 60, 80))
    assert found is not None
    assert found.mean == pytest.approx(found.expected, rel=0.03)
    assert found.low < found.mean < found.high


def test_a_lattice_has_its_spacing_and_is_no_random_pattern() -> None:
    y, x = np.mgrid[2:40:4.0, 2:40:4.0]
    points = np.column_stack([y.ravel(), x.ravel()])
    found = nearest_neighbours([PointPattern(points, np.ones((80, 80), bool), 0.5)])
    assert found is not None
    assert found.mean == pytest.approx(4.0)
    assert found.mean > found.high
    assert found.weights.sum() == pytest.approx(1)


def test_pairs_are_nearer_than_random_points() -> None:
    generator = np.random.default_rng(5)
    firsts = generator.uniform(4, 36, (15, 2))
    points = np.concatenate([firsts, np.add(firsts, (0.4, 0.3))])
    found = nearest_neighbours([PointPattern(points, np.ones((80, 80), bool), 0.5)])
    assert found is not None
    assert found.mean < found.low


def test_single_points_have_no_neighbour() -> None:
    assert nearest_neighbours([PointPattern(np.zeros((1, 2)), np.ones((9, 9), bool), 1.0)]) is None
