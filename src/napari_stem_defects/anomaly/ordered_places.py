"""Places that repeat along lattice vectors: columns of a larger cell, no defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_ORDERS = np.array(
    [(h, k) for h in range(4) for k in range(-3, 4) if (h, k) > (0, 0)], dtype=np.intp
)
_NEAR = 0.3
"""Distance in periods up to which a place is a lattice vector away from another."""
_SHARE = 0.65
"""Least share of places that another one follows: 0.78 and more in crystals of which a weak column
is missed in the cell, at most 0.35 where up to 30 % of a site are missing at random."""


def are_ordered(
    places: NDArray[np.intp],
    lattices: Sequence[NDArray[np.float64]],
    shape: tuple[int, int],
    samples: float,
) -> bool:
    """Return whether most places repeat by two lattice vectors.

    Parameters
    ----------
    places : ndarray of int, shape (N, 2)
        y and x in samples.
    lattices : sequence of ndarray of float, each of shape (2, 2)
        Base vectors (y, x) in samples; the first lattice is used.
    shape : (Y, X)
        Of the image.
    samples : float
        Samples per lattice period.

    Returns
    -------
    bool
    """
    if len(places) < 2 or not lattices:
        return False
    tree, last = cKDTree(places), np.array(shape) - 1
    repeated: list[NDArray[np.intp]] = []
    for order in _ORDERS:
        moved = np.concatenate([places + sign * (order @ lattices[0]) for sign in (1, -1)])
        moved = moved[((moved >= 0) & (moved <= last)).all(axis=1)]
        enough = 2 * len(moved) >= len(places)
        if enough and (tree.query(moved)[0] < _NEAR * samples).mean() > _SHARE:
            repeated.append(order)
    return len(repeated) > 1 and bool(np.linalg.matrix_rank(np.array(repeated)) == 2)
