"""Displacement field of an edge dislocation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

POISSON_RATIO = 0.3
"""Poisson's ratio of the isotropic crystal around a dislocation."""


def edge_displacement(position: Array, burgers: Array, glide: Array) -> Array:
    """Return the displacement field of an edge dislocation in an isotropic crystal.

    From Hirth and Lothe, Theory of Dislocations (1982), eq. 3-45. The cut, across which the
    displacement jumps by the Burgers vector, runs from the core against ``glide``; it is invisible
    if the Burgers vector is a lattice vector.

    Parameters
    ----------
    position : ndarray of float64, shape (N, 2)
        y, x in px from the core.
    burgers : ndarray of float64, shape (2,)
        Burgers vector y, x in px, along the cut.
    glide : ndarray of float64, shape (2,)
        Unit vector y, x opposite to the cut.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Displacement y, x in px.
    """
    normal = np.array([-glide[1], glide[0]])
    x, y = position @ glide, position @ normal
    square = np.maximum(x**2 + y**2, 1e-6)
    angle = np.arctan2(y, x)
    length = float(burgers @ glide) / (2 * np.pi)
    rest = 4 * (1 - POISSON_RATIO)
    along = length * (angle + 2 * x * y / square / rest)
    scale = float(np.hypot(*burgers)) ** 2 + 1e-12
    across = (
        -length / rest * ((1 - 2 * POISSON_RATIO) * np.log(square / scale) + (x**2 - y**2) / square)
    )
    field: Array = along[:, None] * glide + across[:, None] * normal
    return field
