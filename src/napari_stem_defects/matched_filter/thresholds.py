"""The similarity that separates the defects of a class from everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOWEST, _HIGHEST = 0.45, 0.9
_WIDTH = 0.03
_QUANTILE = 0.9
_MIN_EXTENDED = 0.45


def point_threshold(heights: NDArray[np.float32]) -> float:
    """Return the similarity in the widest gap between defects and perfect crystal.

    The lowest density of the local maxima, estimated with a Gaussian kernel, between 0.45 and
    0.9: defects have about 1.

    Parameters
    ----------
    heights : ndarray of float32, shape (N,)
        Similarity at the local maxima of all images with clicks.

    Returns
    -------
    float
    """
    levels = np.linspace(_LOWEST, _HIGHEST, 46)
    near = heights[(heights > _LOWEST - 4 * _WIDTH) & (heights < _HIGHEST + 4 * _WIDTH)]
    distance = (levels[:, None] - near[None, :]) / _WIDTH
    density = np.exp(-0.5 * distance**2).sum(axis=1)
    return float(levels[density.argmin()])


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
