"""Pairs of found and known points: one to one, within a distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pair_points(
    found: NDArray[np.float64], known: NDArray[np.float64], tolerance: float
) -> NDArray[np.intp]:
    """Return pairs of found and known points, each point in one pair at most.

    As many pairs as possible are made and, among these choices, the sum of distances is smallest.

    Parameters
    ----------
    found, known : ndarray of float64, shape (n, 2), (m, 2)
        Points (y, x).
    tolerance : float
        Largest distance of a pair, in the unit of the points.

    Returns
    -------
    ndarray of intp, shape (k, 2)
        Index in ``found`` and index in ``known`` of each pair, ordered by the first.
    """
    none = np.empty((0, 2), np.intp)
    if not len(found) or not len(known):
        return none
    near = cKDTree(found).query_ball_tree(cKDTree(known), tolerance)
    edges = np.array([(row, column) for row, each in enumerate(near) for column in each], np.intp)
    if not len(edges):
        return none
    # Points that are linked by no chain of possible pairs do not influence each other.
    total = len(found) + len(known)
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], len(found) + edges[:, 1])), (total,) * 2)
    _, label = connected_components(graph, directed=False)
    order = np.argsort(label[edges[:, 0]], kind="stable")
    edges = edges[order]
    starts = np.flatnonzero(np.diff(label[edges[:, 0]])) + 1
    pairs = [_pair_group(found, known, group) for group in np.split(edges, starts)]
    joined = np.concatenate(pairs)
    return joined[np.argsort(joined[:, 0], kind="stable")]


def _pair_group(
    found: NDArray[np.float64], known: NDArray[np.float64], edges: NDArray[np.intp]
) -> NDArray[np.intp]:
    rows, row = np.unique(edges[:, 0], return_inverse=True)
    columns, column = np.unique(edges[:, 1], return_inverse=True)
    away = np.hypot(*(found[edges[:, 0]] - known[edges[:, 1]]).T)
    # More than all distances together: no pair is given up for shorter distances.
    never = 1.0 + float(away.max()) * (min(len(rows), len(columns)) + 1)
    cost = np.full((len(rows), len(columns)), never)
    cost[row, column] = away
    chosen = np.stack(linear_sum_assignment(cost), axis=1)
    chosen = chosen[cost[chosen[:, 0], chosen[:, 1]] < never]
    return np.stack([rows[chosen[:, 0]], columns[chosen[:, 1]]], axis=1)


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return the probability that a positive has the higher score; ties count half.

    It is the area under the receiver operating characteristic (Hanley and McNeil (1982), Radiology
    143, 29).

    Parameters
    ----------
    positive, negative : ndarray of float64, shape (n,), (m,)
        Scores; neither is empty.

    Returns
    -------
    float
        0 to 1.
    """
    ranks = scipy.stats.rankdata(np.concatenate([positive, negative]))[: len(positive)]
    least = len(positive) * (len(positive) + 1) / 2
    return float((ranks.sum() - least) / (len(positive) * len(negative)))
