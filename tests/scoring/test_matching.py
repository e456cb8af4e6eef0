"""Pairs of points, one to one within a distance, and AUROC."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from napari_stem_defects.scoring.matching import auroc, pair_points


def test_each_point_is_in_one_pair_at_most() -> None:
    found = np.array([[0.0, 0.0], [0.1, 0.0], [50.0, 50.0]])
    known = np.array([[0.0, 0.0], [9.0, 9.0]])
    np.testing.assert_array_equal(pair_points(found, known, 1.0), [[0, 0]])


def test_no_pair_is_given_up_for_shorter_distances() -> None:
    # The nearest pair (1, 0) would leave the others without partners.
    found, known = np.array([[0.0, 0], [0, 3.1]]), np.array([[0.0, 3], [0, 6]])
    np.testing.assert_array_equal(pair_points(found, known, 3.0), [[0, 0], [1, 1]])


def test_pairs_are_those_of_one_assignment_of_all_points() -> None:
    rng = np.random.default_rng(0)
    for tolerance in (0.5, 2.0, 6.0):
        found, known = rng.uniform(0, 40, (80, 2)), rng.uniform(0, 40, (60, 2))
        away = np.hypot(*(found[:, None] - known).transpose(2, 0, 1))
        rows, columns = linear_sum_assignment(np.where(away <= tolerance, away, 1e6))
        near = away[rows, columns] <= tolerance
        pairs = pair_points(found, known, tolerance)
        assert len(pairs) == near.sum()
        total = away[rows[near], columns[near]].sum()
        assert away[pairs[:, 0], pairs[:, 1]].sum() == pytest.approx(total)


def test_nothing_gives_no_pair() -> None:
    none, one = np.empty((0, 2)), np.zeros((1, 2))
    for found, known in ((none, one), (one, none), (one, one + 5)):
        assert pair_points(found, known, 1.0).shape == (0, 2)


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auroc(np.array([1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([0.0]), np.array([1.0, 1.0])) == 0.0
