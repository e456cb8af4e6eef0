"""Contrast stretch of images between two percentiles, for display only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN_PERCENTILES = (0.5, 99.5)
"""Values outside these percentiles are shown black or white."""


def contrast_limits(
    values: NDArray[Any], percentiles: tuple[float, float] = SHOWN_PERCENTILES
) -> tuple[float, float]:
    """Return the values that are shown black and white.

    Parameters
    ----------
    values : ndarray
        Any shape; NaN is ignored.
    percentiles : (float, float)
        Percentiles of ``values``, 0 to 100.

    Returns
    -------
    low, high : float
        Equal where the values are constant, 0 and 0 where there are none.
    """
    known = values[~np.isnan(values)] if np.isnan(np.min(values, initial=0)) else values
    if not known.size:
        return 0.0, 0.0
    low, high = np.percentile(known, percentiles)
    return float(low), float(high)


def to_grey8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image as 8-bit grey values, stretched between `SHOWN_PERCENTILES`.

    Parameters
    ----------
    values : ndarray, shape (Y, X)
        NaN becomes black.

    Returns
    -------
    ndarray of uint8, shape (Y, X), C-contiguous
    """
    # As numpy numbers: Python ones would make the arithmetic of float32 images less precise.
    low, high = map(np.float64, contrast_limits(values))
    span = np.maximum(high - low, np.finfo(np.float32).tiny)
    shown = np.nan_to_num(np.clip((values - low) / span, 0, 1))
    return np.ascontiguousarray(np.rint(255 * shown).astype(np.uint8))
