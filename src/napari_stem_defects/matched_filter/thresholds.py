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
    near = heights[(heights > _LOWEST - 4 * _WIDTH) & (heights < _HIGHEST + 4 * _WIDTH)]
    distance = (levels[:, None] - near[None, :]) / _WIDTH
    density = np.exp(-0.5 * distance**2).sum(axis=1)
    cost = np.log(density + 1) + 0.5 * ((levels - expected) / tolerance) ** 2
    return float(levels[cost.argmin()])


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
