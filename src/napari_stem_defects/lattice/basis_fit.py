"""Fit of a reciprocal basis to all reflections of its lattice, and how well it is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.lattice.reflections import MIN_SPACING_PX, Spectrum, reflections_at

Array = NDArray[np.float64]

_MAX_ORDER = 6
_MIN_BINS = 0.05
"""Smallest standard deviation of the position of a reflection, in bins."""


def fit_basis(found: Spectrum, basis: Array) -> tuple[Array, Array]:
    """Fit a reciprocal basis to its measured reflections.

    Parameters
    ----------
    found : Spectrum
        Of the image.
    basis : ndarray of float64, shape (2, 2)
        Rows are reciprocal vectors (y, x) in cycles per px, right within a bin or two.

    Returns
    -------
    basis : ndarray of float64, shape (2, 2)
        In cycles per px; the given one where too few reflections are clear.
    covariance : ndarray of float64, shape (2, 2)
        Covariance between the two vectors of each of their components, in (cycles per px)^2.
    """
    size = range(-_MAX_ORDER, _MAX_ORDER + 1)
    orders = np.array([(h, k) for h in size for k in size if (h, k) > (0, 0)])
    for _ in range(2):
        expected = orders @ basis
        orders = orders[np.hypot(*expected.T) < 1 / MIN_SPACING_PX]
        expected = orders @ basis
        heights, sharpness, measured = reflections_at(found, expected)
        away = np.hypot(*((measured - expected) / found.steps).T)
        use = (heights > 10) & (sharpness > 1.5) & (away < 1.6)
        if np.linalg.matrix_rank(orders[use]) < 2:
            return basis, np.eye(2) * (0.5 * found.bin_size) ** 2
        weight = np.sqrt(np.minimum(heights[use], 400.0))
        root = np.sqrt(weight)[:, None]
        design = orders[use] * root
        basis, *_ = np.linalg.lstsq(design, measured[use] * root, rcond=None)
        residual = (measured[use] - orders[use] @ basis) * root
    freedom = max(2 * len(residual) - 4, 1)
    variance = max(float((residual**2).sum()) / freedom, (_MIN_BINS * found.bin_size) ** 2)
    if len(residual) <= 2:
        variance = max(variance, (0.3 * found.bin_size) ** 2 * float(weight.mean()))
    return basis, variance * np.linalg.inv(design.T @ design)
