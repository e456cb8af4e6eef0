"""The similarity that separates the defects of a class from everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOWEST, _HIGHEST = 0.45, 0.95
_EXPECTED = 0.7
_WIDTH = 0.04
_QUANTILE = 0.9
_MIN_EXTENDED = 0.45


class Tolerance(NamedTuple):
    """How far a threshold may be below and above the expected one.

    A deviation of one tolerance must reduce the density of the maxima by a factor of 1.6.
    """

    below: float
    above: float


FROM_CLICKS = Tolerance(0.2, 0.2)
"""For the images with the clicks, which are known to be more similar."""
AT_SITES = 0.65
"""Expected with like sites, whose responses spread as evenly around 0 as those of defects around 1:
above the middle, since most sites are perfect."""
IN_ANOTHER_IMAGE = Tolerance(0.3, 0.08)
"""Defects of another image may all be fainter: a gap above them must not lose them."""


def point_threshold(
    heights: NDArray[np.float32],
    expected: float = _EXPECTED,
    tolerance: Tolerance = FROM_CLICKS,
) -> float:
    """Return the similarity in the gap between defects and perfect crystal.

    Where the density of the local maxima (a Gaussian kernel estimate, in maxima per kernel) is
    lowest; of gaps that are equally empty, the one that is nearest to what is expected. Defects
    have a similarity of about 1.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        Similarity at the local maxima of the images.
    expected : float
        A threshold that suits most images, or the one of the images with the clicks.
    tolerance : Tolerance

    Returns
    -------
    float
        0.45 to 0.95.
    """
    levels = np.linspace(_LOWEST, _HIGHEST, 51)
    away = (levels - expected) / np.where(levels < expected, tolerance.below, tolerance.above)
    cost = np.log(_density(heights, levels) + 1) + 0.5 * away**2
    return float(levels[cost.argmin()])


def share_near(heights: NDArray[np.float32], threshold: float) -> float:
    """Return how many maxima lie near a threshold for each that lies above it.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        Similarity at the local maxima of the images.
    threshold : float

    Returns
    -------
    float
        Maxima per kernel, see `point_threshold`, over maxima above the threshold; 0 in a gap.
    """
    above = int((heights > threshold).sum())
    return float(_density(heights, np.array([threshold]))[0]) / max(above, 1)


def _density(heights: NDArray[np.float32], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the number of maxima per kernel at some levels."""
    near = heights[(heights > _LOWEST - 4 * _WIDTH) & (heights < _HIGHEST + 4 * _WIDTH)]
    distance = (levels[:, None] - near[None, :]) / _WIDTH
    density: NDArray[np.float64] = np.exp(-0.5 * distance**2).sum(axis=1)
    return density


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
