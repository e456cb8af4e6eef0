"""Places of a crystal that are like others: a lattice vector away from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))
_APART = 0.7
"""Least distance from each place and between two like places, in lattice periods."""


def like_places(
    places: NDArray[np.intp],
    lattices: Sequence[NDArray[np.float64]],
    barred: NDArray[np.bool_],
    samples: float,
) -> NDArray[np.intp]:
    """Return, for as many places as possible, one that is like it and is no place.

    Parameters
    ----------
    places : ndarray of int, shape (N, 2)
        y and x in samples.
    lattices : sequence of ndarray of float, each of shape (2, 2)
        Base vectors (y, x) in samples; the first lattice is used.
    barred : ndarray of bool, shape (Y, X)
        Where there is no crystal.
    samples : float
        Samples per lattice period.

    Returns
    -------
    ndarray of int, shape (M, 2)
        M is N or less.
    """
    found: list[NDArray[np.float64]] = []
    left = places.astype(np.float64)
    taken = left
    for step in _STEPS if lattices else ():
        moved = left + np.array(step) @ lattices[0]
        inside = ((moved >= 0) & (moved <= np.array(barred.shape) - 1)).all(axis=1)
        free = inside & (cKDTree(taken).query(moved)[0] > _APART * samples)
        at = np.rint(moved[free]).astype(int)
        free[free] = ~barred[tuple(at.T)]
        new = moved[free]
        # Two places may share a neighbour.
        pairs = cKDTree(new).query_pairs(_APART * samples) if len(new) else set()
        kept = np.ones(len(new), bool)
        kept[[second for _, second in pairs]] = False
        found.append(new[kept])
        taken = np.concatenate([taken, new[kept]])
        left = left[~free]
        if not len(left):
            break
    every = np.concatenate(found) if found else np.zeros((0, 2))
    return np.rint(every).astype(np.intp)
