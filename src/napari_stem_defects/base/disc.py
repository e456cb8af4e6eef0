"""Discs as footprints of morphological filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def disc(radius: float) -> NDArray[np.bool_]:
    """Return a disc as a footprint, at least three cells wide.

    Parameters
    ----------
    radius : float
        In cells.

    Returns
    -------
    ndarray of bool, shape (2 r + 1, 2 r + 1)
    """
    reach = max(1, round(radius))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    inside: NDArray[np.bool_] = y**2 + x**2 <= (radius + 0.5) ** 2
    return inside
