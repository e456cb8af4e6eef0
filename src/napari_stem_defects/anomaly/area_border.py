"""Where an unusual area ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.base.disc import disc

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEFT, _NEAR = 0.5, 1.5
"""An area ends where this share is left of its highest power within so many lattice periods."""
_GAP = 1.0
"""Gaps of an area, half as wide in periods, are closed: where it is less unusual by chance."""


def above_half(
    power: NDArray[np.float32], cells: NDArray[np.bool_], cells_per_period: float
) -> NDArray[np.bool_]:
    """Return the cells with half of the highest power near them.

    Parameters
    ----------
    power : ndarray of float32, shape (gy, gx)
        Square of the anomaly score of each cell, less that of the perfect crystal, in any unit.
    cells : ndarray of bool, shape (gy, gx)
        Cells of the areas, with all that is unusual around them.
    cells_per_period : float

    Returns
    -------
    ndarray of bool, shape (gy, gx)
        Some of ``cells``.
    """
    highest = ndimage.maximum_filter(power, 2 * round(_NEAR * cells_per_period) + 1)
    return np.asarray(cells & (power > _LEFT * highest))


def closed_within(
    inside: NDArray[np.bool_], cells: NDArray[np.bool_], cells_per_period: float
) -> NDArray[np.bool_]:
    """Close the gaps of areas, where they are less unusual by chance.

    Parameters
    ----------
    inside : ndarray of bool, shape (gy, gx)
        See `above_half`.
    cells : ndarray of bool, shape (gy, gx)
        Cells of the areas, with all that is unusual around them.
    cells_per_period : float

    Returns
    -------
    ndarray of bool, shape (gy, gx)
        Some of ``cells``.
    """
    footprint = disc(_GAP * cells_per_period)
    border = len(footprint)
    closed = ndimage.binary_closing(np.pad(inside, border, mode="edge"), footprint)
    return np.asarray(closed[border:-border, border:-border] & cells)


def within_border(
    power: NDArray[np.float32], cells: NDArray[np.bool_], cells_per_period: float
) -> NDArray[np.bool_]:
    """Return the cells of areas up to where half of their power is left.

    Scores are averaged over a lattice period and more, so areas seem larger than they are. A step
    that is averaged reaches half its height at its place.

    Parameters
    ----------
    power : ndarray of float32, shape (gy, gx)
        Square of the anomaly score of each cell, less that of the perfect crystal, in any unit.
    cells : ndarray of bool, shape (gy, gx)
        Cells of the areas, with all that is unusual around them.
    cells_per_period : float

    Returns
    -------
    ndarray of bool, shape (gy, gx)
        Some of ``cells``.
    """
    return closed_within(above_half(power, cells, cells_per_period), cells, cells_per_period)
