"""The similarity that separates the defects of a class from everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOWEST, _HIGHEST = 0.45, 0.95
_EXPECTED, _TOLERANCE = 0.8, 0.15
_WIDTH = 0.04
_QUANTILE = 0.9
_MIN_EXTENDED = 0.45
_FEWEST, _MOST = 3, 0.25
"""Number of clicks from which their agreement counts, and its quantile that most of them exceed."""
_EMPTY = 0.5
"""Density below which there is a gap."""


def point_threshold(
    heights: NDArray[np.float32], expected: float = _EXPECTED, tolerance: float = _TOLERANCE
) -> float:
    """Return the similarity in the gap between defects and perfect crystal.

    Where the density of the local maxima (a Gaussian kernel estimate, in maxima per kernel) is
    lowest; of gaps that are equally empty, the one that is nearest to what is expected. Defects
    have a similarity of about 1.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        Similarity at the local maxima of the images.
    expected, tolerance : float
        A threshold that suits most images, and how far it may be away: a deviation of one
        tolerance must reduce the density by a factor of 1.6.

    Returns
    -------
    float
        0.45 to 0.95.
    """
    levels = np.linspace(_LOWEST, _HIGHEST, 51)
    cost = np.log(_density(heights, levels) + 1) + 0.5 * ((levels - expected) / tolerance) ** 2
    return float(levels[cost.argmin()])


def _density(heights: NDArray[np.float32], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the number of maxima per kernel at some levels."""
    near = heights[(heights > _LOWEST - 4 * _WIDTH) & (heights < _HIGHEST + 4 * _WIDTH)]
    distance = (levels[:, None] - near[None, :]) / _WIDTH
    density: NDArray[np.float64] = np.exp(-0.5 * distance**2).sum(axis=1)
    return density


def taught_threshold(heights: NDArray[np.float32], agreement: NDArray[np.float64]) -> float:
    """Return the similarity in a gap below most of the clicks, where there is such a gap.

    Defects that differ from each other, as columns of different heights that are missing, have
    similarities down to those of the clicks to each other. Where more than a quarter of the clicks
    is less similar than the usual threshold, and hardly any place of the images lies at a lower
    one, the lower one is taken.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        Similarity at the local maxima of the images.
    agreement : ndarray of float64, shape (K,)
        Similarity of each click to the template of the others.

    Returns
    -------
    float
        0.45 to 0.95.
    """
    usual = point_threshold(heights)
    if len(agreement) < _FEWEST:
        return usual
    lower = point_threshold(heights, min(_EXPECTED, float(np.quantile(agreement, _MOST))))
    is_gap = lower < usual and float(_density(heights, np.array([lower]))[0]) < _EMPTY
    return lower if is_gap and np.quantile(agreement, _MOST) < usual else usual


def extended_threshold(heights: NDArray[np.float32]) -> float:
    """Return the similarity half-way between the best of the perfect crystal and a defect.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        Similarity at the local maxima of all images with clicks.

    Returns
    -------
    float
    """
    usual = float(np.quantile(heights, _QUANTILE)) if len(heights) else 0.0
    return max(0.5 * (usual + 1), _MIN_EXTENDED)
