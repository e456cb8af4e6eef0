"""Noise in place of what a residual is outside of its crystal.

Thresholds and templates compare places with all others of an image. What is far outside of the
crystal is none of them, but is taken for noise of unit spread, as the perfect crystal is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FAR = 3.0
"""Distance in lattice periods from what is searched: nearer, a click may show a defect."""
_SEED = 20


def far_outside(blocked: NDArray[np.bool_], samples: float) -> NDArray[np.bool_]:
    """Return the samples far from all that is searched.

    Parameters
    ----------
    blocked : ndarray of bool, shape (Y, X)
        Samples where a residual means nothing.
    samples : float
        Samples per lattice period.

    Returns
    -------
    ndarray of bool, shape (Y, X)
    """
    size = 2 * round(_FAR * samples) + 1
    far: NDArray[np.bool_] = ndimage.minimum_filter(blocked, size, mode="nearest")
    return far


def fill_with_noise(
    values: NDArray[np.float32], far: NDArray[np.bool_], first: int
) -> NDArray[np.float32]:
    """Replace, in place, some values by noise of unit spread.

    Parameters
    ----------
    values : ndarray of float32, shape (rows, X)
        Rows of a residual in multiples of its spread.
    far : ndarray of bool, shape (Y, X)
        See `far_outside`.
    first : int
        Number of the first row.

    Returns
    -------
    ndarray of float32, shape (rows, X)
        The same array. A row has the same noise in whichever block it is computed.
    """
    for row, line in enumerate(values, start=first):
        there = far[row]
        if there.any():
            noise = np.random.default_rng([_SEED, row]).normal(size=len(line))
            line[there] = noise[there]
    return values
