"""Pair correlation of points, corrected for the edge of the area, and what is random.

``g(r)`` is the number of pairs at a distance relative to that of independent points: above 1 points
gather, below 1 they keep away from each other. Pairs near the edge are seen less often; their
expected number contains the set covariance of the area, the overlap of the area with itself after
a shift (translation correction: Ohser and Stoyan (1981), Biom. J. 23, 523; Illian, Penttinen,
Stoyan and Stoyan (2008), "Statistical analysis and modelling of spatial point patterns").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.statistics.point_pattern import PointPattern

RANDOM_PATTERNS = 199
"""Number of simulated random patterns; their 2.5 and 97.5 % quantiles are the random range."""

_MOST_POINTS = 400_000


@dataclass(frozen=True)
class PairCorrelation:
    """The pair correlation of patterns, and the range of random ones.

    Attributes
    ----------
    distances : ndarray of float64, shape (n,)
        Centres of the bins, in units of length.
    values : ndarray of float64, shape (n,)
        ``g(r)`` of the patterns.
    low, high : ndarray of float64, shape (n,)
        Range of 95 % of random patterns with as many points in the same areas, at each distance.
    """

    distances: NDArray[np.float64]
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def pair_correlation(
    patterns: Sequence[PointPattern], edges: NDArray[np.float64]
) -> PairCorrelation | None:
    """Return the pair correlation of one or more patterns.

    Parameters
    ----------
    patterns : sequence of PointPattern
        Independent patterns; their pairs are counted together.
    edges : ndarray of float64, shape (n + 1,)
        Edges of the bins of distance, ascending.

    Returns
    -------
    PairCorrelation or None
        None where no pattern has two points.
    """
    used = [each for each in patterns if len(each.points) > 1]
    if not used:
        return None
    expected = np.sum([_expected_pairs(each, edges) for each in used], axis=0)
    expected = np.where(expected > 0, expected, np.nan)
    found = np.sum([_pairs(each.points, edges) for each in used], axis=0)
    points = sum(len(each.points) for each in used)
    count = max(39, min(RANDOM_PATTERNS, _MOST_POINTS // points))
    generator = np.random.default_rng(0)
    simulated = [
        np.sum([_pairs(each.at_random(generator), edges) for each in used], axis=0)
        for _ in range(count)
    ]
    low, high = np.quantile(np.array(simulated), (0.025, 0.975), axis=0)
    centres = (edges[1:] + edges[:-1]) / 2
    return PairCorrelation(centres, found / expected, low / expected, high / expected)


def _pairs(points: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the number of ordered pairs in each bin."""
    tree = cKDTree(points)
    return np.diff(tree.count_neighbors(tree, edges).astype(np.float64))


def _expected_pairs(pattern: PointPattern, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the number of ordered pairs of independent points in each bin."""
    height, width = pattern.mask.shape
    shape = [fft.next_fast_len(2 * size, real=True) for size in (height, width)]
    spectrum = fft.rfft2(pattern.mask.astype(np.float64), shape)
    overlap = fft.irfft2(np.abs(spectrum) ** 2, shape)  # px in common after a shift
    y, x = (np.abs(fft.fftfreq(size, 1 / size)) for size in shape)
    shift = np.hypot(y[:, None], x) * pattern.spacing
    sums, _ = np.histogram(shift, edges, weights=overlap)
    shifts, _ = np.histogram(shift, edges)
    # Times the exact area of the ring: few whole shifts fill a narrow one unevenly.
    rings = np.pi * np.diff(edges**2) / pattern.spacing**2
    common = sums / np.maximum(shifts, 1) * rings
    count, pixels = len(pattern.points), float(pattern.mask.sum())
    expected: NDArray[np.float64] = count * (count - 1) * common / pixels**2
    return expected
