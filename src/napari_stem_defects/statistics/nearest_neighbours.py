"""Distances of points to their nearest neighbours, corrected for the edge, and what is random.

A point whose nearest neighbour is further away than the edge may have a nearer one beyond it, so
only points nearer to their neighbour than to the edge count, each weighted by the area in which a
point counts at that distance (Hanisch (1984), Math. Operationsforsch. Stat. 15, 409).
The mean distance of random points is ``1 / (2 sqrt(density))`` (Clark and Evans (1954), Ecology 35,
445).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.statistics.pair_correlation import RANDOM_PATTERNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.statistics.point_pattern import PointPattern

_MOST_POINTS = 400_000


@dataclass(frozen=True)
class NearestNeighbours:
    """Nearest-neighbour distances of patterns, in units of length.

    Attributes
    ----------
    distances : ndarray of float64, shape (n,)
        Of the points that count, ascending.
    weights : ndarray of float64, shape (n,)
        Of these, with the sum 1; their cumulative sum is the distribution function.
    mean : float
        Weighted mean of the distances.
    expected : float
        Mean distance of random points of the same density.
    low, high : float
        Range of the mean of 95 % of random patterns with as many points in the same areas.
    """

    distances: NDArray[np.float64]
    weights: NDArray[np.float64]
    mean: float
    expected: float
    low: float
    high: float


def nearest_neighbours(patterns: Sequence[PointPattern]) -> NearestNeighbours | None:
    """Return the nearest-neighbour distances of one or more patterns.

    Parameters
    ----------
    patterns : sequence of PointPattern
        Independent patterns, evaluated together.

    Returns
    -------
    NearestNeighbours or None
        None where no pattern has two points, or no point is nearer to its neighbour than to the
        edge.
    """
    used = [each for each in patterns if len(each.points) > 1]
    # Sorted once: what every random pattern in an area is compared with.
    depths = [np.sort(each.distance_map[each.mask]) for each in used]
    distances, weights = _weighted(used, depths, [each.points for each in used])
    if not distances.size:
        return None
    points = sum(len(each.points) for each in used)
    generator = np.random.default_rng(0)
    means = []
    for _ in range(max(39, min(RANDOM_PATTERNS, _MOST_POINTS // points))):
        simulated, shares = _weighted(used, depths, [each.at_random(generator) for each in used])
        if simulated.size:
            means.append(float(simulated @ shares))
    low, high = np.quantile(means, (0.025, 0.975)) if means else (np.nan, np.nan)
    density = points / sum(each.area for each in used)
    return NearestNeighbours(
        distances, weights, float(distances @ weights), 0.5 / density**0.5, float(low), float(high)
    )


def _weighted(
    patterns: Sequence[PointPattern],
    depths: Sequence[NDArray[np.float64]],
    points: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances that count, ascending, and their weights.

    ``depths`` are the distances of the pixels of each area from its border, ascending.
    """
    found, weights = [np.zeros(0)], [np.zeros(0)]
    for pattern, inside, places in zip(patterns, depths, points, strict=True):
        nearest = cKDTree(places).query(places, k=2)[0][:, 1]
        counted = nearest[nearest <= pattern.border_distances(places)]
        # Pixels at least as far from the border as a distance.
        areas = (inside.size - np.searchsorted(inside, counted)) * pattern.spacing**2
        found.append(counted)
        weights.append(1 / np.maximum(areas, pattern.spacing**2))
    distances, shares = np.concatenate(found), np.concatenate(weights)
    order = np.argsort(distances)
    return distances[order], shares[order] / max(float(shares.sum()), 1e-300)
